from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusionbench_methods.tif import TwoScaleFusion, two_scale_fusion
from tests.methods.vifb_reference import largest_difference


def plain_fusion(visible, infrared):
    """The method by shifted copies of the images."""

    def mean(image):
        shifts = [(row, column) for row in range(-17, 18) for column in range(-17, 18)]
        return np.mean([np.roll(image, shift, axis=(0, 1)) for shift in shifts], axis=0)

    def median(image):
        height, width = image.shape
        padded = np.pad(image, 1)
        return np.median([padded[r : r + height, c : c + width] for r in range(3) for c in range(3)], axis=0)

    images = (visible, infrared)
    bases = [mean(image) for image in images]
    first, second = ((base - median(image)) ** 2 for base, image in zip(bases, images, strict=True))
    details = [image - base for base, image in zip(bases, images, strict=True)]
    return sum(bases) / 2 + (first * details[0] + second * details[1]) / (first + second)


@pytest.mark.parametrize("size", [(47, 62), (40, 9), (5, 3)], ids=str)
def test_fusion_is_that_of_a_plain_construction_with_shifted_images(size, textured_pair):
    pair = [image[: size[0], : size[1]] for image in textured_pair]
    np.testing.assert_allclose(two_scale_fusion(*pair), plain_fusion(*pair), atol=1e-9)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (3, 5), (17, 23)], ids=str)
def test_two_equal_images_give_that_image(size, textured_pair):
    image = textured_pair[0][: size[0], : size[1]]
    np.testing.assert_allclose(two_scale_fusion(image, image), image, atol=1e-12)


def test_two_flat_images_give_their_mean():
    fused = two_scale_fusion(np.full((40, 50), 0.2), np.full((40, 50), 0.6))
    np.testing.assert_allclose(fused, 0.4, atol=1e-9)


@given(st.integers(1, 50), st.integers(1, 50), st.integers(0, 2**32 - 1))
def test_overshoot_is_at_most_one_range(height, width, seed):
    pair = np.random.default_rng(seed).integers(0, 2, (2, height, width)).astype(float)
    fused = two_scale_fusion(*pair)
    assert -1 <= fused.min() <= fused.max() <= 2


def test_the_output_is_that_of_the_benchmark_vifb_on_a_real_pair(shared):
    assert largest_difference(shared, TwoScaleFusion()) < 1e-4
