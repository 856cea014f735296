"""Parts of the network that stay in 32-bit floats when the rest is computed in 16."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch


def full_precision(like: torch.Tensor) -> AbstractContextManager[None]:
    """A block without mixed precision, on a tensor's device.

    Division by a transmission amplifies rounding tenfold, and powers and logarithms near 0 have slopes that
    16 bits do not hold. What enters the block must be made `float()`.
    """
    block: AbstractContextManager[None] = torch.autocast(like.device.type, enabled=False)
    return block
