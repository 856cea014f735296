"""The network's blocks as stages over pieces of rows, on folded weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import leaky_relu_

from fusionbench_methods.sgafusion.common_adapter import ADAPTER_SLOPE
from fusionbench_methods.sgafusion.folding import FoldedAdapter, FoldedNetwork, FoldedShallow
from fusionbench_methods.sgafusion.row_stages import (
    Kernel,
    Piece,
    RowConvolution,
    RowQueue,
    add_in_place,
    rectified,
    stacked,
)
from fusionbench_methods.sgafusion.shallow_experts import CURVE_OFFSET, SLOPE, LowLightExpert

MOST_THREADS_OF_A_LOOP = 4
"""Of torch. With more, shared passes over memory are taken to be quicker than one thread's single pass."""


class Stage(Protocol):
    """Something that rows pass through."""

    def push(self, piece: Piece) -> Piece:
        """Take some rows, answer those that are decided."""
        ...


class AdapterStage:
    """A common mixture adapter; hands its input on where the network has none."""

    def __init__(self, folded: FoldedAdapter | None) -> None:
        self._folded = folded
        if folded is not None:
            self._first = RowConvolution(folded.first, SLOPE)
            self._gate = RowConvolution(folded.gate)
            self._second = [RowConvolution(kernel) for kernel in folded.second]
            self._gates = RowQueue()

    def push(self, piece: Piece) -> Piece:
        """`(N, C, h, W)` to `(N, C, h', W)`, two rows behind."""
        if self._folded is None:
            return piece
        gate = self._gate.push(piece)
        first = self._first.push(piece)
        inner = first.rows.chunk(len(self._second), dim=1)
        experts = [
            stage.push(Piece(rows, first.last)).rows for stage, rows in zip(self._second, inner, strict=True)
        ]
        gates = self._gates.exchange(gate.rows, experts[0].shape[2])
        if not gates:
            return Piece(experts[0], first.last)
        return _common_mixture(experts, stacked(gates), first.last)


def _common_mixture(experts: list[torch.Tensor], gate: torch.Tensor, last: bool) -> Piece:
    """The experts' weighted sum by their gate's logits, with both rectifiers; may overwrite them."""
    if len(experts) == 2 and _can_be_compiled(experts[0]):
        return _compiled_mixture(experts[0], experts[1], gate.sigmoid(), last)
    mixed = _mixed_in_place([leaky_relu_(expert, SLOPE) for expert in experts], gate)
    return rectified(mixed, ADAPTER_SLOPE, last)


def _can_be_compiled(rows: torch.Tensor) -> bool:
    """Whether the compiled loops, which run in one thread, are there for these rows and worth it."""
    is_plain = rows.device.type == "cpu" and rows.dtype == torch.float32
    return is_plain and torch.get_num_threads() <= MOST_THREADS_OF_A_LOOP


def _pixels(image: torch.Tensor) -> NDArray[np.float32]:
    """The memory of an image `(C, h, W)` with channels last, as `(pixels, C)`."""
    pixels: NDArray[np.float32] = image.permute(1, 2, 0).flatten(0, 1).numpy()
    return pixels


def _compiled_mixture(first: torch.Tensor, second: torch.Tensor, share: torch.Tensor, last: bool) -> Piece:
    """The same in one pass over memory instead of five."""
    from fusionbench_methods.sgafusion.compiled_mixture import mix_two

    piece = Piece.with_room(first, last)
    for each in zip(first, second, share, piece.rows, strict=True):
        one, other, of_first, mixed = (_pixels(image) for image in each)
        mix_two(one, other, of_first[:, 0], SLOPE, ADAPTER_SLOPE, mixed)
    return piece


def _mixed_in_place(experts: list[torch.Tensor], gate: torch.Tensor) -> torch.Tensor:
    """The experts' weighted sum by their gate's logits; overwrites them."""
    if len(experts) == 2:
        return experts[1].lerp_(experts[0], gate.sigmoid())
    weights = gate.softmax(dim=1).chunk(len(experts), dim=1)
    total = experts[0].mul_(weights[0])
    for expert, weight in zip(experts[1:], weights[1:], strict=True):
        total.addcmul_(expert, weight)
    return total


def _brightened(expert: LowLightExpert, features: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
    """The low-light expert's curve."""
    if not _can_be_compiled(features):
        return expert.brightened(features, steps)
    from fusionbench_methods.sgafusion.compiled_mixture import follow_curve

    released = expert.range == "sigmoid"
    # In the curve of the other variants there is no offset.
    offset = CURVE_OFFSET if released else 0.0
    brightened = torch.empty_like(features, memory_format=torch.channels_last)
    ordered = (each.contiguous(memory_format=torch.channels_last) for each in (features, steps))
    for values, curve, filled in zip(*ordered, brightened, strict=True):
        follow_curve(_pixels(values), _pixels(curve), offset, released, _pixels(filled))
    return brightened


class HazeStage:
    """The dehaze expert's features, from the activated output of its first convolution."""

    def __init__(self, folded: FoldedShallow) -> None:
        self._stages = [RowConvolution(kernel, SLOPE) for kernel in folded.dehaze_later]

    def push(self, piece: Piece) -> Piece:
        """`(N, 2C, h, W)` to `(N, 2C, h', W)`; two rows behind where the convolutions are 3x3."""
        return through(self._stages, piece)


class ShallowStage:
    """The shallow mixture of experts, with the airlight of the whole image known."""

    def __init__(self, folded: FoldedShallow, airlight: torch.Tensor) -> None:
        self._folded = folded
        self._airlight = airlight
        self._first = RowConvolution(folded.first)
        self._gate = RowConvolution(folded.gate)
        self._haze = HazeStage(folded)
        self._features, self._gates, self._others = RowQueue(), RowQueue(), RowQueue()

    def push(self, piece: Piece) -> Piece:
        """`(N, C, h, W)` to `(N, C, h', W)`; one row behind, or three. In single precision always."""
        with torch.autocast(piece.rows.device.type, enabled=False):
            return self._push(Piece(piece.rows.to(self._folded.first.weight.dtype), piece.last))

    def _push(self, piece: Piece) -> Piece:
        width = self._folded.width
        gate = self._gate.push(piece)
        first = self._first.push(piece)
        leaky_relu_(first.rows[:, : 4 * width], SLOPE)
        haze = self._haze.push(Piece(first.rows[:, : 2 * width], first.last))
        waiting = ((piece.rows, self._features), (gate.rows, self._gates), (first.rows, self._others))
        aligned = [queue.exchange(rows, haze.height) for rows, queue in waiting]
        if not haze.height:
            return Piece(piece.rows[:, :, :0], first.last)
        features, gates, others = (stacked(parts) for parts in aligned)
        low_light = self._folded.low_light
        experts = [
            (features - self._airlight)
            .div_(self._folded.dehaze.transmission(haze.rows))
            .add_(self._airlight),
            _brightened(low_light, features, low_light.steps(others[:, 2 * width : 4 * width])),
            others[:, 4 * width :],
        ]
        return rectified(_mixed_in_place(experts, gates), SLOPE, first.last)


class EncoderStage:
    """The encoder on one image.

    Args:
        folded: The network's weights.
        first: Of the first convolution, for this kind of image.
        shallow: The mixture of experts, for a visible image.
    """

    def __init__(self, folded: FoldedNetwork, first: Kernel, shallow: ShallowStage | None = None) -> None:
        self._to_skip: list[Stage] = [
            RowConvolution(first, SLOPE),
            *([] if shallow is None else [shallow]),
            RowConvolution(folded.second, SLOPE),
            AdapterStage(folded.second_adapter),
            RowConvolution(folded.third, SLOPE),
            AdapterStage(folded.third_adapter),
        ]
        self._to_features: list[Stage] = [
            RowConvolution(folded.fourth, SLOPE),
            AdapterStage(folded.fourth_adapter),
        ]

    def push(self, piece: Piece) -> tuple[Piece, Piece]:
        """The image's rows to features `(N, C4, h', W)` and the skip `(N, C3, h'', W)`, which runs ahead."""
        skip = through(self._to_skip, piece)
        return through(self._to_features, skip), skip


class GuidedConvolution:
    """The decoder's first convolution with the guidance folded in.

    The constant that the guidance adds before the convolution is a constant after it, less the taps that fall
    beyond the border, where the convolution sees zeros.

    Args:
        folded: The network's weights.
        constant: Of the guidance, `(N, C)`; None for a network without semantics.
    """

    def __init__(self, folded: FoldedNetwork, constant: torch.Tensor | None) -> None:
        kernel = folded.guided_convolution
        self._taps = None
        self._everywhere = None
        self._began = False
        if folded.guided is not None and constant is not None:
            taps = folded.guided.taps(constant)
            everywhere = taps.sum(dim=(2, 3))
            if len(everywhere) == 1:
                kernel = Kernel(kernel.weight, (kernel.bias.double() + everywhere[0]).to(kernel.bias.dtype))
            else:
                self._everywhere = everywhere.to(kernel.bias.dtype)[:, :, None, None]
            self._taps = taps.to(kernel.bias.dtype)
        self._convolution = RowConvolution(kernel)

    def push(self, piece: Piece) -> Piece:
        """`(N, C, h, W)` to `(N, C', h', W)`, one row behind."""
        answer = self._convolution.push(piece)
        if answer.height and self._taps is not None:
            if self._everywhere is not None:
                answer.rows.add_(self._everywhere)
            _take_back_beyond_border(answer.rows, self._taps, top=not self._began, bottom=answer.last)
        self._began = self._began or answer.height > 0
        return rectified(answer.rows, ADAPTER_SLOPE, answer.last)


def _take_back_beyond_border(rows: torch.Tensor, taps: torch.Tensor, top: bool, bottom: bool) -> None:
    """Subtract, in place, the taps `(N, C, 3, 3)` that fell beyond the border, from rows `(N, C, h, W)`."""
    rows[..., 0] -= taps[:, :, :, 0].sum(dim=2)[..., None]
    rows[..., -1] -= taps[:, :, :, 2].sum(dim=2)[..., None]
    for applies, row, tap in ((top, 0, 0), (bottom, -1, 2)):
        if applies:
            rows[:, :, row] -= taps[:, :, tap].sum(dim=2)[..., None]
            # The corners' taps lie beyond both borders, and were subtracted twice.
            rows[:, :, row, 0] += taps[:, :, tap, 0]
            rows[:, :, row, -1] += taps[:, :, tap, 2]


class DecoderStage:
    """The decoder, to the fused image.

    Args:
        folded: The network's weights.
        constant: Of the guidance, `(N, C)`; None for a network without semantics.
    """

    def __init__(self, folded: FoldedNetwork, constant: torch.Tensor | None) -> None:
        self._stages: list[Stage] = [
            GuidedConvolution(folded, constant),
            AdapterStage(folded.guided_adapter),
            RowConvolution(folded.decoder, ADAPTER_SLOPE),
            AdapterStage(folded.decoder_adapter),
        ]
        self._skips = RowQueue()
        self._head = RowConvolution(folded.head)

    def push(self, features: Piece, skip: Piece) -> Piece:
        """Features `(N, C4, h, W)` and the skip `(N, C3, h', W)`, ahead of them, to RGB `(N, 3, h'', W)`."""
        decoded = through(self._stages, features)
        add_in_place(decoded.rows, self._skips.exchange(skip.rows, decoded.height))
        return self._head.push(decoded)


def through(stages: Sequence[Stage], piece: Piece) -> Piece:
    """Push a piece through stages, one after the other."""
    for stage in stages:
        piece = stage.push(piece)
    return piece
