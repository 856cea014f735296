"""Sums over the pixels of each image of a batch, in an order that nothing but the image's size decides."""

from __future__ import annotations

import torch


def sum_of_each(maps: torch.Tensor) -> torch.Tensor:
    """Sum the values of each image by adding its halves until one value is left.

    `torch.sum` splits the work by the shape of the whole batch and the number of threads, and rounds
    accordingly. This gives the same bits for an image alone, in any batch, with any number of threads.

    Args:
        maps: `(N, ...)` float64, at least one value an image.

    Returns:
        `(N,)` float64; pairwise, so that the error grows with the logarithm of the number of values only.
    """
    values = maps.flatten(1)
    while values.shape[1] > 1:
        half, odd = divmod(values.shape[1], 2)
        sums = values[:, :half] + values[:, half : 2 * half]
        if odd:
            sums[:, 0] += values[:, -1]
        values = sums
    return values[:, 0]


def mean_of_each(maps: torch.Tensor) -> torch.Tensor:
    """Mean of the values of each image, `(N,)`; see `sum_of_each`."""
    return sum_of_each(maps) / maps[0].numel()
