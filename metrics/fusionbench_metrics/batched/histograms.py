"""EN and MI: histograms of every image of a batch, alone and jointly with another, and their entropies."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from fusionbench.contracts import MeasuredBatch, SourceBatch
from fusionbench_metrics.batched.grey_batches import check_batch
from fusionbench_metrics.batched.reduction import sum_of_each
from fusionbench_metrics.histogram import LEVELS


class Information(NamedTuple):
    """Shannon entropies of two batches, `(N,)` each, in bits."""

    first: torch.Tensor
    second: torch.Tensor
    joint: torch.Tensor

    @property
    def shared(self) -> torch.Tensor:
        """Mutual information of each two images, never negative."""
        return (self.first + self.second - self.joint).clamp(min=0.0)


def entropy(fused: MeasuredBatch) -> torch.Tensor:
    """EN of each image, see `en.entropy`."""
    check_batch(1, fused)
    return entropy_bits(kept_histogram(fused))


def mutual_information(fused: MeasuredBatch, sources: SourceBatch) -> torch.Tensor:
    """MI of each image, see `mi.mutual_information`."""
    check_batch(1, fused, sources)
    return kept_information(sources.visible, fused).shared + kept_information(sources.infrared, fused).shared


def histogram(images: torch.Tensor) -> torch.Tensor:
    """Count the pixels of every grey level of each image.

    Args:
        images: `(N, H, W)` uint8.

    Returns:
        `(N, 256)` int64.
    """
    return _count(images.to(torch.int64), LEVELS)


def joint_histogram(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Count the pixels of every pair of grey levels of each two images.

    Args:
        first: `(N, H, W)` uint8.
        second: `(N, H, W)` uint8.

    Returns:
        `(N, 256, 256)` int64, the levels of `first` along the first of the two axes.
    """
    pairs = first.to(torch.int64).mul_(LEVELS).add_(second)
    return _count(pairs, LEVELS * LEVELS).view(-1, LEVELS, LEVELS)


def entropy_bits(counts: torch.Tensor) -> torch.Tensor:
    """Shannon entropy of each histogram in bits; empty bins contribute nothing.

    Args:
        counts: `(N, ...)` int64, at least one pixel each.

    Returns:
        `(N,)`.
    """
    bins = counts.flatten(1)
    probability = bins / bins.sum(dim=1, keepdim=True).to(torch.float64)
    return sum_of_each(torch.special.entr(probability)) / math.log(2.0)


def kept_histogram(batch: MeasuredBatch) -> torch.Tensor:
    """Histogram of each image, counted once."""
    return batch.once("histogram", lambda: histogram(batch.grey))


def kept_joint_histogram(first: MeasuredBatch, second: MeasuredBatch) -> torch.Tensor:
    """Joint histogram of each two images, counted once and kept with the second.

    Args:
        first: Sources; the visible images where `second` are the infrared ones.
        second: The fused images, or the infrared ones.
    """
    return second.once(("histogram.joint", first), lambda: joint_histogram(first.grey, second.grey))


def kept_information(first: MeasuredBatch, second: MeasuredBatch) -> Information:
    """Entropies of each two images, computed once; the order is that of `kept_joint_histogram`."""

    def compute() -> Information:
        joint = kept_joint_histogram(first, second)
        return Information(
            entropy_bits(joint.sum(dim=2)), entropy_bits(joint.sum(dim=1)), entropy_bits(joint)
        )

    return second.once(("information", first), compute)


def _count(bins: torch.Tensor, number: int) -> torch.Tensor:
    """Count every image's pixels in bins of its own, in one go; `bins` is overwritten.

    Integers are counted, so the result is exact whatever the order. On a GPU this waits for what was asked
    for before, because `bincount` looks for the largest bin: once a histogram.
    """
    images = len(bins)
    offsets = torch.arange(0, images * number, number, device=bins.device)
    bins += offsets[:, None, None]
    return torch.bincount(bins.flatten(), minlength=images * number).view(images, number)
