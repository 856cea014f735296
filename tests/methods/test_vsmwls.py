from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage, optimize

from fusionbench_methods.vsmwls import (
    SaliencyLeastSquaresFusion,
    histogram_contrast,
    rolling_guidance,
    saliency_least_squares_fusion,
)
from tests.methods.vifb_reference import largest_difference


def test_histogram_contrast_is_the_sum_of_distances_to_all_pixels():
    levels = np.random.default_rng(7).integers(0, 256, (12, 15))
    distances = np.abs(levels.reshape(-1, 1) - levels.reshape(1, -1)).sum(axis=1).reshape(levels.shape)
    expected = (distances - distances.min()) / np.ptp(distances)
    np.testing.assert_allclose(histogram_contrast(levels / 255), expected, atol=1e-12)


def test_a_flat_image_has_no_contrast():
    np.testing.assert_array_equal(histogram_contrast(np.full((4, 5), 0.3)), 0)


def test_rolling_guidance_removes_dots_and_keeps_a_step():
    image = np.where(np.arange(60) < 30, 0.2, 0.8) * np.ones((40, 1))
    dotted = image.copy()
    dotted[20, 10] += 0.2
    smooth = rolling_guidance(dotted, 2)
    assert smooth[20, 10] - 0.2 < 0.02
    # Of a step of 0.6, a Gaussian of that scale alone keeps a quarter between neighbours.
    assert smooth[10, 30] - smooth[10, 29] > 0.45


def plain_fusion(visible, infrared):
    """The method with its least squares solved numerically, pixel by pixel."""

    def smooth(image, sigma, mode="nearest"):
        return ndimage.gaussian_filter(image, sigma, truncate=3, mode=mode)

    pairs = [(visible, infrared)]
    for scale in (2, 4, 8):
        pairs.append(tuple(rolling_guidance(image, scale) for image in pairs[-1]))
    pairs.append(tuple(smooth(image, 2) for image in pairs[-1]))
    weight = 0.5 + 0.5 * (histogram_contrast(visible) - histogram_contrast(infrared))
    fused = weight * pairs[-1][0] + (1 - weight) * pairs[-1][1]
    for level in range(4):
        first, second = (fine - coarse for fine, coarse in zip(pairs[level], pairs[level + 1], strict=True))
        larger = abs(first) >= abs(second)
        if level == 0:
            fused = fused + np.where(larger, first, second)
            continue
        share = smooth(larger.astype(float), 2, "reflect")
        wanted = share * first + (1 - share) * second
        activity = abs(ndimage.uniform_filter(first, 7, mode="nearest")) + 1e-6
        for place in np.ndindex(*fused.shape):
            target, other, pull = wanted[place], second[place], 0.01 / activity[place]
            fused[place] += optimize.lsq_linear(
                np.array([[1.0], [np.sqrt(pull)]]), np.array([target, np.sqrt(pull) * other])
            ).x[0]
    return fused


def test_fusion_is_that_of_a_plain_construction_with_a_solver(textured_pair):
    pair = [image[5:19, 14:30] for image in textured_pair]
    np.testing.assert_allclose(saliency_least_squares_fusion(*pair), plain_fusion(*pair), atol=1e-8)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (3, 5), (17, 23)], ids=str)
def test_two_equal_images_give_that_image(size, textured_pair):
    image = textured_pair[0][: size[0], : size[1]]
    np.testing.assert_allclose(saliency_least_squares_fusion(image, image), image, atol=1e-12)


def test_two_flat_images_give_their_mean():
    fused = saliency_least_squares_fusion(np.full((20, 30), 0.2), np.full((20, 30), 0.6))
    np.testing.assert_allclose(fused, 0.4, atol=1e-12)


def test_the_output_is_that_of_the_benchmark_vifb_on_a_real_pair(shared):
    assert largest_difference(shared, SaliencyLeastSquaresFusion()) < 1e-4
