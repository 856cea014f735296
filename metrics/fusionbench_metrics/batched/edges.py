"""Qabf: Sobel edges of every image of a batch, and how well they are preserved."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch.nn.functional import pad

from fusionbench.contracts import MeasuredBatch, SourceBatch
from fusionbench_metrics.batched.grey_batches import check_batch
from fusionbench_metrics.batched.reduction import sum_of_each
from fusionbench_metrics.qabf import MINIMUM_SIZE, ORIENTATION, STRENGTH, Sigmoid


class Edges(NamedTuple):
    """Sobel edges, `(N, H, W)` float64 each; see `qabf.Edges`."""

    strength: torch.Tensor
    orientation: torch.Tensor


def edge_preservation(fused: MeasuredBatch, sources: SourceBatch) -> torch.Tensor:
    """Qabf of each image, see `qabf.edge_preservation`."""
    check_batch(MINIMUM_SIZE, fused, sources)
    edges = kept_edges(fused)
    both = kept_edges(sources.visible), kept_edges(sources.infrared)
    preserved = sum(sum_of_each(_preserved(source, edges)) for source in both)
    total = sum(_kept_strength(source) for source in (sources.visible, sources.infrared))
    # Without any edge 0 / 0: NaN, as it should be.
    return torch.as_tensor(preserved / total)


def sobel_edges(images: torch.Tensor) -> Edges:
    """Strength and orientation of the Sobel gradient, with zeros beyond the border."""
    # Sobel values of 8-bit images reach 4 * 255, so 16 bits hold them exactly.
    levels = pad(images.to(torch.int16), (1, 1, 1, 1))
    by_rows = levels[:, :-2] + 2 * levels[:, 1:-1] + levels[:, 2:]
    by_columns = levels[:, :, :-2] + 2 * levels[:, :, 1:-1] + levels[:, :, 2:]
    horizontal = (by_rows[:, :, 2:] - by_rows[:, :, :-2]).to(torch.float64)
    vertical = (by_columns[:, :-2] - by_columns[:, 2:]).to(torch.float64)
    slope = torch.where(horizontal == 0, math.inf, vertical / horizontal)
    strength = torch.sqrt(horizontal.square_().add_(vertical.square_()))
    return Edges(strength, slope.atan_())


def kept_edges(batch: MeasuredBatch) -> Edges:
    """Sobel edges of each image, taken once."""
    return batch.once("sobel_edges", lambda: sobel_edges(batch.grey))


def _kept_strength(source: MeasuredBatch) -> torch.Tensor:
    return source.once("qabf.strength", lambda: sum_of_each(kept_edges(source).strength))


def _preserved(source: Edges, fused: Edges) -> torch.Tensor:
    """Equations 3 to 6, weighted by the strength of the source."""
    weaker, stronger = (choose(source.strength, fused.strength) for choose in (torch.minimum, torch.maximum))
    ratio = torch.where(weaker == stronger, stronger, weaker / stronger)
    quality = _perceived(ratio, STRENGTH)
    agreement = (source.orientation - fused.orientation).abs_().div_(math.pi / 2)
    quality *= _perceived(torch.sub(1, agreement), ORIENTATION)
    quality *= source.strength
    return quality


def _perceived(preservation: torch.Tensor, sigmoid: Sigmoid) -> torch.Tensor:
    """Turn measured into perceived preservation; `preservation` is overwritten."""
    growth = preservation.sub_(sigmoid.midpoint).mul_(sigmoid.slope).exp_()
    return sigmoid.ceiling / growth.add_(1)
