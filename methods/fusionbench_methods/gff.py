"""Guided-filter fusion (GFF): two layers, weighted by saliency masks that a guided filter fits to the edges.

Reference:
    S. Li, X. Kang, J. Hu: "Image Fusion with Guided Filtering", IEEE Transactions on Image Processing 22(7),
    2013, sections III-A to III-C. Parameters, borders and the 8-bit weights are those of the benchmark VIFB
    (X. Zhang, P. Ye, G. Xiao, CVPR Workshops 2020). The guided filter is that of K. He, J. Sun, X. Tang,
    "Guided Image Filtering", IEEE TPAMI 35(6), 2013, equations 5, 6 and 8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import MethodCard
from fusionbench_methods.per_image import Array, fuse_each

if TYPE_CHECKING:
    import torch

BASE_WINDOW = 31
"""Side of the mean filter that splits an image into base and detail (Li et al., equation 1)."""

SALIENCY_RADIUS, SALIENCY_SIGMA = 5, 5.0
"""Gaussian over the absolute Laplacian: 11 x 11 pixels (equation 4)."""

BASE_RADIUS, BASE_EPSILON = 45, 0.3
"""Guided filter of the base weights (section IV-B; guide in [0, 1])."""

DETAIL_RADIUS, DETAIL_EPSILON = 7, 1e-6
"""Guided filter of the detail weights."""

WEIGHT_LEVELS = 255
"""Weights are rounded to 8 bits, which also clips the guided filter's overshoot to [0, 1]."""

WEIGHT_FLOOR = 1e-12
"""Added to every weight, so that two weights of zero share a pixel equally."""


class GuidedFilterFusion:
    """Fuse by guided-filter weights on a base and a detail layer."""

    card = MethodCard(
        name="gff",
        title="Guided-filter fusion",
        year=2013,
        paper="https://doi.org/10.1109/TIP.2013.2244222",
        code="https://github.com/xingchenzhang/VIFB",
        licence="Apache-2.0 (this implementation)",
        summary="31x31 mean splits base and detail; saliency masks fitted by guided filters weight each",
    )

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Fuse a batch, each pair on its own in float64.

        Args:
            visible: Luminance `(N, 1, H, W)` in [0, 1]; any size from 1x1.
            infrared: `(N, 1, H, W)` in [0, 1].

        Returns:
            `(N, 1, H, W)` in [0, 1].
        """
        return fuse_each(guided_filter_fusion, visible, infrared)


def guided_filter_fusion(visible: Array, infrared: Array) -> Array:
    """Fuse one pair.

    Args:
        visible: `(H, W)` in [0, 1].
        infrared: `(H, W)` in [0, 1].

    Returns:
        `(H, W)` in [0, 1]: the published method ends in saturating 8-bit arithmetic, so overshoot is cut off.
    """
    images = np.stack([visible, infrared])
    masks = _saliency_masks(images)
    base = np.stack([_base_layer(image) for image in images])
    base_weights = _weights(masks, images, BASE_RADIUS, BASE_EPSILON)
    detail_weights = _weights(masks, images, DETAIL_RADIUS, DETAIL_EPSILON)
    fused: Array = (base_weights * base + detail_weights * (images - base)).sum(axis=0)
    return fused.clip(0.0, 1.0)


def guided_filter(guide: Array, image: Array, radius: int, epsilon: float) -> Array:
    """Filter an image so that its edges follow those of a guide.

    Args:
        guide: `(H, W)` in [0, 1].
        image: `(H, W)`.
        radius: Windows are `2 radius + 1` wide and cut off at the border.
        epsilon: Variance of the guide below which an edge is smoothed away.

    Returns:
        `(H, W)`.
    """
    guide_mean = _window_mean(guide, radius)
    image_mean = _window_mean(image, radius)
    covariance = _window_mean(guide * image, radius) - guide_mean * image_mean
    variance = _window_mean(guide * guide, radius) - guide_mean * guide_mean
    slope = covariance / (variance + epsilon)
    offset = image_mean - slope * guide_mean
    return _window_mean(slope, radius) * guide + _window_mean(offset, radius)


def _saliency_masks(images: Array) -> Array:
    """One binary mask an image, set where it is the more salient one; the visible image wins ties."""
    saliency = np.stack([_saliency(image) for image in images])
    winner = saliency.argmax(axis=0)
    return np.stack([winner == index for index in range(len(images))]).astype(np.float64)


def _saliency(image: Array) -> Array:
    from scipy import ndimage

    laplacian = ndimage.laplace(image, mode="nearest")
    smooth: Array = ndimage.gaussian_filter(
        np.abs(laplacian), SALIENCY_SIGMA, radius=SALIENCY_RADIUS, mode="nearest"
    )
    return smooth


def _base_layer(image: Array) -> Array:
    from scipy import ndimage

    base: Array = ndimage.uniform_filter(image, BASE_WINDOW, mode="nearest")
    return base


def _weights(masks: Array, images: Array, radius: int, epsilon: float) -> Array:
    filtered = np.stack(
        [guided_filter(image, mask, radius, epsilon) for mask, image in zip(masks, images, strict=True)]
    )
    weights = np.floor(np.clip(filtered, 0.0, 1.0) * WEIGHT_LEVELS + 0.5) / WEIGHT_LEVELS + WEIGHT_FLOOR
    normalised: Array = weights / weights.sum(axis=0)
    return normalised


def _window_mean(image: Array, radius: int) -> Array:
    """Mean over square windows that are cut off at the image border."""
    from scipy import ndimage

    for axis, length in enumerate(image.shape):
        sums = ndimage.uniform_filter1d(image, 2 * radius + 1, axis=axis, mode="constant") * (2 * radius + 1)
        image = sums / np.expand_dims(_pixels_in_window(length, radius), 1 - axis)
    return image


def _pixels_in_window(length: int, radius: int) -> NDArray[np.int64]:
    """How many of the pixels at most `radius` away lie inside the image, for every position of a line."""
    position = np.arange(length)
    count: NDArray[np.int64] = (
        np.minimum(position + radius, length - 1) - np.maximum(position - radius, 0) + 1
    )
    return count
