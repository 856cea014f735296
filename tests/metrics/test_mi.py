import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from fusionbench_metrics.en import entropy
from fusionbench_metrics.mi import mutual_information

SHAPE = (12, 9)
images = arrays(np.uint8, SHAPE)
few_levels = arrays(np.uint8, SHAPE, elements={"max_value": 3})


def divergence_from_independence(first, second):
    """Mutual information as the Kullback-Leibler divergence of the joint distribution, by scipy."""
    joint = np.histogram2d(first.ravel(), second.ravel(), bins=256, range=[[0, 256], [0, 256]])[0]
    joint /= joint.sum()
    return stats.entropy(joint.ravel(), np.outer(joint.sum(axis=1), joint.sum(axis=0)).ravel(), base=2)


@given(few_levels, few_levels, images)
def test_information_is_the_divergence_of_the_joint_histogram_by_scipy(fused, visible, infrared):
    expected = divergence_from_independence(visible, fused) + divergence_from_independence(infrared, fused)
    assert mutual_information(fused, visible, infrared) == pytest.approx(expected, abs=1e-10)


@given(images)
def test_three_equal_images_share_twice_their_entropy(image):
    assert mutual_information(image, image, image) == pytest.approx(2 * entropy(image), abs=1e-12)


@given(few_levels, images, images)
def test_swapping_the_sources_changes_nothing(fused, visible, infrared):
    swapped = mutual_information(fused, infrared, visible)
    assert swapped == pytest.approx(mutual_information(fused, visible, infrared), abs=1e-12)


@given(few_levels, few_levels)
def test_information_about_one_source_is_mutual(first, second):
    there, back = mutual_information(first, second, second), mutual_information(second, first, first)
    assert there == pytest.approx(back, abs=1e-12)


@given(few_levels, images, st.permutations(range(256)))
def test_renaming_the_grey_levels_of_the_fused_image_changes_nothing(fused, source, names):
    renamed = np.array(names, dtype=np.uint8)[fused]
    expected = mutual_information(fused, source, source)
    assert mutual_information(renamed, source, source) == pytest.approx(expected, abs=1e-10)


@given(images, images, images)
def test_information_is_at_most_twice_the_entropy_of_the_fused_image(fused, visible, infrared):
    assert 0.0 <= mutual_information(fused, visible, infrared) <= 2 * entropy(fused) + 1e-12


def test_independent_images_share_nothing():
    rows, columns = (index.astype(np.uint8) for index in np.indices((16, 16)))
    assert mutual_information(rows, columns, columns) == pytest.approx(0.0, abs=1e-12)


def test_the_levels_254_and_255_are_told_apart():
    image = np.array([[254, 255], [255, 254]], np.uint8)
    assert mutual_information(image, image, image) == 2.0


@given(images)
def test_a_constant_fused_image_shares_nothing(source):
    assert mutual_information(np.full(SHAPE, 77, np.uint8), source, source) == 0.0


@given(few_levels, images, images)
def test_no_image_shares_more_than_its_entropy_and_what_the_sources_share(fused, visible, infrared):
    between = mutual_information(visible, infrared, infrared) / 2
    assert mutual_information(fused, visible, infrared) <= entropy(fused) + between + 1e-12


@given(images, images)
def test_a_copy_of_a_source_reaches_that_bound(visible, infrared):
    between = mutual_information(visible, infrared, infrared) / 2
    copied = mutual_information(visible, visible, infrared)
    assert copied == pytest.approx(entropy(visible) + between, abs=1e-12)
