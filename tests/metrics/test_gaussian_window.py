import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from fusionbench_metrics.gaussian_window import gaussian_taps, local_means, row_bands


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
