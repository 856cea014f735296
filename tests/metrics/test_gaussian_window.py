import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from fusionbench_metrics.gaussian_window import framed, gaussian_taps, local_mean, local_means, row_bands


@pytest.mark.parametrize(("size", "sigma"), [(11, 1.5), (17, 3.4), (3, 0.6)])
def test_taps_are_a_normalised_gaussian(size, sigma):
    expected = signal.windows.gaussian(size, sigma)
    np.testing.assert_allclose(gaussian_taps(size, sigma), expected / expected.sum(), rtol=1e-13)


@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize("shape", [(11, 11), (12, 17), (30, 25)])
def test_means_are_those_of_a_full_two_dimensional_convolution(shape, step):
    taps = gaussian_taps(11, 1.5)
    maps = np.random.default_rng(12).random((3, *shape))
    expected = [signal.convolve2d(each, np.outer(taps, taps), mode="valid")[::step, ::step] for each in maps]
    np.testing.assert_allclose(local_means(maps, taps, step), expected, rtol=1e-12)


def test_the_input_is_left_as_it_was():
    maps = np.random.default_rng(13).random((1, 12, 12))
    before = maps.copy()
    local_means(maps, gaussian_taps(3, 0.6))
    np.testing.assert_array_equal(maps, before)


@given(st.integers(1, 3000), st.integers(1, 5000))
def test_bands_cover_every_row_once_in_order(rows, columns):
    covered = [row for band in row_bands(rows, columns) for row in range(band.start, band.stop)]
    assert covered == list(range(rows))


def test_an_infinite_sigma_gives_equal_weights():
    np.testing.assert_array_equal(gaussian_taps(7, np.inf), np.full(7, 1 / 7))


@pytest.mark.parametrize("step", [1, 2])
def test_means_with_taps_that_are_not_symmetric_are_correlations(step):
    taps = np.array([0.5, 0.1, 0.4])
    image = np.random.default_rng(14).random((9, 14))
    expected = signal.correlate2d(image, np.outer(taps, taps), mode="valid")[::step, ::step]
    np.testing.assert_allclose(local_mean(image, taps, step), expected, rtol=1e-12)


def test_a_column_of_an_image_is_averaged_like_any_other_image():
    narrow = np.random.default_rng(15).random((20, 11))
    wide = np.hstack([np.random.default_rng(16).random((20, 4)), narrow])
    taps = gaussian_taps(11, 1.5)
    np.testing.assert_array_equal(local_mean(narrow, taps)[:, 0], local_mean(wide, taps)[:, 4])


@pytest.mark.parametrize(("border", "outside"), [("replicate", [1, 3]), ("zero", [0, 0])])
def test_a_frame_shows_windows_what_lies_beyond_the_border(border, outside):
    row = np.array([[1, 2, 3]], np.uint8)
    first, last = outside
    np.testing.assert_array_equal(framed(row, 3, border)[1], [first, 1, 2, 3, last])


def test_windows_inside_the_image_see_no_frame():
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    np.testing.assert_array_equal(framed(image, 3, "inside"), image)
