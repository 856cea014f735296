from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import signal

from fusionbench.images import quantise
from fusionbench_methods.gff import GuidedFilterFusion, guided_filter, guided_filter_fusion


def plain_window_means(image, radius):
    """Means over square windows cut off at the border, one window after the other."""
    means = np.empty_like(image)
    for row, column in np.ndindex(*image.shape):
        rows = slice(max(0, row - radius), row + radius + 1)
        columns = slice(max(0, column - radius), column + radius + 1)
        means[row, column] = image[rows, columns].mean()
    return means


@pytest.mark.parametrize("radius", [1, 7, 45])
def test_the_guided_filter_is_the_local_linear_regression_on_the_guide(radius, textured_pair):
    guide, image = (each[:20, :31] for each in textured_pair)
    slope, offset = np.empty_like(guide), np.empty_like(guide)
    for row, column in np.ndindex(*guide.shape):
        rows = slice(max(0, row - radius), row + radius + 1)
        columns = slice(max(0, column - radius), column + radius + 1)
        near_guide, near_image = guide[rows, columns].ravel(), image[rows, columns].ravel()
        covariance = np.cov(near_guide, near_image, bias=True)
        slope[row, column] = covariance[0, 1] / (covariance[0, 0] + 0.01)
        offset[row, column] = near_image.mean() - slope[row, column] * near_guide.mean()
    expected = plain_window_means(slope, radius) * guide + plain_window_means(offset, radius)
    np.testing.assert_allclose(guided_filter(guide, image, radius, 0.01), expected, atol=1e-12)


def plain_fusion(visible, infrared):
    """The method by two-dimensional windows on padded images."""

    def filtered(image, window):
        padded = np.pad(image, window.shape[0] // 2, mode="edge")
        return signal.convolve2d(padded, window / abs(window.sum() or 1), mode="valid")

    images = (visible, infrared)
    laplacian = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    gaussian = np.outer(signal.windows.gaussian(11, 5), signal.windows.gaussian(11, 5))
    saliency = [filtered(abs(filtered(image, laplacian)), gaussian) for image in images]
    masks = [saliency[0] >= saliency[1], saliency[0] < saliency[1]]
    fused = np.zeros_like(visible)
    bases = [filtered(image, np.ones((31, 31))) for image in images]
    layers = ((45, 0.3, bases), (7, 1e-6, [image - base for image, base in zip(images, bases, strict=True)]))
    for radius, epsilon, parts in layers:
        smooth = [
            guided_filter(i, m.astype(float), radius, epsilon) for i, m in zip(images, masks, strict=True)
        ]
        weights = [np.rint(np.clip(255 * each, 0, 255)) / 255 + 1e-12 for each in smooth]
        fused += sum(w * part for w, part in zip(weights, parts, strict=True)) / sum(weights)
    return np.clip(fused, 0, 1)


def test_fusion_is_that_of_a_plain_construction_with_full_windows(textured_pair):
    np.testing.assert_allclose(guided_filter_fusion(*textured_pair), plain_fusion(*textured_pair), atol=1e-10)


def test_a_constant_image_passes_the_guided_filter_unchanged(textured_pair):
    filtered = guided_filter(textured_pair[0], np.full_like(textured_pair[0], 0.3), 7, 1e-6)
    np.testing.assert_allclose(filtered, 0.3, atol=1e-9)


def test_two_equal_images_give_that_image(textured_pair):
    image = textured_pair[0]
    np.testing.assert_allclose(guided_filter_fusion(image, image), image, atol=1e-9)


def test_the_textured_one_of_two_images_gives_the_detail(textured_pair):
    textured = textured_pair[0]
    fused = guided_filter_fusion(textured, np.full_like(textured, 0.5))
    inner = slice(10, -10)
    np.testing.assert_allclose(np.diff(fused[inner, inner]), np.diff(textured[inner, inner]), atol=0.02)


def test_the_output_is_that_of_the_benchmark_vifb_on_a_real_pair(shared: Path):
    folder = shared / "reference" / "classical"
    stored = np.load(folder / "LLVIP_1_gff_raw.npz")
    expected = stored["lo"] + stored["q"] * (stored["hi"] - stored["lo"]) / 65535
    visible, infrared = (
        torch.from_numpy(np.asarray(Image.open(folder / f"LLVIP_1_{name}_gray.png")) / np.float32(255))
        for name in ("vis", "ir")
    )
    fused = GuidedFilterFusion().fuse(visible[None, None], infrared[None, None])[0, 0].numpy()
    distance = np.abs(quantise(fused * 255.0) - expected)
    assert np.mean(distance < 1.5) >= 0.999
    assert np.mean(distance < 0.5) >= 0.999
