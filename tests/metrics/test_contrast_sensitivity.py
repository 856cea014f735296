import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from fusionbench_metrics.contrast_sensitivity import cycles_per_degree, filtered, stretched


def test_the_lowest_level_becomes_black_the_highest_white_and_a_half_is_rounded_up():
    image = np.array([[10, 20, 30], [10, 30, 20]], np.uint8)
    np.testing.assert_array_equal(stretched(image), [[0, 128, 255], [0, 255, 128]])


def test_an_image_of_the_whole_range_is_left_as_it_is():
    image = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(stretched(image), image)


@pytest.mark.parametrize("level", [0, 1, 128, 255])
def test_a_constant_image_becomes_black(level):
    np.testing.assert_array_equal(stretched(np.full((3, 4), level, np.uint8)), np.zeros((3, 4)))


@given(arrays(np.uint8, (4, 5)))
def test_stretching_is_rounding_to_the_nearest_level(image):
    span = np.ptp(image)
    if span == 0:
        return
    exact = (image.astype(np.float64) - image.min()) / span * 255
    result = stretched(image)
    assert result.dtype == np.uint8
    assert np.abs(result - exact).max() <= 0.5 + 1e-12
    assert (result.min(), result.max()) == (0, 255)


@given(arrays(np.uint8, (4, 5)))
def test_stretching_twice_is_stretching_once(image):
    np.testing.assert_array_equal(stretched(stretched(image)), stretched(image))


def test_a_cycle_over_the_whole_image_is_one_over_the_angle_it_is_seen_under():
    np.testing.assert_allclose(cycles_per_degree(6, 2.0), [0, 0.5, 1, -1.5, -1, -0.5])
    np.testing.assert_allclose(cycles_per_degree(5, 2.0), [0, 0.5, 1, -1, -0.5])


@pytest.mark.parametrize("shape", [(8, 10), (7, 10), (8, 9), (7, 9)])
def test_a_wave_is_multiplied_by_the_sensitivity_to_its_frequency(shape):
    rows, columns = shape
    sensitivity = np.ones((rows, columns // 2 + 1))
    sensitivity[2, 3] = sensitivity[-2, 3] = 0.25
    row, column = np.mgrid[:rows, :columns]
    wave = np.cos(2 * np.pi * (2 * row / rows + 3 * column / columns))
    np.testing.assert_allclose(filtered(wave + 5, sensitivity), wave / 4 + 5, atol=1e-12)
