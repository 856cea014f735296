from __future__ import annotations

import numpy as np
import pytest

from fusionbench_methods.mgff import MultiScaleGuidedFusion, multi_scale_guided_fusion
from tests.methods.vifb_reference import largest_difference


def regressed(guide, image):
    """The guided filter in grey levels by one regression a window, averaged over the windows of a pixel."""
    windows = [
        (slice(max(0, row - 9), row + 10), slice(max(0, column - 9), column + 10))
        for row, column in np.ndindex(*guide.shape)
    ]
    slope, offset = np.empty_like(guide), np.empty_like(guide)
    for place, window in zip(np.ndindex(*guide.shape), windows, strict=True):
        covariance = np.cov(guide[window].ravel(), image[window].ravel(), bias=True)
        slope[place] = covariance[0, 1] / (covariance[0, 0] + 1000)
        offset[place] = image[window].mean() - slope[place] * guide[window].mean()
    means = [(slope[window].mean(), offset[window].mean()) for window in windows]
    slopes, offsets = (np.reshape(part, guide.shape) for part in zip(*means, strict=True))
    return slopes * guide + offsets


def plain_fusion(visible, infrared):
    """The method in grey levels."""
    first, second = 255 * visible, 255 * infrared
    fused = 0.0
    for _ in range(4):
        bases = regressed(first, second), regressed(second, first)
        weight = abs(first - bases[0]) / (abs(first - bases[0]) + abs(second - bases[1]))
        fused = fused + weight * (first - bases[0]) + (1 - weight) * (second - bases[1])
        first, second = bases
    return (fused + (first + second) / 2) / 255


def test_fusion_is_that_of_a_plain_construction_in_grey_levels(textured_pair):
    pair = [image[:23, 10:34] for image in textured_pair]
    np.testing.assert_allclose(multi_scale_guided_fusion(*pair), plain_fusion(*pair), atol=1e-10)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (3, 5), (17, 23)], ids=str)
def test_two_equal_images_give_that_image(size, textured_pair):
    image = textured_pair[0][: size[0], : size[1]]
    np.testing.assert_allclose(multi_scale_guided_fusion(image, image), image, atol=1e-12)


def test_two_flat_images_give_their_mean():
    fused = multi_scale_guided_fusion(np.full((20, 30), 0.2), np.full((20, 30), 0.6))
    np.testing.assert_allclose(fused, 0.4, atol=1e-12)


def test_it_does_not_matter_which_image_is_which(textured_pair):
    visible, infrared = textured_pair
    swapped = multi_scale_guided_fusion(infrared, visible)
    np.testing.assert_allclose(multi_scale_guided_fusion(visible, infrared), swapped, atol=1e-12)


def test_the_output_is_that_of_the_benchmark_vifb_on_a_real_pair(shared):
    assert largest_difference(shared, MultiScaleGuidedFusion()) < 1e-4
