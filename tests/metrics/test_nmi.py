import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from fusionbench_metrics.mi import mutual_information
from fusionbench_metrics.nmi import normalised_mutual_information

SHAPE = (12, 9)
images = arrays(np.uint8, SHAPE)
few_levels = arrays(np.uint8, SHAPE, elements={"max_value": 3})
FLAT = np.full(SHAPE, 77, np.uint8)


def plain_share(first, second):
    """`2 MI / (H + H)` by scipy, from probabilities; 0 where both are constant."""
    joint = np.histogram2d(first.ravel(), second.ravel(), bins=256, range=[[0, 256], [0, 256]])[0]
    entropies = [stats.entropy(joint.sum(axis=axis)) for axis in (0, 1)]
    independent = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    shared = stats.entropy(joint.ravel(), independent.ravel())
    return 2 * shared / sum(entropies) if sum(entropies) > 0 else 0.0


@given(few_levels, few_levels, images)
def test_value_is_that_of_a_plain_formulation_by_scipy(fused, visible, infrared):
    expected = plain_share(visible, fused) + plain_share(infrared, fused)
    assert normalised_mutual_information(fused, visible, infrared) == pytest.approx(expected, abs=1e-10)


def test_both_terms_have_their_own_divisor():
    rows, columns = np.indices((4, 4)).astype(np.uint8)
    # The fused image has 2 bits, one source all of them and 4 bits, the other 1 bit, all of it shared.
    value = normalised_mutual_information(rows, 4 * rows + columns, rows // 2)
    assert value == pytest.approx(2 * (2 / (4 + 2) + 1 / (1 + 2)), rel=1e-15)


@given(images)
def test_three_equal_images_have_two(image):
    image[0, :2] = 0, 1
    assert normalised_mutual_information(image, image, image) == pytest.approx(2.0, abs=1e-12)


@given(images, images)
def test_a_copy_of_either_source_has_the_same_value(visible, infrared):
    visible_alone = normalised_mutual_information(visible, visible, infrared)
    infrared_alone = normalised_mutual_information(infrared, visible, infrared)
    assert visible_alone == pytest.approx(infrared_alone, abs=1e-12) or 0.0 in (visible.std(), infrared.std())


@given(images, images, images)
def test_the_value_lies_between_zero_and_two(fused, visible, infrared):
    assert 0.0 <= normalised_mutual_information(fused, visible, infrared) <= 2.0 + 1e-12


@given(few_levels, images, images)
def test_swapping_the_sources_changes_nothing(fused, visible, infrared):
    swapped = normalised_mutual_information(fused, infrared, visible)
    assert swapped == normalised_mutual_information(fused, visible, infrared)


@given(few_levels, images, st.permutations(range(256)))
def test_renaming_the_grey_levels_of_the_fused_image_changes_nothing(fused, source, names):
    renamed = np.array(names, dtype=np.uint8)[fused]
    expected = normalised_mutual_information(fused, source, source)
    assert normalised_mutual_information(renamed, source, source) == pytest.approx(expected, abs=1e-10)


@given(images)
def test_a_constant_fused_image_shares_nothing(source):
    assert normalised_mutual_information(FLAT, source, source) == 0.0


def test_three_constant_images_share_nothing():
    assert normalised_mutual_information(FLAT, FLAT, FLAT) == 0.0


def test_a_constant_source_counts_as_zero(scene):
    fused, visible, _ = scene
    flat = np.full_like(fused, 77)
    alone = normalised_mutual_information(fused, visible, visible) / 2
    assert normalised_mutual_information(fused, visible, flat) == pytest.approx(alone, rel=1e-15)
    assert mutual_information(fused, visible, flat) == mutual_information(fused, visible, visible) / 2
