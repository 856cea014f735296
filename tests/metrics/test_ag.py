import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays

from fusionbench_metrics.ag import average_gradient, gradient_sum

images = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=24))


@given(images)
def test_gradient_is_that_of_numpy(image):
    by_rows, by_columns = np.gradient(image.astype(np.float64))
    expected = np.sqrt((by_rows**2 + by_columns**2) / 2).mean()
    assert average_gradient(image) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_a_ramp_has_its_step_at_the_border_too():
    ramp = np.tile(3 * np.arange(20, dtype=np.uint8), (5, 1))
    assert average_gradient(ramp) == pytest.approx(3 / math.sqrt(2), rel=1e-15)


def test_a_single_bright_pixel_is_a_gradient_of_its_four_neighbours():
    image = np.zeros((3, 3), np.uint8)
    image[1, 1] = 8
    # Each neighbour lies on the border: its difference is one-sided, 8, along one axis.
    assert average_gradient(image) == pytest.approx(4 * 8 / math.sqrt(2) / 9, rel=1e-15)


def test_a_bright_pixel_inside_is_half_a_difference_to_either_side():
    image = np.zeros((5, 5), np.uint8)
    image[2, 2] = 8
    assert average_gradient(image) == pytest.approx(4 * 4 / math.sqrt(2) / 25, rel=1e-15)


def test_a_checkerboard_of_four_pixels_reaches_the_most_there_is():
    assert average_gradient(np.array([[0, 255], [255, 0]], np.uint8)) == 255.0


def test_a_constant_image_has_none():
    assert average_gradient(np.full((9, 4), 200, np.uint8)) == 0.0


@given(images)
def test_transposing_mirroring_and_inverting_change_nothing(image):
    expected = average_gradient(image)
    for other in (image.T, image[::-1], image[:, ::-1], 255 - image):
        assert average_gradient(other) == pytest.approx(expected, rel=1e-14)


@given(images)
def test_the_sum_is_the_mean_times_the_pixel_count(image):
    assert gradient_sum(image) == pytest.approx(average_gradient(image) * image.size, rel=1e-14)


def test_the_sum_refuses_what_the_mean_refuses():
    with pytest.raises(ValueError, match="fused: is 1x5, but this metric needs at least 2x2 pixels"):
        gradient_sum(np.zeros((5, 1), np.uint8))
