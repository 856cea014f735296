"""Saliency and least-squares fusion (VSMWLS): rolling guidance splits, histogram contrast weights the bases.

Reference:
    J. Ma, Z. Zhou, B. Wang, H. Zong: "Infrared and Visible Image Fusion Based on Visual Saliency Map and
    Weighted Least Square Optimization", Infrared Physics & Technology 82, 2017; rolling guidance: Q.
    Zhang, X. Shen, L. Xu, J. Jia, "Rolling Guidance Filter", ECCV 2014. Parameters, borders and the order
    of the images are those of the benchmark VIFB (X. Zhang, P. Ye, G. Xiao, CVPR Workshops 2020): coarse
    details are drawn towards the infrared image, though the paper means to pass on visible ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fusionbench.contracts import MethodCard
from fusionbench.images import quantise
from fusionbench_methods.gff import guided_filter
from fusionbench_methods.overshoot import limited
from fusionbench_methods.per_image import Array, fuse_each

if TYPE_CHECKING:
    import torch

SCALES = (2, 4, 8)
"""Of rolling guidance, from fine to coarse: sigma of its first Gaussian and radius of its filter."""

EDGE = 0.05
"""Standard deviation of the guide below which rolling guidance smooths."""

ROUNDS = 4
"""Of rolling guidance."""

SIGMA = 2.0
"""Of the Gaussian that parts the coarsest detail from the base, and of the one that smooths choices."""

GAUSSIAN_CUT = 3
"""Gaussians end after this many sigmas."""

ATTRACTION = 0.01
"""How much coarse detail is drawn towards the infrared image (lambda of the least squares)."""

TEXTURE_WINDOW, SMALLEST_TEXTURE = 7, 1e-6
"""Side of the mean of visible detail that weakens the attraction, and what is added to it."""


class SaliencyLeastSquaresFusion:
    """Fuse four levels of detail by strength and least squares, the bases by saliency."""

    card = MethodCard(
        name="vsmwls",
        title="Saliency and least-squares fusion",
        venue="Infrared Physics & Technology",
        year=2017,
        paper="https://doi.org/10.1016/j.infrared.2017.02.005",
        code="https://github.com/xingchenzhang/VIFB",
        licence="Apache-2.0 (this implementation)",
        summary="rolling guidance, bases by histogram contrast, details by strength and least squares",
    )

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Fuse a batch, each pair on its own in float64.

        Args:
            visible: Luminance `(N, 1, H, W)` in [0, 1]; any size from 1x1.
            infrared: `(N, 1, H, W)` in [0, 1].

        Returns:
            `(N, 1, H, W)`, beyond [0, 1] beside strong edges, from -1 to 2 at most.
        """
        return fuse_each(saliency_least_squares_fusion, visible, infrared)


def saliency_least_squares_fusion(visible: Array, infrared: Array) -> Array:
    """Fuse one pair.

    Args:
        visible: `(H, W)` in [0, 1].
        infrared: `(H, W)` in [0, 1].

    Returns:
        `(H, W)`: the published method overshoots before its result is cut off to 8 bits.
    """
    weight = 0.5 + (histogram_contrast(visible) - histogram_contrast(infrared)) / 2
    scales = zip((*SCALES, None), _smoothed(visible), _smoothed(infrared), strict=True)
    fused = np.zeros_like(visible)
    for scale, smooth_visible, smooth_infrared in scales:
        details = visible - smooth_visible, infrared - smooth_infrared
        fused += _stronger(*details) if scale == SCALES[0] else _least_squares(*details)
        visible, infrared = smooth_visible, smooth_infrared
    return limited(fused + weight * visible + (1 - weight) * infrared)


def rolling_guidance(image: Array, scale: int) -> Array:
    """Remove what is smaller than a scale and keep the edges of what is larger.

    Args:
        image: `(H, W)` in [0, 1].
        scale: In pixels.

    Returns:
        `(H, W)`.
    """
    guide = _gaussian(image, scale)
    for _ in range(ROUNDS):
        guide = guided_filter(guide, image, scale, EDGE**2)
    return guide


def histogram_contrast(image: Array) -> Array:
    """How far each pixel's level is from all others.

    Args:
        image: `(H, W)` in [0, 1].

    Returns:
        `(H, W)`: the sum of distances in 8-bit levels, its minimum brought to 0 and its maximum to 1; 0 for a
        flat image.
    """
    levels = quantise(255.0 * image)
    count = np.bincount(levels.ravel(), minlength=256).astype(np.float64)
    level = np.arange(256.0)
    contrast: Array = (np.abs(level[:, None] - level) @ count)[levels]
    contrast = contrast - contrast.min()
    return contrast / (contrast.max() or 1.0)


def _smoothed(image: Array) -> list[Array]:
    """The image at each of the scales, and last the base."""
    levels = []
    for scale in SCALES:
        image = rolling_guidance(image, scale)
        levels.append(image)
    return [*levels, _gaussian(image, SIGMA)]


def _gaussian(image: Array, sigma: float, mode: str = "nearest") -> Array:
    from scipy import ndimage

    smooth: Array = ndimage.gaussian_filter(image, sigma, radius=int(GAUSSIAN_CUT * sigma), mode=mode)
    return smooth


def _stronger(visible: Array, infrared: Array) -> Array:
    return np.where(np.abs(visible) >= np.abs(infrared), visible, infrared)


def _least_squares(visible: Array, infrared: Array) -> Array:
    """Near the stronger detail, and near the infrared one where the visible has no texture."""
    from scipy import ndimage

    # The paper's system of equations has no neighbours in it: each pixel is solved by itself.
    choice = _gaussian((np.abs(visible) >= np.abs(infrared)).astype(np.float64), SIGMA, mode="reflect")
    stronger = choice * visible + (1 - choice) * infrared
    texture = np.abs(ndimage.uniform_filter(visible, TEXTURE_WINDOW, mode="nearest"))
    attraction = ATTRACTION / (texture + SMALLEST_TEXTURE)
    solved: Array = (stronger + attraction * infrared) / (1 + attraction)
    return solved
