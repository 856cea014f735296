from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusionbench_methods.rp import ratio_pyramid_fusion
from tests.methods.test_lp import chosen, expanded, reduced


def plain_fusion(first, second, levels=4):
    """The method in grey levels by matrices and loops, recursively."""
    if levels == 0:
        return (first + second) / 2
    height, width = first.shape
    first, second = (np.pad(each, ((0, height % 2), (0, width % 2)), mode="edge") for each in (first, second))
    ratio = chosen(*(each / (expanded(reduced(each)) + 1e-6) for each in (first, second)))
    fused = (expanded(plain_fusion(reduced(first), reduced(second), levels - 1)) + 1e-6) * ratio
    return fused[:height, :width]


@pytest.mark.parametrize("size", [(32, 48), (47, 62), (3, 5), (2, 2), (1, 1), (1, 9)], ids=str)
def test_fusion_is_that_of_a_plain_construction_with_matrices(size, textured_pair):
    visible, infrared = (image[: size[0], : size[1]] for image in textured_pair)
    expected = np.clip(plain_fusion(255 * visible, 255 * infrared) / 255, 0, 1)
    np.testing.assert_allclose(ratio_pyramid_fusion(visible, infrared), expected, atol=1e-9)


@settings(max_examples=30)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 2**32 - 1))
def test_two_equal_images_of_any_size_give_that_image(height, width, seed):
    image = np.random.default_rng(seed).random((height, width))
    np.testing.assert_allclose(ratio_pyramid_fusion(image, image), image, atol=1e-12)


def test_two_flat_images_give_their_mean_up_to_the_border():
    fused = ratio_pyramid_fusion(np.full((21, 34), 0.2), np.full((21, 34), 0.6))
    np.testing.assert_allclose(fused, 0.4, atol=1e-7)


def test_half_the_light_gives_half_the_image(textured_pair):
    visible, infrared = (0.1 + 0.4 * image for image in textured_pair)
    half = ratio_pyramid_fusion(visible / 2, infrared / 2)
    np.testing.assert_allclose(half, ratio_pyramid_fusion(visible, infrared) / 2, atol=1e-6)


def test_two_black_images_give_a_black_one():
    np.testing.assert_array_equal(ratio_pyramid_fusion(np.zeros((9, 12)), np.zeros((9, 12))), 0)
