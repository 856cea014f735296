"""Convolution of every sample of a batch with a kernel of its own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional

from fusionbench_degradations.convolution import Kernel


def convolve_each(images: torch.Tensor, kernels: Sequence[Kernel]) -> torch.Tensor:
    """Weighted mean of each pixel's surroundings; beyond its edges an image repeats its outermost pixels.

    Args:
        images: `(N, C, H, W)`.
        kernels: One a sample.
    """
    count, channels, height, width = images.shape
    reach_down = max(abs(down) for kernel in kernels for down, _ in kernel)
    reach_right = max(abs(right) for kernel in kernels for _, right in kernel)
    weights = torch.zeros(count, 1, 2 * reach_down + 1, 2 * reach_right + 1)
    for sample, kernel in enumerate(kernels):
        total = sum(kernel.values())
        for (down, right), weight in kernel.items():
            # Convolution layers correlate: the offset is where the weight's pixel is fetched from.
            weights[sample, 0, reach_down + down, reach_right + right] = weight / total
    each = weights.to(images).repeat_interleave(channels, dim=0)
    grouped = images.reshape(1, count * channels, height, width)
    padded = functional.pad(grouped, (reach_right, reach_right, reach_down, reach_down), mode="replicate")
    return functional.conv2d(padded, each, groups=count * channels).reshape(images.shape)
