"""Two-scale fusion (TIF): a mean filter splits each image, what a median keeps of the detail weights it.

Reference:
    D. P. Bavirisetti, R. Dhuli: "Two-Scale Image Fusion of Visible and Infrared Images Using Saliency
    Detection", Infrared Physics & Technology 76, 2016. Parameters and borders are those of the benchmark
    VIFB (X. Zhang, P. Ye, G. Xiao, CVPR Workshops 2020).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fusionbench.contracts import MethodCard
from fusionbench_methods.per_image import Array, fuse_each

if TYPE_CHECKING:
    import torch

BASE_WINDOW = 35
"""Side of the mean filter that splits an image into base and detail; the image goes on periodically."""

MEDIAN_WINDOW = 3
"""Side of the median filter, which sees black beyond the border."""

SMALLEST_SALIENCY = 1e-24
"""Less than this in both images is rounding of sums: the weights are equal (VIFB divides zero by zero)."""


class TwoScaleFusion:
    """Fuse the detail beside a mean filter by saliency, the bases by the mean."""

    card = MethodCard(
        name="tif",
        title="Two-scale fusion",
        venue="Infrared Physics & Technology",
        year=2016,
        paper="https://doi.org/10.1016/j.infrared.2016.01.009",
        code="https://github.com/xingchenzhang/VIFB",
        licence="Apache-2.0 (this implementation)",
        summary="35x35 mean splits base and detail, weighted by the square of median minus mean",
    )

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Fuse a batch, each pair on its own in float64.

        Args:
            visible: Luminance `(N, 1, H, W)` in [0, 1]; any size from 1x1.
            infrared: `(N, 1, H, W)` in [0, 1].

        Returns:
            `(N, 1, H, W)`, beyond [0, 1] beside strong edges, from -1 to 2 at most.
        """
        return fuse_each(two_scale_fusion, visible, infrared)


def two_scale_fusion(visible: Array, infrared: Array) -> Array:
    """Fuse one pair.

    Args:
        visible: `(H, W)` in [0, 1].
        infrared: `(H, W)` in [0, 1].

    Returns:
        `(H, W)`: the published method overshoots before its result is cut off to 8 bits.
    """
    bases = _base(visible), _base(infrared)
    saliencies = _saliency(visible, bases[0]), _saliency(infrared, bases[1])
    total = saliencies[0] + saliencies[1]
    weight = np.full_like(total, 0.5)
    np.divide(saliencies[0], total, out=weight, where=total > SMALLEST_SALIENCY)
    detail: Array = weight * (visible - bases[0]) + (1 - weight) * (infrared - bases[1])
    return (bases[0] + bases[1]) / 2 + detail


def _base(image: Array) -> Array:
    from scipy import ndimage

    base: Array = ndimage.uniform_filter(image, BASE_WINDOW, mode="wrap")
    return base


def _saliency(image: Array, base: Array) -> Array:
    from scipy import ndimage

    saliency: Array = (base - ndimage.median_filter(image, MEDIAN_WINDOW, mode="constant")) ** 2
    return saliency
