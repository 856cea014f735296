import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from fusionbench_metrics.ce import LEAST, cross_entropy, divergence_bits
from fusionbench_metrics.histogram import histogram

SHAPE = (12, 9)
images = arrays(np.uint8, SHAPE)
few_levels = arrays(np.uint8, SHAPE, elements={"max_value": 3})


def with_levels(*counts):
    """An image of one row with so many pixels of the levels 0, 1, ..."""
    return np.repeat(np.arange(len(counts), dtype=np.uint8), counts)[None]


def plain_divergence(source, fused):
    """`sum p log2(p / q)` level by level, over those that both have."""
    total = 0.0
    for level in range(256):
        p, q = (np.mean(image == level) for image in (source, fused))
        if p > 0 and q > 0:
            total += p * math.log2(p / q)
    return total


@given(few_levels, few_levels, images)
def test_value_is_the_mean_of_two_divergences_level_by_level(fused, visible, infrared):
    expected = (plain_divergence(visible, fused) + plain_divergence(infrared, fused)) / 2
    assert cross_entropy(fused, visible, infrared) == pytest.approx(expected, abs=1e-12)


def test_divergence_of_three_quarters_from_one_quarter():
    fused, source = with_levels(1, 3), with_levels(3, 1)
    assert cross_entropy(fused, source, source) == pytest.approx(math.log2(3) / 2, rel=1e-15)


def test_divergence_is_from_the_source_to_the_fused_image_and_not_back():
    source, fused = with_levels(6, 1, 1), with_levels(2, 2, 4)
    expected = stats.entropy([6, 1, 1], [2, 2, 4], base=2)
    assert divergence_bits(histogram(source), histogram(fused)) == pytest.approx(expected, rel=1e-14)
    assert divergence_bits(histogram(fused), histogram(source)) != pytest.approx(expected, rel=1e-3)


def test_levels_that_one_image_lacks_are_left_out():
    # Only level 1 is in both: one half of the source, one quarter of the fused image.
    fused, source = with_levels(0, 1, 3), with_levels(2, 2)
    assert cross_entropy(fused, source, source) == 0.5 * math.log2(2)


@given(few_levels)
def test_three_equal_images_have_none(image):
    assert cross_entropy(image, image, image) == 0.0


@given(images, images, st.integers(0, 255))
def test_a_constant_fused_image_is_never_above_zero(visible, infrared, level):
    assert cross_entropy(np.full(SHAPE, level, np.uint8), visible, infrared) <= 0.0


@given(few_levels, few_levels, few_levels)
def test_an_image_with_all_levels_of_the_sources_is_never_below_zero(fused, visible, infrared):
    fused[0, :4] = range(4)
    assert cross_entropy(fused, visible, infrared) >= -1e-12


@given(few_levels, images, images)
def test_no_value_is_below_the_least_on_the_card(fused, visible, infrared):
    assert cross_entropy(fused, visible, infrared) >= LEAST


def test_the_least_is_what_a_constant_image_of_a_level_with_one_part_in_e_has():
    source = with_levels(3679, 6321)
    assert cross_entropy(np.zeros_like(source), source, source) == pytest.approx(LEAST, abs=1e-8)


@given(few_levels, images, images)
def test_swapping_the_sources_changes_nothing(fused, visible, infrared):
    assert cross_entropy(fused, infrared, visible) == cross_entropy(fused, visible, infrared)


@given(images, images)
def test_where_the_pixels_stand_does_not_matter(fused, source):
    moved = np.sort(fused, axis=None).reshape(SHAPE)
    assert cross_entropy(moved, source, source) == cross_entropy(fused, source, source)
