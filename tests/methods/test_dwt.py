from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusionbench_methods.dwt import wavelet_fusion
from tests.methods.test_lp import chosen

SIGNS = np.array([[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]]) / 2
"""Haar's four patterns over a block of two by two."""


def plain_fusion(first, second, levels=4):
    """The method by sums and differences of four pixels, recursively."""
    if levels == 0:
        return (first + second) / 2
    height, width = first.shape
    transformed = []
    for image in (first, second):
        even = np.pad(image, ((0, height % 2), (0, width % 2)), mode="edge")
        block = np.stack([even[row::2, column::2] for row, column in np.ndindex(2, 2)])
        transformed.append(np.tensordot(SIGNS, block, axes=1))
    bands = [chosen(*pair) for pair in zip(*(each[1:] for each in transformed), strict=True)]
    low = plain_fusion(*(each[0] for each in transformed), levels - 1)
    block = np.tensordot(SIGNS.T, np.stack([low, *bands]), axes=1)
    fused = np.empty((2 * low.shape[0], 2 * low.shape[1]))
    for pixels, (row, column) in zip(block, np.ndindex(2, 2), strict=True):
        fused[row::2, column::2] = pixels
    return fused[:height, :width]


@pytest.mark.parametrize("size", [(32, 48), (47, 62), (17, 23), (3, 5), (1, 1), (1, 9)], ids=str)
def test_fusion_is_that_of_a_plain_construction_with_sums_and_differences(size, textured_pair):
    visible, infrared = (image[: size[0], : size[1]] for image in textured_pair)
    expected = np.clip(plain_fusion(visible, infrared), 0, 1)
    np.testing.assert_allclose(wavelet_fusion(visible, infrared), expected, atol=1e-12)


@settings(max_examples=30)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 2**32 - 1))
def test_two_equal_images_of_any_size_give_that_image(height, width, seed):
    image = np.random.default_rng(seed).random((height, width))
    np.testing.assert_allclose(wavelet_fusion(image, image), image, atol=1e-12)


def test_two_flat_images_give_their_mean_up_to_the_border():
    fused = wavelet_fusion(np.full((21, 34), 0.2), np.full((21, 34), 0.6))
    np.testing.assert_allclose(fused, 0.4, atol=1e-12)


def test_a_flat_image_leaves_the_detail_of_the_other_whole(textured_pair):
    textured = 0.4 + 0.2 * textured_pair[0][:32, :48]
    fused = wavelet_fusion(textured, np.full_like(textured, 0.5))
    blocks = (textured - 0.5).reshape(2, 16, 3, 16).mean(axis=(1, 3))
    np.testing.assert_allclose(fused, textured - np.kron(blocks, np.full((16, 16), 0.5)), atol=1e-12)
