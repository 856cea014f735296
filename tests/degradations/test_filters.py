from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from scipy import ndimage

from fusionbench_degradations.exponential import STEPS, decay
from fusionbench_degradations.filters import (
    box_mean,
    box_sum,
    dilated,
    eroded,
    gaussian,
    guided_filter,
    nearest_rank,
)

IMAGES = arrays.arrays(
    np.int32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(-(2**31) + 1, 2**31 - 1)
)
MASKS = arrays.arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12)))
RADII = st.integers(0, 12)


def window_total(values: NDArray[np.float64], radius: int) -> NDArray[np.float64]:
    weights = np.ones((2 * radius + 1, 2 * radius + 1))
    total: NDArray[np.float64] = ndimage.convolve(values, weights, mode="constant")
    return total


@given(IMAGES, RADII)
def test_box_sums_are_exact_for_any_integers(values: NDArray[np.int32], radius: int) -> None:
    rows, columns = values.shape
    for y, x in ((0, 0), (rows // 2, columns // 2), (rows - 1, columns - 1)):
        window = values[max(y - radius, 0) : y + radius + 1, max(x - radius, 0) : x + radius + 1]
        assert int(box_sum(values, radius)[y, x]) == sum(int(value) for value in window.ravel())


def test_box_means_divide_by_the_pixels_inside_the_image() -> None:
    np.testing.assert_array_equal(box_mean(np.full((7, 5), 9, np.int32), 2), np.full((7, 5), 9.0))


def test_the_guided_filter_agrees_with_its_paper_in_double_precision() -> None:
    generator = np.random.default_rng(1)
    guide = ndimage.gaussian_filter(generator.uniform(0, 255, (60, 80)), 3) * 4 % 256 // 1
    values = generator.integers(0, 2800, (60, 80))
    count = window_total(np.ones(guide.shape), 5)
    mean = {"I": guide / 255, "p": values, "II": (guide / 255) ** 2, "Ip": guide / 255 * values}
    mean = {name: window_total(array.astype(np.float64), 5) / count for name, array in mean.items()}
    slope = (mean["Ip"] - mean["I"] * mean["p"]) / (mean["II"] - mean["I"] ** 2 + 2e-3)
    offset = mean["p"] - slope * mean["I"]
    expected = (window_total(slope, 5) * (guide / 255) + window_total(offset, 5)) / count
    found = guided_filter(guide.astype(np.int32), values.astype(np.int32), 5, 2e-3)
    np.testing.assert_allclose(found, expected, atol=0.25)


def test_the_gaussian_has_the_asked_spread() -> None:
    impulse = np.zeros((401, 401), np.int32)
    impulse[200, 200] = 2**30
    profile = gaussian(impulse, 30.0).sum(axis=0).astype(np.float64)
    offsets = np.arange(-200, 201)
    assert np.sqrt((profile * offsets**2).sum() / profile.sum()) == pytest.approx(30.0, rel=0.03)


def test_the_gaussian_stays_close_to_scipys() -> None:
    image = np.random.default_rng(2).integers(0, 4080, (120, 160)).astype(np.int32)
    expected = ndimage.gaussian_filter(image.astype(np.float64), 2.0)
    inside = (slice(10, -10), slice(10, -10))
    spread = expected[inside].std()
    assert np.abs(gaussian(image, 2.0, passes=2)[inside] - expected[inside]).std() < 0.25 * spread


@given(MASKS, st.integers(0, 4))
def test_dilation_and_erosion_agree_with_scipys(mask: NDArray[np.bool_], radius: int) -> None:
    window = np.ones((2 * radius + 1, 2 * radius + 1))
    np.testing.assert_array_equal(dilated(mask, radius), ndimage.binary_dilation(mask, window))
    np.testing.assert_array_equal(eroded(mask, radius), ndimage.binary_erosion(mask, window, border_value=1))


@given(arrays.arrays(np.int32, st.integers(1, 40), elements=st.integers(0, 300)), st.floats(0.01, 1))
def test_the_nearest_rank_is_numpys_inverted_distribution(values: NDArray[np.int32], fraction: float) -> None:
    assert nearest_rank(values, fraction) == np.percentile(values, 100 * fraction, method="inverted_cdf")


def test_the_decay_table_is_the_exponential() -> None:
    steps = np.arange(65536, dtype=np.int32)
    np.testing.assert_allclose(decay(steps), np.exp(-steps / STEPS), rtol=1e-7)


def test_the_decay_table_ends_flat() -> None:
    np.testing.assert_array_equal(
        decay(np.array([-5, 70000], np.int32)), decay(np.array([0, 65535], np.int32))
    )
