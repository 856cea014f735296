"""Wavelet fusion (DWT): the stronger Haar coefficient of each band, the mean of what is left.

Reference:
    H. Li, B. Manjunath, S. Mitra: "Multisensor Image Fusion Using the Wavelet Transform", Graphical
    Models and Image Processing 57(3), 1995. Parameters are those of the benchmark VIFB (X. Zhang, P. Ye,
    G. Xiao, CVPR Workshops 2020).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fusionbench.contracts import MethodCard
from fusionbench_methods.lp import stronger
from fusionbench_methods.per_image import Array, fuse_each

if TYPE_CHECKING:
    import torch

LEVELS = 4
"""Of the decomposition."""

WAVELET, BORDER = "db1", "periodization"
"""Haar, with a last row or column repeated where their number is odd."""


class WaveletFusion:
    """Fuse the bands of two wavelet decompositions by the stronger activity, their tops by the mean."""

    card = MethodCard(
        name="dwt",
        title="Wavelet transform",
        venue="Graphical Models and Image Processing",
        year=1995,
        paper="https://doi.org/10.1006/gmip.1995.1022",
        code="https://github.com/xingchenzhang/VIFB",
        licence="Apache-2.0 (this implementation)",
        summary="4-level Haar transform, bands by 3x3 choose-max with majority check, top by the mean",
    )

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Fuse a batch, each pair on its own in float64.

        Args:
            visible: Luminance `(N, 1, H, W)` in [0, 1]; any size from 1x1.
            infrared: `(N, 1, H, W)` in [0, 1].

        Returns:
            `(N, 1, H, W)` in [0, 1].
        """
        return fuse_each(wavelet_fusion, visible, infrared)


def wavelet_fusion(visible: Array, infrared: Array) -> Array:
    """Fuse one pair.

    Args:
        visible: `(H, W)` in [0, 1].
        infrared: `(H, W)` in [0, 1].

    Returns:
        `(H, W)` in [0, 1]; overshoot beside strong edges is cut off.
    """
    import pywt

    sizes: list[tuple[int, ...]] = []
    levels: list[tuple[Array, ...]] = []
    for _ in range(LEVELS):
        sizes.append(visible.shape)
        visible, visible_bands = pywt.dwt2(visible, WAVELET, mode=BORDER)
        infrared, infrared_bands = pywt.dwt2(infrared, WAVELET, mode=BORDER)
        levels.append(tuple(map(stronger, visible_bands, infrared_bands)))
    fused = (visible + infrared) / 2
    for (height, width), bands in zip(reversed(sizes), reversed(levels), strict=True):
        fused = pywt.idwt2((fused, bands), WAVELET, mode=BORDER)[:height, :width]
    return np.clip(fused, 0.0, 1.0)
