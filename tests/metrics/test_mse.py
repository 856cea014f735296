import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from skimage.metrics import mean_squared_error as by_skimage

from fusionbench_metrics.mse import mean_squared_error

SHAPE = (12, 9)
images = arrays(np.uint8, SHAPE)


def test_error_is_the_mean_of_two_errors_of_scikit_image(scene):
    fused, visible, infrared = scene
    expected = (by_skimage(visible, fused) + by_skimage(infrared, fused)) / 2
    assert mean_squared_error(fused, visible, infrared) == pytest.approx(expected, rel=1e-14)


@given(images, images, images)
def test_error_is_the_distance_from_the_average_plus_that_of_the_average_from_the_sources(f, v, i):
    average, half = (v.astype(np.float64) + i) / 2, (v.astype(np.float64) - i) / 2
    expected = np.mean((f - average) ** 2) + np.mean(half**2)
    assert mean_squared_error(f, v, i) == pytest.approx(expected, rel=1e-13, abs=1e-13)


@given(images, images, images)
def test_no_image_beats_the_average_of_the_sources(fused, visible, infrared):
    average = ((visible.astype(np.uint16) + infrared) // 2).astype(np.uint8)
    best = mean_squared_error(average, visible, infrared)
    assert best <= mean_squared_error(fused, visible, infrared)


@given(images, images, images)
def test_swapping_the_sources_changes_nothing(fused, visible, infrared):
    swapped = mean_squared_error(fused, infrared, visible)
    assert swapped == mean_squared_error(fused, visible, infrared)


def test_black_against_white_is_the_largest_error_there_is():
    black, white = np.zeros(SHAPE, np.uint8), np.full(SHAPE, 255, np.uint8)
    assert mean_squared_error(black, white, white) == 255**2
    assert mean_squared_error(black, white, black) == 255**2 / 2


@given(images)
def test_three_equal_images_have_no_error(image):
    assert mean_squared_error(image, image, image) == 0.0


def test_one_level_in_one_pixel_of_one_source_is_seen():
    visible = np.full((480, 640), 255, np.uint8)
    infrared = visible.copy()
    infrared[7, 11] = 254
    assert mean_squared_error(visible, visible, infrared) == 1 / (2 * 480 * 640)
