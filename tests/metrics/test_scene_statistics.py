import math

import numpy as np
import pytest
import torch
from scipy import ndimage

from fusionbench_metrics.scene_statistics import (
    Moments,
    fit_asymmetric,
    fit_symmetric,
    half_size,
    moments,
    normalised,
)

IMAGE = np.random.default_rng(1).integers(0, 256, (37, 52), dtype=np.uint8)


def exact_moments(magnitude, negative_square, positive_square, negatives=0.5):
    """Moments of 1000 values: mean magnitude, mean square of each side, share of negative values."""
    n, p = 1000 * negatives, 1000 * (1 - negatives)
    sums = (1000.0, 1000 * magnitude, n, p, n * negative_square, p * positive_square)
    return Moments(*map(np.array, sums))


@pytest.mark.parametrize(("border", "mode"), [("zero", "constant"), ("edge", "nearest")])
def test_normalised_values_are_those_of_a_plain_filter(border, mode):
    offsets = np.arange(-3, 4)
    window = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * (7 / 6) ** 2))
    window /= window.sum()
    plain = IMAGE.astype(np.float64)
    mean = ndimage.correlate(plain, window, mode=mode)
    deviation = np.sqrt(np.abs(ndimage.correlate(plain**2, window, mode=mode) - mean**2))
    np.testing.assert_allclose(normalised(IMAGE, border), (plain - mean) / (deviation + 1), atol=1e-11)


@pytest.mark.parametrize("level", [1, 77, 254, 255])
def test_flat_areas_and_even_ramps_are_exactly_zero(level):
    assert not normalised(np.full((12, 15), level, np.uint8), "edge").any()
    ramp = np.tile(np.arange(100, 150, dtype=np.uint8), (20, 1))
    assert not normalised(ramp, "edge")[:, 3:-3].any()


def test_half_size_is_bicubic_interpolation_against_aliasing():
    # torch renormalises where the kernel leaves the image instead of mirroring: only the inside is the same.
    plain = torch.from_numpy(IMAGE[:36].astype(np.float64))[None, None]
    expected = torch.nn.functional.interpolate(plain, (18, 26), mode="bicubic", antialias=True)[0, 0]
    inside = slice(2, -2)
    np.testing.assert_allclose(half_size(IMAGE[:36])[inside, inside], expected[inside, inside], atol=1e-10)


def test_half_size_is_the_cubic_kernel_summed_by_hand_up_to_the_mirrored_edge():
    def cubic(x):
        x = abs(x)
        if x <= 1:
            return 1.5 * x**3 - 2.5 * x**2 + 1
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x <= 2 else 0.0

    row = IMAGE[0, :7].astype(float)
    halved = []
    for place in range(4):
        centre = 2 * place + 0.5
        weights = {index: cubic((index - centre) / 2) / 2 for index in range(-6, 13)}
        mirrored = [min(index if index >= 0 else -1 - index, 13 - index, key=abs) for index in weights]
        mirrored = [index if index < 7 else 13 - index for index in mirrored]
        halved.append(sum(w * row[m] for w, m in zip(weights.values(), mirrored, strict=True)))
    found = half_size(np.tile(IMAGE[0, :7], (4, 1)))
    assert found.shape == (2, 4)
    np.testing.assert_allclose(found, [halved, halved], atol=1e-12)


def test_half_size_rounds_nothing():
    assert (half_size(IMAGE) * 65536 % 1 == 0).all()


@pytest.mark.parametrize(
    ("magnitude", "square", "shape"),
    [(1.0, 2.0, 1.0), (math.sqrt(2 / math.pi), 1.0, 2.0)],
    ids=["laplace", "normal"],
)
def test_both_fits_find_the_shape_and_width_of_a_symmetric_distribution(magnitude, square, shape):
    symmetric = fit_symmetric(exact_moments(magnitude, square, square))
    assert (symmetric.shape, symmetric.variance) == (pytest.approx(shape, abs=5e-4), square)
    asymmetric = fit_asymmetric(exact_moments(magnitude, square, square))
    assert asymmetric.shape == pytest.approx(shape, abs=5e-4)
    assert asymmetric.mean == 0.0
    assert asymmetric.left == asymmetric.right == pytest.approx(math.sqrt(square))


def test_the_asymmetric_fit_finds_a_laplace_distribution_three_times_as_wide_above_zero():
    # Density exp(x) below zero and exp(-x / 3) above, over 4.
    fit = fit_asymmetric(exact_moments((1 + 9) / 4, 2.0, 18.0, negatives=1 / 4))
    assert fit.shape == pytest.approx(1.0, abs=5e-4)
    assert (fit.left, fit.right) == (pytest.approx(math.sqrt(2)), pytest.approx(3 * math.sqrt(2)))
    assert fit.mean == pytest.approx(3 - 1, abs=2e-3)


@pytest.mark.parametrize(("values", "shape"), [([-1.0, 1.0] * 50, 10.0), ([-1.0, 1.0] + [0.0] * 998, 0.2)])
def test_shapes_end_at_a_fifth_and_at_ten(values, shape):
    of = moments(np.array(values))
    assert fit_symmetric(of).shape == fit_asymmetric(of).shape == pytest.approx(shape)


def test_zeros_belong_to_neither_side():
    fit = fit_asymmetric(moments(np.array([-2.0, 0.0, 0.0, 3.0, 3.0])))
    assert (fit.left, fit.right) == (2.0, 3.0)


@pytest.mark.parametrize("values", [[0.0, 0.0], [1.0, 2.0], [-1.0, 0.0]])
def test_without_values_on_both_sides_there_is_no_asymmetric_fit(values):
    assert np.isnan(fit_asymmetric(moments(np.array(values)))).all()


def test_without_any_value_there_is_no_symmetric_fit():
    assert np.isnan(fit_symmetric(moments(np.zeros(5)))).all()


def test_moments_of_parts_add_up_to_those_of_the_whole():
    values = np.random.default_rng(2).normal(size=(8, 9))
    both = moments(values[:3]).plus(moments(values[3:]))
    np.testing.assert_allclose(both, moments(values), rtol=1e-13)


def test_moments_of_blocks_are_those_of_each_block():
    values = np.random.default_rng(3).normal(size=(2, 4, 3, 5))
    of_blocks = moments(values, axis=(1, 3))
    for row in range(2):
        for column in range(3):
            alone = moments(values[row, :, column])
            np.testing.assert_allclose([part[row, column] for part in of_blocks], alone, rtol=1e-13)
