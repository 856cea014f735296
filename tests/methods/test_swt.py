from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusionbench_methods.swt import stationary_wavelet_fusion


def plain_fusion(first, second, levels=4):
    """The method by sums and differences of pixels further and further apart."""

    def halves(image, axis, step):
        other = np.roll(image, -step, axis)
        return (image + other) / 2, (image - other) / 2

    def joined(low, high, axis, step):
        return (low + high + np.roll(low - high, step, axis)) / 2

    height, width = first.shape
    padding = [(0, -height % 16), (0, -width % 16)]
    images = [np.pad(each, padding, mode="symmetric") for each in (first, second)]
    bands = []
    for level in range(levels):
        split = []
        for image in images:
            low, high = halves(image, 0, 2**level)
            split.append([*halves(low, 1, 2**level), *halves(high, 1, 2**level)])
        images = [each[0] for each in split]
        pairs = zip(*(each[1:] for each in split), strict=True)
        bands.append([np.where(abs(one) >= abs(two), one, two) for one, two in pairs])
    fused = sum(images) / 2
    for level in reversed(range(levels)):
        across, down, both = bands[level]
        step = 2**level
        fused = joined(joined(fused, across, 1, step), joined(down, both, 1, step), 0, step)
    return fused[:height, :width]


@pytest.mark.parametrize("size", [(32, 48), (47, 62), (3, 5), (1, 1), (1, 9)], ids=str)
def test_fusion_is_that_of_a_plain_construction_with_shifted_images(size, textured_pair):
    visible, infrared = (image[: size[0], : size[1]] for image in textured_pair)
    expected = np.clip(plain_fusion(visible, infrared), 0, 1)
    np.testing.assert_allclose(stationary_wavelet_fusion(visible, infrared), expected, atol=1e-12)


@settings(max_examples=30)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 2**32 - 1))
def test_two_equal_images_of_any_size_give_that_image(height, width, seed):
    image = np.random.default_rng(seed).random((height, width))
    np.testing.assert_allclose(stationary_wavelet_fusion(image, image), image, atol=1e-12)


def test_two_flat_images_give_their_mean_up_to_the_border():
    fused = stationary_wavelet_fusion(np.full((21, 34), 0.2), np.full((21, 34), 0.6))
    np.testing.assert_allclose(fused, 0.4, atol=1e-12)


@pytest.mark.parametrize("shift", [(1, 0), (0, 1), (3, 5)], ids=str)
def test_moved_images_give_the_moved_image(shift, textured_pair):
    pair = [image[:32, :48] for image in textured_pair]
    moved = stationary_wavelet_fusion(*(np.roll(image, shift, (0, 1)) for image in pair))
    expected = np.roll(stationary_wavelet_fusion(*pair), shift, (0, 1))
    np.testing.assert_allclose(moved, expected, atol=1e-12)
