"""Ratio-pyramid fusion (RP): the stronger contrast of each band, the mean of what is left.

Reference:
    A. Toet: "Image Fusion by a Ratio of Low-Pass Pyramid", Pattern Recognition Letters 9(4), 1989; the
    rest is as in the Laplacian pyramid of `lp`. Parameters are those of the benchmark VIFB (X. Zhang, P.
    Ye, G. Xiao, CVPR Workshops 2020), with the larger ratio as the stronger contrast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fusionbench.contracts import MethodCard
from fusionbench_methods.lp import LEVELS, blur, expand, made_even, stronger
from fusionbench_methods.per_image import Array, fuse_each

if TYPE_CHECKING:
    import torch

SMALLEST_DIVISOR = 1e-6 / 255
"""Added to a low-pass image before dividing by it, so that black has a contrast."""


class RatioPyramid:
    """Fuse the ratios between the levels of two pyramids by the larger one, their tops by the mean."""

    card = MethodCard(
        name="rp",
        title="Ratio of low-pass pyramid",
        venue="Pattern Recognition Letters",
        year=1989,
        paper="https://doi.org/10.1016/0167-8655(89)90003-2",
        code="https://github.com/xingchenzhang/VIFB",
        licence="Apache-2.0 (this implementation)",
        summary="4-level ratio pyramid, bands by 3x3 choose-max with majority check, top by the mean",
    )

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Fuse a batch, each pair on its own in float64.

        Args:
            visible: Luminance `(N, 1, H, W)` in [0, 1]; any size from 1x1.
            infrared: `(N, 1, H, W)` in [0, 1].

        Returns:
            `(N, 1, H, W)` in [0, 1].
        """
        return fuse_each(ratio_pyramid_fusion, visible, infrared)


def ratio_pyramid_fusion(visible: Array, infrared: Array) -> Array:
    """Fuse one pair.

    Sizes that two does not divide are handled as by `laplacian_pyramid_fusion`.

    Args:
        visible: `(H, W)` in [0, 1].
        infrared: `(H, W)` in [0, 1].

    Returns:
        `(H, W)` in [0, 1]; overshoot, which has no bound beside black, is cut off.
    """
    sizes: list[tuple[int, ...]] = []
    ratios: list[Array] = []
    for _ in range(LEVELS):
        sizes.append(visible.shape)
        visible, visible_ratio = _split(made_even(visible))
        infrared, infrared_ratio = _split(made_even(infrared))
        ratios.append(stronger(visible_ratio, infrared_ratio))
    fused = (visible + infrared) / 2
    for (height, width), ratio in zip(reversed(sizes), reversed(ratios), strict=True):
        fused = ((expand(fused) + SMALLEST_DIVISOR) * ratio)[:height, :width]
    return np.clip(fused, 0.0, 1.0)


def _split(image: Array) -> tuple[Array, Array]:
    """Half-size low-pass image, and the ratio of the image to it."""
    low = blur(image)[::2, ::2]
    return low, image / (expand(low) + SMALLEST_DIVISOR)
