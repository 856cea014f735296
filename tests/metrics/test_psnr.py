import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis.extra.numpy import arrays
from skimage.metrics import peak_signal_noise_ratio as by_skimage

from fusionbench_metrics.mse import mean_squared_error
from fusionbench_metrics.psnr import decibels, peak_signal_to_noise_ratio

SHAPE = (12, 9)
images = arrays(np.uint8, SHAPE)


@given(images, images)
def test_ratio_to_one_source_twice_is_that_of_scikit_image(fused, source):
    assume(not np.array_equal(fused, source))
    expected = by_skimage(source, fused, data_range=255)
    assert peak_signal_to_noise_ratio(fused, source, source) == pytest.approx(expected, abs=1e-12)


def test_the_errors_are_averaged_before_the_logarithm_is_taken(scene):
    fused, visible, infrared = scene
    expected = 10 * math.log10(255**2 / mean_squared_error(fused, visible, infrared))
    mean_of_two = (by_skimage(visible, fused) + by_skimage(infrared, fused)) / 2
    assert peak_signal_to_noise_ratio(*scene) == pytest.approx(expected, rel=1e-15)
    assert peak_signal_to_noise_ratio(*scene) != pytest.approx(mean_of_two, rel=1e-4)


def test_black_against_white_has_no_decibel():
    black, white = np.zeros(SHAPE, np.uint8), np.full(SHAPE, 255, np.uint8)
    assert peak_signal_to_noise_ratio(black, white, white) == 0.0


@given(images)
def test_three_equal_images_have_100_decibels_instead_of_infinity(image):
    assert peak_signal_to_noise_ratio(image, image, image) == 100.0


def test_an_error_so_small_that_it_would_exceed_100_decibels_has_100():
    assert decibels(255**2 / 1e10 * 1.001) < 100.0
    assert decibels(255**2 / 1e10 * 0.999) == 100.0


def test_half_the_peak_costs_six_decibels(scene):
    whole, half = peak_signal_to_noise_ratio(*scene), peak_signal_to_noise_ratio(*scene, peak=127.5)
    assert whole - half == pytest.approx(20 * math.log10(2), rel=1e-12)


@given(images, images, images, images)
def test_less_error_is_more_decibels(one, other, visible, infrared):
    errors = [mean_squared_error(fused, visible, infrared) for fused in (one, other)]
    assume(errors[0] < errors[1])
    ratios = [peak_signal_to_noise_ratio(fused, visible, infrared) for fused in (one, other)]
    assert ratios[0] > ratios[1]
