"""Inference with folded weights, in pieces of rows: the same image from less work and little memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import adaptive_avg_pool2d

from fusionbench_methods.sgafusion.folding import FoldedNetwork, FoldedShallow, fold
from fusionbench_methods.sgafusion.inference_stages import (
    DecoderStage,
    EncoderStage,
    HazeStage,
    ShallowStage,
    Stage,
    through,
)
from fusionbench_methods.sgafusion.row_stages import Piece, RowConvolution, RowQueue, add_in_place
from fusionbench_methods.sgafusion.semantic_guidance import EmbeddingAsks
from fusionbench_methods.sgafusion.shallow_experts import SLOPE

if TYPE_CHECKING:
    from fusionbench_methods.sgafusion.network import SGAFusionNet

PIXELS_OF_A_PIECE = 12288
"""For one thread: few enough for a piece to stay in the cache, enough to keep a convolution busy."""

FEWEST_ROWS = 4
"""Of a piece, however wide: each convolution looks at two rows more than it answers."""


def fuse_in_pieces(
    network: SGAFusionNet,
    visible: torch.Tensor,
    infrared: torch.Tensor,
    embedding: torch.Tensor | None,
    rows: int,
) -> torch.Tensor:
    """Fuse as `network.forward` does, in pieces of some rows.

    Args:
        network: Any variant.
        visible: RGB `(N, 3, H, W)` in [0, 1].
        infrared: `(N, 1, H, W)` in [0, 1].
        embedding: `(N, E)`; None for a network without semantics.
        rows: Of a piece. All of them at once if it is not less than H.

    Returns:
        The fused RGB `(N, 3, H, W)`, unbounded.
    """
    # Folded every time: it takes a few milliseconds, and no change of a weight can be missed.
    weights = fold(network)
    airlight = None if weights.shallow is None else _airlight(weights, weights.shallow, visible, rows)
    passes = _Encoding(weights, visible, infrared, airlight, rows)
    decoder = DecoderStage(weights, _constant(weights, embedding, passes))
    fused = torch.empty_like(visible)
    done = 0
    for features, skip in passes:
        decided = decoder.push(features, skip).rows
        fused[:, :, done : done + decided.shape[2]] = decided
        done += decided.shape[2]
    return fused


class _Encoding:
    """Both images encoded and added, piece by piece; can be gone through again."""

    def __init__(
        self,
        weights: FoldedNetwork,
        visible: torch.Tensor,
        infrared: torch.Tensor,
        airlight: torch.Tensor | None,
        rows: int,
    ) -> None:
        self._weights = weights
        self._visible, self._infrared = visible, infrared
        self._airlight = airlight
        self._rows = rows

    def __iter__(self) -> Iterator[tuple[Piece, Piece]]:
        """Features `(N, C4, h, W)` and the skip `(N, C3, h', W)`, which runs ahead."""
        weights = self._weights
        shallow = None
        if weights.shallow is not None and self._airlight is not None:
            shallow = ShallowStage(weights.shallow, self._airlight)
        visible_stage = EncoderStage(weights, weights.first_visible, shallow)
        infrared_stage = EncoderStage(weights, weights.first_infrared)
        features_ahead, skip_ahead = RowQueue(), RowQueue()
        both = zip(pieces(self._visible, self._rows), pieces(self._infrared, self._rows), strict=True)
        for visible, infrared in both:
            features, skip = visible_stage.push(visible)
            other_features, other_skip = infrared_stage.push(infrared)
            # The visible image lags behind by the rows of the shallow mixture.
            add_in_place(features.rows, features_ahead.exchange(other_features.rows, features.height))
            add_in_place(skip.rows, skip_ahead.exchange(other_skip.rows, skip.height))
            yield features, skip


def rows_of_a_piece(images: torch.Tensor, *, streaming: bool) -> int:
    """How many rows of images `(N, C, H, W)` to take at once.

    Streaming, as few as keep one thread busy; else as many for every thread of a CPU (each operation on a
    piece is shared among them, and each sharing costs), and on an accelerator all.
    """
    if not streaming and images.device.type != "cpu":
        return images.shape[2]
    pixels = PIXELS_OF_A_PIECE * (1 if streaming else torch.get_num_threads())
    return max(FEWEST_ROWS, pixels // (images.shape[0] * images.shape[3]))


def pieces(images: torch.Tensor, rows: int) -> Iterator[Piece]:
    """Cut images `(N, C, H, W)` into pieces of some rows."""
    height = images.shape[2]
    for top in range(0, height, rows):
        part = images[:, :, top : top + rows].contiguous(memory_format=torch.channels_last)
        yield Piece(part, top + rows >= height)


def _constant(
    weights: FoldedNetwork, embedding: torch.Tensor | None, encoded: _Encoding
) -> torch.Tensor | None:
    """The vector `(N, C)` that the guidance adds to every projected pixel."""
    if weights.guided is None or embedding is None:
        return None
    guidance = weights.guided.by
    if not isinstance(guidance, EmbeddingAsks):
        return guidance.constant(embedding)
    # The embedding asks all pixels, so all are encoded before the first is decoded, and then once more.
    pool = guidance.pool(embedding)
    for features, _ in encoded:
        pool.add(features.rows)
    return guidance.constant_from(pool.mean())


def _airlight(
    weights: FoldedNetwork, shallow: FoldedShallow, visible: torch.Tensor, rows: int
) -> torch.Tensor:
    """The airlight of the whole image, `(N, 1, 1, 1)`, from a first pass over the cheapest layers."""
    stages: list[Stage] = [
        RowConvolution(weights.first_visible, SLOPE),
        RowConvolution(shallow.first_of_haze, SLOPE),
        HazeStage(shallow),
    ]
    grid = shallow.dehaze.grid
    height = visible.shape[2]
    means = _row_means(height, grid).to(visible)
    cells = torch.zeros(())
    done = 0
    for piece in pieces(visible, rows):
        haze = through(stages, piece).rows.to(visible.dtype)
        if not haze.shape[2]:
            continue
        columns = adaptive_avg_pool2d(haze, (haze.shape[2], grid))
        share = means[:, done : done + haze.shape[2]]
        cells = cells.to(columns) + torch.einsum("gr,ncrw->ncgw", share, columns)
        done += haze.shape[2]
    return shallow.dehaze.airlight(cells)


def _row_means(height: int, grid: int) -> torch.Tensor:
    """A matrix `(grid, height)` whose rows average the rows that adaptive pooling puts into a cell."""
    means = torch.zeros(grid, height, dtype=torch.float64)
    for cell in range(grid):
        first, end = cell * height // grid, -(-(cell + 1) * height // grid)
        means[cell, first:end] = 1 / (end - first)
    return means
