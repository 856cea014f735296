"""Multi-scale guided-filter fusion (MGFF): each image guides a filter of the other, level after level.

Reference:
    D. P. Bavirisetti, G. Xiao, J. Zhao, R. Dhuli, G. Liu: "Multi-scale Guided Image and Video Fusion: A
    Fast and Efficient Approach", Circuits, Systems, and Signal Processing 38, 2019. Parameters are those
    of the benchmark VIFB (X. Zhang, P. Ye, G. Xiao, CVPR Workshops 2020).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fusionbench.contracts import MethodCard
from fusionbench_methods.gff import guided_filter
from fusionbench_methods.overshoot import limited
from fusionbench_methods.per_image import Array, fuse_each

if TYPE_CHECKING:
    import torch

LEVELS = 4
"""Of detail, above the base."""

RADIUS, EPSILON = 9, 1e3 / 255**2
"""Of the guided filter; guide in [0, 1]."""


class MultiScaleGuidedFusion:
    """Fuse four levels of detail by their strength, the bases by the mean."""

    card = MethodCard(
        name="mgff",
        title="Multi-scale guided-filter fusion",
        venue="Circuits, Systems, and Signal Processing",
        year=2019,
        paper="https://doi.org/10.1007/s00034-019-01131-z",
        code="https://github.com/xingchenzhang/VIFB",
        licence="Apache-2.0 (this implementation)",
        summary="4 levels of mutual guided filters, details weighted by their strength, base by the mean",
    )

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Fuse a batch, each pair on its own in float64.

        Args:
            visible: Luminance `(N, 1, H, W)` in [0, 1]; any size from 1x1.
            infrared: `(N, 1, H, W)` in [0, 1].

        Returns:
            `(N, 1, H, W)`, beyond [0, 1] beside strong edges, from -1 to 2 at most.
        """
        return fuse_each(multi_scale_guided_fusion, visible, infrared)


def multi_scale_guided_fusion(visible: Array, infrared: Array) -> Array:
    """Fuse one pair.

    A level's base is the other image filtered along the edges of this one, so that what both have in common
    is base, and detail is what this image has alone.

    Args:
        visible: `(H, W)` in [0, 1].
        infrared: `(H, W)` in [0, 1].

    Returns:
        `(H, W)`: the published method overshoots before its result is cut off to 8 bits.
    """
    fused = np.zeros_like(visible)
    for _ in range(LEVELS):
        visible_base = guided_filter(visible, infrared, RADIUS, EPSILON)
        infrared_base = guided_filter(infrared, visible, RADIUS, EPSILON)
        fused += _by_strength(visible - visible_base, infrared - infrared_base)
        visible, infrared = visible_base, infrared_base
    return limited(fused + (visible + infrared) / 2)


def _by_strength(visible: Array, infrared: Array) -> Array:
    """Weighted by the absolute values, which is zero where both are."""
    total = np.abs(visible) + np.abs(infrared)
    weighted = np.abs(visible) * visible + np.abs(infrared) * infrared
    shared: Array = np.divide(weighted, total, out=np.zeros_like(total), where=total > 0)
    return shared
