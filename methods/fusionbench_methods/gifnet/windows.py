"""Attention within windows, some rows of windows at a time.

Attention over a whole image at once would hold some forty gigabytes at 3840x2160.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch.nn.functional import scaled_dot_product_attention

from fusionbench_methods.reflected_edges import reflected_order

WINDOW = 8
"""Rows, and columns, of a window."""

WINDOW_ROWS = 8
"""Rows of windows in a strip."""

Places = tuple[torch.Tensor, torch.Tensor]
"""Numbers of rows and of columns."""


class Strip(NamedTuple):
    """Rows of windows of an image that is mirrored at its edges as far as windows reach beyond them."""

    rows: slice
    """Rows of the image within the windows."""
    windows: Places
    """What fills the windows."""
    inner: tuple[slice, slice]
    """Where these rows, and the columns, of the image are within the windows."""
    surroundings: Places
    """The rows and the columns of the image, and as many around them as were asked for."""


def strips(height: int, width: int, shift: int, radius: int, device: torch.device) -> Iterator[Strip]:
    """Cut an image into strips.

    Args:
        height: Of the image.
        width: Of the image.
        shift: By how many pixels windows are moved up and left.
        radius: Pixels around a strip that belong to its surroundings.
        device: Where the numbers are needed.
    """
    rows, columns = (
        reflected_order(size, shift, -(size + shift) % WINDOW, device) for size in (height, width)
    )
    wide_rows, wide_columns = (reflected_order(size, radius, radius, device) for size in (height, width))
    step = WINDOW_ROWS * WINDOW
    for top in range(0, len(rows), step):
        first, last = max(0, top - shift), min(height, top + step - shift)
        start = first + shift - top
        yield Strip(
            rows=slice(first, last),
            windows=(rows[top : top + step], columns),
            inner=(slice(start, start + last - first), slice(shift, shift + width)),
            surroundings=(wide_rows[first : last + 2 * radius], wide_columns),
        )


def attended(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """Attention of each pixel to those of its window.

    Args:
        query: `(N, C, H, W)`, height and width multiples of a window's.
        key: Likewise.
        value: Likewise.
        bias: `(heads, 64, 64)`, added to each head's attention.

    Returns:
        `(N, C, H, W)`.
    """
    heads, width = bias.shape[0], query.shape[1] // bias.shape[0]
    down, across = (size // WINDOW for size in query.shape[-2:])
    asking, asked, answers = (
        each.reshape(-1, heads, width, down, WINDOW, across, WINDOW)
        .permute(0, 3, 5, 1, 4, 6, 2)
        .reshape(-1, heads, WINDOW * WINDOW, width)
        for each in (query, key, value)
    )
    mixed = scaled_dot_product_attention(asking, asked, answers, attn_mask=bias)
    joined = mixed.reshape(-1, down, across, heads, WINDOW, WINDOW, width).permute(0, 3, 6, 1, 4, 2, 5)
    return joined.reshape(query.shape)
