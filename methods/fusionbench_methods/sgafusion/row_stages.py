"""Convolutions over rows that arrive piece by piece, from the top of an image to its bottom.

A stage keeps the last rows it has seen and answers every piece with the rows that are then decided, so
nothing is computed twice and memory does not grow with height. A whole image as one piece is the ordinary
convolution.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.nn.functional import conv2d, linear


class Kernel(NamedTuple):
    """Weights of a convolution."""

    weight: torch.Tensor
    """`(C_out, C_in, 3, 3)` or `(C_out, C_in, 1, 1)`."""
    bias: torch.Tensor
    """`(C_out,)`."""


ROOM_ABOVE, ROOM_BELOW = 2, 1
"""Rows a 3x3 convolution wants around a piece: the last two that came before, or the zeros of the border."""


class Piece(NamedTuple):
    """Some rows of an image, below those that came before."""

    rows: torch.Tensor
    """`(N, C, h, W)`; h may be 0."""
    last: bool
    """No rows come after these."""
    room: torch.Tensor | None = None
    """The memory the rows lie in, `(N, C, 2 + h + 1, W)`, if there is room for their neighbours: then a
    convolution need not copy them."""

    @classmethod
    def with_room(cls, like: torch.Tensor, last: bool) -> Piece:
        """A piece to be filled, of the shape of some rows `(N, C, h, W)`, channels last in memory."""
        count, channels, height, width = like.shape
        room = torch.empty(
            (count, channels, ROOM_ABOVE + height + ROOM_BELOW, width),
            dtype=like.dtype,
            device=like.device,
            memory_format=torch.channels_last,
        )
        return cls(room[:, :, ROOM_ABOVE : ROOM_ABOVE + height], last, room)

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
        return Piece(rows, piece.last) if self._slope == 1.0 else rectified(rows, self._slope, piece.last)

    def _convolved(self, piece: Piece) -> torch.Tensor:
        weight, bias = self._kernel
        if weight.shape[2] == 1:
            # A product of matrices, where channels come last: quicker than a convolution of few channels.
            return linear(piece.rows.movedim(1, 3), weight[:, :, 0, 0], bias).movedim(3, 1)
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
        if piece.room is None:
            roomy = Piece.with_room(piece.rows, piece.last)
            roomy.rows.copy_(piece.rows)
            return self._window(roomy)
        above = 1 if self._kept is None else self._kept.shape[2]
        below = ROOM_BELOW if piece.last else 0
        window = piece.room[:, :, ROOM_ABOVE - above : ROOM_ABOVE + piece.height + below]
        if self._kept is None:
            window[:, :, 0] = 0
        else:
            window[:, :, :above] = self._kept
        if piece.last:
            window[:, :, -1] = 0
        return window


def rectified(rows: torch.Tensor, slope: float, last: bool) -> Piece:
    """Rows `(N, C, h, W)` after a leaky rectifier, with room around them."""
    piece = Piece.with_room(rows, last)
    torch.ops.aten.leaky_relu.out(rows, slope, out=piece.rows)
    return piece


def stacked(parts: list[torch.Tensor]) -> torch.Tensor:
    """Rows above each other, channels last in memory; `torch.cat` takes several times as long for that.

    A single part is given back as it is.
    """
    if len(parts) == 1:
        return parts[0]
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
        self._waiting: list[torch.Tensor] = []

    def exchange(self, rows: torch.Tensor, count: int) -> list[torch.Tensor]:
        """Put rows `(N, C, h, W)` in at the end, and take `count` from the front, as one or more parts."""
        self._waiting.append(rows)
        taken = []
        while count:
            first = self._waiting[0]
            taken.append(first[:, :, :count])
            count -= taken[-1].shape[2]
            self._waiting[0] = first[:, :, taken[-1].shape[2] :]
            if not self._waiting[0].shape[2]:
                self._waiting.pop(0)
        return taken


def add_in_place(rows: torch.Tensor, parts: list[torch.Tensor]) -> None:
    """Add parts that lie above each other to rows `(N, C, h, W)`."""
    top = 0
    for part in parts:
        rows[:, :, top : top + part.shape[2]] += part
        top += part.shape[2]
