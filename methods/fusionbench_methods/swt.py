"""Stationary-wavelet fusion (SWT): the stronger coefficient of undecimated bands, the mean of what is left.

Reference:
    O. Rockinger: "Image Sequence Fusion Using a Shift-Invariant Wavelet Transform", International
    Conference on Image Processing 1997.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fusionbench.contracts import MethodCard
from fusionbench_methods.per_image import Array, fuse_each

if TYPE_CHECKING:
    import torch

LEVELS = 4
"""Of the decomposition; sides are padded to a multiple of two to this power."""

WAVELET = "db1"
"""Haar."""


class StationaryWaveletFusion:
    """Fuse the bands of two undecimated wavelet decompositions by strength, their tops by the mean."""

    card = MethodCard(
        name="swt",
        title="Stationary wavelet transform",
        venue="ICIP",
        year=1997,
        paper="https://doi.org/10.1109/ICIP.1997.632093",
        licence="Apache-2.0 (this implementation)",
        summary="4-level undecimated Haar transform, bands by the largest coefficient, top by the mean",
    )

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Fuse a batch, each pair on its own in float64.

        Args:
            visible: Luminance `(N, 1, H, W)` in [0, 1]; any size from 1x1.
            infrared: `(N, 1, H, W)` in [0, 1].

        Returns:
            `(N, 1, H, W)` in [0, 1].
        """
        return fuse_each(stationary_wavelet_fusion, visible, infrared)


def stationary_wavelet_fusion(visible: Array, infrared: Array) -> Array:
    """Fuse one pair.

    Args:
        visible: `(H, W)` in [0, 1].
        infrared: `(H, W)` in [0, 1].

    Returns:
        `(H, W)` in [0, 1]; overshoot beside strong edges is cut off. Beyond its border the image is mirrored
        to the next multiple of 16 and then goes on periodically.
    """
    import pywt

    height, width = visible.shape
    visible_top, *visible_levels = _decomposed(visible)
    infrared_top, *infrared_levels = _decomposed(infrared)
    levels = [tuple(map(_stronger, *bands)) for bands in zip(visible_levels, infrared_levels, strict=True)]
    fused: Array = pywt.iswt2([(visible_top + infrared_top) / 2, *levels], WAVELET)[:height, :width]
    return fused.clip(0.0, 1.0)


def _decomposed(image: Array) -> list[Array]:
    """Low-pass image, then the three bands of each level from coarse to fine."""
    import pywt

    padding = [(0, -length % 2**LEVELS) for length in image.shape]
    padded = np.pad(image, padding, mode="symmetric")
    decomposed: list[Array] = pywt.swt2(padded, WAVELET, level=LEVELS, trim_approx=True)
    return decomposed


def _stronger(visible: Array, infrared: Array) -> Array:
    return np.where(np.abs(visible) >= np.abs(infrared), visible, infrared)
