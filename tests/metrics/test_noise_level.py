import math

import numpy as np
import pytest
from scipy import signal, stats

from fusionbench.contracts import MeasuredImage, SourceImages
from fusionbench_metrics.noise_level import HIGH_PASS, NoiseLevel, noise_level

RAMP = np.add.outer(np.arange(200) / 2, np.arange(300) / 3) + 30


def with_noise(sigma, seed=1):
    noise = np.random.default_rng(seed).normal(0, sigma, RAMP.shape)
    return np.clip(np.round(RAMP + noise), 0, 255).astype(np.uint8)


def plain_level(image):
    """The two-dimensional filter at every position, then every second one."""
    mirrored = np.pad(image.astype(np.float64), 3, mode="symmetric")
    coefficients = signal.correlate2d(mirrored, np.outer(HIGH_PASS, HIGH_PASS), mode="valid")[1::2, 1::2]
    found = np.abs(coefficients[np.abs(coefficients) > 1e-9])
    return np.median(found) / stats.norm.ppf(0.75)


def test_the_level_is_that_of_a_plain_two_dimensional_filter(scene):
    for image in (*scene, scene[0][:33, :40], scene[0][:20, :21]):
        assert noise_level(image) == pytest.approx(plain_level(image), rel=1e-11)


def test_the_filter_is_orthonormal_and_blind_to_constants_and_ramps():
    taps = np.array(HIGH_PASS)
    assert np.sum(taps**2) == pytest.approx(1, rel=1e-15)
    assert np.sum(taps[:2] * taps[2:]) == pytest.approx(0, abs=1e-15)
    assert np.sum(taps) == pytest.approx(0, abs=1e-15)
    assert np.sum(taps * np.arange(4)) == pytest.approx(0, abs=1e-15)


def test_the_level_is_that_of_scikit_image_up_to_the_few_zeros_it_misses():
    pytest.importorskip("pywt")
    from skimage.restoration import estimate_sigma

    for shape in ((200, 300), (199, 301)):
        image = with_noise(6)[: shape[0], : shape[1]]
        assert noise_level(image) == pytest.approx(estimate_sigma(image), rel=1e-4)


def test_the_coefficients_are_those_of_pywavelets():
    pywt = pytest.importorskip("pywt")
    for shape in ((200, 300), (199, 301), (7, 10)):
        image = with_noise(6)[: shape[0], : shape[1]]
        coefficients = np.abs(pywt.dwtn(image.astype(np.float64), "db2")["dd"])
        expected = np.median(coefficients[coefficients > 1e-9]) / stats.norm.ppf(0.75)
        assert noise_level(image) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("sigma", [2, 5, 10, 20])
def test_white_noise_is_found_within_three_percent(sigma):
    assert noise_level(with_noise(sigma)) == pytest.approx(sigma, rel=0.03)


def test_saturated_parts_do_not_hide_the_noise():
    half_black = with_noise(10)
    half_black[:, :150] = 0
    assert noise_level(half_black) == pytest.approx(10, rel=0.04)


@pytest.mark.parametrize("level", [0, 77, 255])
def test_a_constant_image_has_no_noise(level):
    assert noise_level(np.full((30, 41), level, np.uint8)) == 0.0


def test_the_range_starts_at_zero_and_has_no_end():
    assert NoiseLevel.card.value_range == (0.0, math.inf)


def test_the_metric_measures_the_grey_fused_image(scene):
    colour = np.zeros((*scene[0].shape, 3), np.uint8)
    sources = SourceImages(*(MeasuredImage(colour, image) for image in scene[1:]))
    assert NoiseLevel().measure(MeasuredImage(colour, scene[0]), sources) == noise_level(scene[0])


def test_four_pixels_are_enough_and_fewer_are_refused(scene):
    assert math.isfinite(noise_level(scene[0][:4, :4]))
    with pytest.raises(ValueError, match="needs at least 4x4"):
        noise_level(scene[0][:, :3])
