"""Fuse a batch image by image in float64, for methods whose natural form is one pair of arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

Array = NDArray[np.float64]
"""One grey image `(H, W)`."""

FusionRule = Callable[[Array, Array], Array]
"""Takes a visible and an infrared image of one size and returns the fused one."""


def fuse_each(rule: FusionRule, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
    """Apply a rule to every pair of a batch on its own, so that no result depends on its neighbours.

    Args:
        rule: Fuses two float64 arrays `(H, W)`; it sees the values of the tensors unscaled.
        visible: `(N, 1, H, W)`.
        infrared: `(N, 1, H, W)`.

    Returns:
        `(N, 1, H, W)`, dtype and device of `visible`.
    """
    import torch

    fused = torch.empty_like(visible)
    for index in range(visible.shape[0]):
        pair = (image[index, 0].detach().cpu().numpy().astype(np.float64) for image in (visible, infrared))
        fused[index, 0] = torch.from_numpy(rule(*pair))
    return fused
