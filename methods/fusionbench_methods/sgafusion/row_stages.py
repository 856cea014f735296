"""Convolutions over rows that arrive piece by piece, from the top of an image to its bottom.

A stage keeps the last rows it has seen and answers every piece with the rows that are then decided, so
nothing is computed twice and memory does not grow with height. A whole image as one piece is the ordinary
convolution.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.nn.functional import conv2d, leaky_relu_


class Kernel(NamedTuple):
    """Weights of a convolution."""

    weight: torch.Tensor
    """`(C_out, C_in, 3, 3)` or `(C_out, C_in, 1, 1)`."""
    bias: torch.Tensor
    """`(C_out,)`."""


class Piece(NamedTuple):
    """Some rows of an image, below those that came before."""

    rows: torch.Tensor
    """`(N, C, h, W)`; h may be 0."""
    last: bool
    """No rows come after these."""

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.rows.shape[2]


class RowConvolution:
    """A convolution of 3x3 or 1x1 with zeros beyond the border, and a leaky rectifier.

    The answer of a 3x3 convolution lags one row behind until the last piece.

    Args:
        kernel: Its weights.
        slope: Of the rectifier; 1 leaves values as they are.
    """

    def __init__(self, kernel: Kernel, slope: float = 1.0) -> None:
        self._kernel = kernel
        self._slope = slope
        self._kept: torch.Tensor | None = None

    def push(self, piece: Piece) -> Piece:
        """Take rows `(N, C_in, h, W)`, answer those decided, `(N, C_out, h', W)`, free to be overwritten."""
        rows = self._convolved(piece)
        return Piece(rows if self._slope == 1.0 else leaky_relu_(rows, self._slope), piece.last)

    def _convolved(self, piece: Piece) -> torch.Tensor:
        weight, bias = self._kernel
        if weight.shape[2] == 1:
            return conv2d(piece.rows, weight, bias) if piece.height else self._nothing(piece)
        if self._kept is None and piece.last:
            return conv2d(piece.rows, weight, bias, padding=1)
        window = self._window(piece)
        # A copy, so that the memory of the rows above is freed.
        self._kept = window[:, :, -2:].clone()
        if window.shape[2] < 3:
            return self._nothing(piece)
        return conv2d(window, weight, bias, padding=(0, 1))

    def _nothing(self, piece: Piece) -> torch.Tensor:
        """No rows of the answer's other three dimensions."""
        count, _, _, width = piece.rows.shape
        return piece.rows.new_empty(count, len(self._kernel.weight), 0, width)

    def _window(self, piece: Piece) -> torch.Tensor:
        """The kept rows, the new ones, and a row of zeros where the image begins or ends."""
        shape = list(piece.rows.shape)
        shape[2] = 1
        parts = [piece.rows.new_zeros(shape) if self._kept is None else self._kept, piece.rows]
        if piece.last:
            parts.append(piece.rows.new_zeros(shape))
        return stacked(parts)


def stacked(parts: list[torch.Tensor]) -> torch.Tensor:
    """Rows above each other, channels last in memory; `torch.cat` takes several times as long for that."""
    count, channels, _, width = parts[0].shape
    height = sum(part.shape[2] for part in parts)
    whole = torch.empty(
        (count, channels, height, width),
        dtype=parts[0].dtype,
        device=parts[0].device,
        memory_format=torch.channels_last,
    )
    top = 0
    for part in parts:
        whole[:, :, top : top + part.shape[2]] = part
        top += part.shape[2]
    return whole


class RowQueue:
    """Holds rows back until another path, which lags behind, has come to them."""

    def __init__(self) -> None:
        self._waiting: torch.Tensor | None = None

    def exchange(self, rows: torch.Tensor, count: int) -> torch.Tensor:
        """Put rows `(N, C, h, W)` in at the end, and take `count` rows from the front."""
        if self._waiting is None or self._waiting.shape[2] == 0:
            waiting = rows
        else:
            waiting = stacked([self._waiting, rows])
        # A copy, so that what is taken may be changed in place and the memory of what has gone is freed.
        self._waiting = waiting[:, :, count:].clone()
        return waiting[:, :, :count]
