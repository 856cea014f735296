import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from fusionbench_metrics.gradients import central_differences, magnitude_sum, sobel_differences

images = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=24))

SCIPY_BORDERS = {"replicate": "nearest", "reflect": "mirror", "zero": "constant"}

LARGE = np.random.default_rng(31).integers(0, 256, (211, 1203), dtype=np.uint8)
"""An image of many bands."""


def whole(bands):
    """Put the bands of both maps together."""
    return [np.concatenate(parts) for parts in zip(*bands, strict=True)]


def assert_central_differences_are_those_of_numpy(image):
    horizontal, vertical = whole(central_differences(image))
    by_rows, by_columns = np.gradient(image.astype(np.float64))
    np.testing.assert_array_equal(horizontal, 2 * by_columns)
    np.testing.assert_array_equal(vertical, 2 * by_rows)


@given(images)
def test_central_differences_are_twice_the_gradient_of_numpy(image):
    assert_central_differences_are_those_of_numpy(image)


def test_central_differences_of_an_image_in_many_bands_are_those_of_numpy():
    assert_central_differences_are_those_of_numpy(LARGE)


def assert_sobel_differences_are_those_of_scipy(image, border):
    horizontal, vertical = whole(sobel_differences(image, border))
    plain, mode = image.astype(np.float64), SCIPY_BORDERS[border]
    np.testing.assert_array_equal(horizontal, ndimage.sobel(plain, axis=1, mode=mode))
    np.testing.assert_array_equal(vertical, ndimage.sobel(plain, axis=0, mode=mode))


@pytest.mark.parametrize("border", SCIPY_BORDERS)
@given(image=images)
def test_sobel_differences_are_those_of_scipy(border, image):
    assert_sobel_differences_are_those_of_scipy(image, border)


@pytest.mark.parametrize("border", SCIPY_BORDERS)
def test_sobel_differences_of_an_image_in_many_bands_are_those_of_scipy(border):
    assert_sobel_differences_are_those_of_scipy(LARGE, border)


def test_magnitudes_of_all_bands_are_added():
    first = np.array([[3, 0]], np.int32), np.array([[4, 0]], np.int32)
    second = np.array([[-5, 0]], np.int32), np.array([[12, -1]], np.int32)
    assert magnitude_sum(iter([first, second])) == 5 + 13 + 1
