"""Means over windows, and the guided filter, in torch.

Reference:
    K. He, J. Sun, X. Tang: "Guided Image Filtering", IEEE TPAMI 35(6), 2013, equations 5, 6 and 8.
"""

from __future__ import annotations

import torch
from torch.nn.functional import avg_pool2d, conv2d, pad

BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


def window_mean(images: torch.Tensor, radius: int) -> torch.Tensor:
    """Mean over square windows of side `2 radius + 1`, which are cut off at the border."""
    along = avg_pool2d(images, (1, 2 * radius + 1), 1, (0, radius), count_include_pad=False)
    return avg_pool2d(along, (2 * radius + 1, 1), 1, (radius, 0), count_include_pad=False)


def guided_filter(guide: torch.Tensor, images: torch.Tensor, radius: int, epsilon: float) -> torch.Tensor:
    """Filter images so that their edges follow those of a guide.

    Args:
        guide: `(N, 1, H, W)` in [0, 1].
        images: `(N, C, H, W)`.
        radius: Windows are `2 radius + 1` wide.
        epsilon: Variance of the guide below which an edge is smoothed away.
    """
    guide_mean, image_mean = window_mean(guide, radius), window_mean(images, radius)
    covariance = window_mean(guide * images, radius) - guide_mean * image_mean
    variance = window_mean(guide * guide, radius) - guide_mean * guide_mean
    slope = covariance / (variance.clamp(min=0.0) + epsilon)
    offset = image_mean - slope * guide_mean
    return window_mean(slope, radius) * guide + window_mean(offset, radius)


def separable(images: torch.Tensor, taps: tuple[float, ...], dilation: int = 1) -> torch.Tensor:
    """Convolve every channel with a symmetric kernel along rows and columns; the border is repeated."""
    channels, reach = images.shape[1], dilation * (len(taps) // 2)
    kernel = images.new_tensor(taps).expand(channels, 1, len(taps))
    for shape, padding, step in (
        (kernel[:, :, None, :], (reach, reach, 0, 0), (1, dilation)),
        (kernel[:, :, :, None], (0, 0, reach, reach), (dilation, 1)),
    ):
        images = conv2d(pad(images, padding, mode="replicate"), shape, dilation=step, groups=channels)
    return images
