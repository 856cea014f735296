"""Gaussian-weighted local means of every image of a batch, over whole windows inside the image.

The additions and their order are those of `gaussian_window.local_mean`. A convolution of a library would
choose its algorithm by the device and the shape of the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch

from fusionbench_metrics.gaussian_window import Array


class LocalMoments(NamedTuple):
    """Local mean and variance, `(N, H - n + 1, W - n + 1)` each for windows of n."""

    mean: torch.Tensor
    variance: torch.Tensor


def local_moments(images: torch.Tensor, taps: Array) -> LocalMoments:
    """Local mean and variance of each image.

    Args:
        images: `(N, H, W)`, uint8 or float64.
        taps: Weights of the window along one axis, symmetric.
    """
    values = images.to(torch.float64)
    mean = local_mean(values, taps)
    variance = local_mean(values * values, taps)
    variance -= mean * mean
    return LocalMoments(mean, variance)


def local_covariance(
    first: torch.Tensor,
    second: torch.Tensor,
    first_mean: torch.Tensor,
    second_mean: torch.Tensor,
    taps: Array,
) -> torch.Tensor:
    """Local covariance of each two images, from their local means."""
    covariance = local_mean(first.to(torch.float64) * second, taps)
    covariance -= first_mean * second_mean
    return covariance


def local_mean(images: torch.Tensor, taps: Array, step: int = 1) -> torch.Tensor:
    """Weighted mean of every window that lies wholly inside.

    Args:
        images: `(N, H, W)` float64, at least as high and wide as there are taps.
        taps: Weights along one axis, symmetric.
        step: Keep every step-th row and column of the result.

    Returns:
        `(N, ceil((H - taps + 1) / step), ceil((W - taps + 1) / step))`.
    """
    weights: list[float] = taps.tolist()
    rows, columns = (side - len(weights) + 1 for side in images.shape[1:])
    by_rows = _weighted_sum(lambda tap: images[:, tap : rows + tap : step], weights)
    return _weighted_sum(lambda tap: by_rows[:, :, tap : columns + tap : step], weights)


def _weighted_sum(shifted: Callable[[int], torch.Tensor], weights: Sequence[float]) -> torch.Tensor:
    """The middle times its weight, then both outermost times theirs, and so on inwards.

    Product and sum are separate steps: one step for both may round once or twice, as the processor likes.
    """
    last = len(weights) - 1
    total = shifted(last // 2) * weights[last // 2]
    for offset in range(last // 2):
        pair = shifted(offset) + shifted(last - offset)
        total += pair.mul_(weights[offset])
    return total
