"""SF and AG: differences of neighbouring pixels of every image of a batch."""

from __future__ import annotations

import math

import torch

from fusionbench.contracts import MeasuredBatch
from fusionbench_metrics.batched.grey_batches import check_batch
from fusionbench_metrics.batched.reduction import mean_of_each

MINIMUM_SIZE = 2
"""One difference along each axis."""


def spatial_frequency(fused: MeasuredBatch) -> torch.Tensor:
    """SF of each image, see `sf.spatial_frequency`."""
    check_batch(MINIMUM_SIZE, fused)
    levels = fused.grey.to(torch.int32)
    horizontal, vertical = (_mean_square(levels.diff(dim=axis)) for axis in (2, 1))
    return torch.sqrt(horizontal + vertical)


def average_gradient(fused: MeasuredBatch) -> torch.Tensor:
    """AG of each image, see `ag.average_gradient`."""
    check_batch(MINIMUM_SIZE, fused)
    levels = fused.grey.to(torch.int32)
    horizontal, vertical = (_central_differences(levels, axis) for axis in (2, 1))
    squares = horizontal * horizontal + vertical * vertical
    return mean_of_each(torch.sqrt(squares.to(torch.float64))) / (2 * math.sqrt(2))


def _mean_square(differences: torch.Tensor) -> torch.Tensor:
    squares = (differences * differences).sum(dim=(1, 2), dtype=torch.int64)
    return squares.to(torch.float64) / differences[0].numel()


def _central_differences(levels: torch.Tensor, axis: int) -> torch.Tensor:
    """Twice the gradient along an axis: `f(x + 1) - f(x - 1)` inside, `2 (f(1) - f(0))` at the border."""
    steps = levels.diff(dim=axis)
    last = steps.shape[axis] - 1
    following = torch.cat((steps, steps.narrow(axis, last, 1)), dim=axis)
    preceding = torch.cat((steps.narrow(axis, 0, 1), steps), dim=axis)
    return following + preceding
