import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from fusionbench_metrics.scd import correlation_of_differences

SHAPE = (12, 9)
images = arrays(np.uint8, SHAPE)
dark_images = arrays(np.uint8, SHAPE, elements={"max_value": 100})
FLAT = np.full(SHAPE, 90, np.uint8)
TEXTURE = np.random.default_rng(34).integers(20, 120, SHAPE, dtype=np.uint8)
OTHER = np.random.default_rng(35).integers(20, 120, SHAPE, dtype=np.uint8)


def plain_correlation(first, second):
    """Pearson correlation of two integer arrays, pixel by pixel; 0 with a constant."""
    first, second = first - first.mean(), second - second.mean()
    norms = np.sqrt((first**2).sum() * (second**2).sum())
    return (first * second).sum() / norms if norms > 1e-9 else 0.0


@given(images, images, images)
def test_value_is_that_of_signed_differences_pixel_by_pixel(fused, visible, infrared):
    f, v, i = (image.astype(np.int64) for image in (fused, visible, infrared))
    expected = plain_correlation(f - i, v) + plain_correlation(f - v, i)
    assert correlation_of_differences(fused, visible, infrared) == pytest.approx(expected, abs=1e-12)


@given(dark_images, dark_images)
def test_the_sum_of_the_sources_has_two_whatever_its_brightness(visible, infrared):
    visible[0, 0], visible[0, 1], infrared[0, 0], infrared[0, 1] = 0, 100, 100, 0
    for brightness in (0, 55):
        total = visible + infrared + np.uint8(brightness)
        assert correlation_of_differences(total, visible, infrared) == pytest.approx(2.0, abs=1e-14)


@given(images, images, images)
def test_swapping_the_sources_changes_nothing(fused, visible, infrared):
    swapped = correlation_of_differences(fused, infrared, visible)
    assert swapped == correlation_of_differences(fused, visible, infrared)


@given(images, images, images)
def test_the_value_stays_within_two(fused, visible, infrared):
    assert -2.0 <= correlation_of_differences(fused, visible, infrared) <= 2.0


def test_a_copy_of_one_source_has_only_what_is_left_of_that_one():
    left = TEXTURE.astype(np.int64) - OTHER
    expected = plain_correlation(left, TEXTURE.astype(np.int64))
    assert correlation_of_differences(TEXTURE, TEXTURE, OTHER) == pytest.approx(expected, rel=1e-12)


def test_a_constant_source_counts_as_zero():
    assert correlation_of_differences(TEXTURE, TEXTURE, FLAT) == pytest.approx(1.0, abs=1e-15)


def test_three_equal_images_leave_no_difference_to_correlate():
    assert correlation_of_differences(TEXTURE, TEXTURE, TEXTURE) == 0.0


def test_three_constant_images_have_zero():
    assert correlation_of_differences(FLAT, FLAT, FLAT) == 0.0
