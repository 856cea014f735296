import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from fusionbench_metrics.cc import correlation_coefficient

SHAPE = (12, 9)
images = arrays(np.uint8, SHAPE)
FLAT = np.full(SHAPE, 90, np.uint8)
TEXTURE = np.random.default_rng(32).integers(20, 120, SHAPE, dtype=np.uint8)
OTHER = np.random.default_rng(33).integers(20, 120, SHAPE, dtype=np.uint8)


def by_numpy(first, second):
    return np.corrcoef(first.ravel(), second.ravel())[0, 1]


def test_value_is_the_mean_of_two_correlations_of_numpy(scene):
    fused, visible, infrared = scene
    expected = (by_numpy(visible, fused) + by_numpy(infrared, fused)) / 2
    assert correlation_coefficient(fused, visible, infrared) == pytest.approx(expected, rel=1e-13)


@given(images, images, images)
def test_no_image_exceeds_the_bound_of_cauchy_and_schwarz(fused, visible, infrared):
    between = correlation_coefficient(visible, infrared, infrared)
    value = correlation_coefficient(fused, visible, infrared)
    assert value <= math.sqrt((1 + between) / 2) + 1e-12


def test_the_sum_of_the_standardised_sources_reaches_that_bound(scene):
    _, visible, infrared = scene
    total = sum((image - image.mean()) / image.std() for image in (visible, infrared))
    winner = np.round(255 * (total - total.min()) / np.ptp(total)).astype(np.uint8)
    bound = math.sqrt((1 + by_numpy(visible, infrared)) / 2)
    assert correlation_coefficient(winner, visible, infrared) == pytest.approx(bound, rel=1e-4)


@given(images, images, images)
def test_swapping_the_sources_changes_nothing(fused, visible, infrared):
    swapped = correlation_coefficient(fused, infrared, visible)
    assert swapped == correlation_coefficient(fused, visible, infrared)


def test_twice_the_contrast_and_another_brightness_change_nothing():
    expected = correlation_coefficient(TEXTURE, OTHER, OTHER)
    assert correlation_coefficient(2 * TEXTURE + 10, OTHER, OTHER) == pytest.approx(expected, rel=1e-14)


def test_three_equal_images_have_one_and_the_negative_minus_one():
    assert correlation_coefficient(TEXTURE, TEXTURE, TEXTURE) == pytest.approx(1.0, abs=1e-15)
    assert correlation_coefficient(255 - TEXTURE, TEXTURE, TEXTURE) == pytest.approx(-1.0, abs=1e-15)


def test_a_constant_fused_image_has_none():
    assert correlation_coefficient(FLAT, TEXTURE, OTHER) == 0.0


def test_a_constant_source_counts_as_zero():
    alone = correlation_coefficient(TEXTURE, OTHER, OTHER)
    assert correlation_coefficient(TEXTURE, OTHER, FLAT) == alone / 2
