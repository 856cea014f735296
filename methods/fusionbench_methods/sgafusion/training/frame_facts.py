"""What a stage needs of whole frames again and again: thumbnails, embeddings, the truth on the thumbnail."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import adaptive_avg_pool2d

from fusionbench.contracts import TrainingFrame, TrainingFrames
from fusionbench_methods.sgafusion.fixed.frame_experts import (
    THUMBNAIL,
    FrameEstimate,
    Thumbnail,
    stops_missing,
)
from fusionbench_methods.sgafusion.semantics.encoder import SemanticEncoder
from fusionbench_methods.sgafusion.training.crops import as_tensor, true_gates


@dataclass(frozen=True)
class FrameFacts:
    """Of one frame; every tensor has a first axis of 1."""

    name: str
    embedding: torch.Tensor
    thumbnail: Thumbnail
    clean: torch.Tensor
    """The clean visible image's thumbnail, `(1, 3, 48, 64)` linear light."""
    truth: FrameEstimate
    """With the transmission of the thumbnail; 1 where there is no haze."""


class FactsOfFrames:
    """Facts of frames, found once each.

    Args:
        frames: The frames.
        encoder: Frozen. None embeds as zeros, for the ablation without semantics.
        embedding_width: Of the embedding.
    """

    def __init__(self, frames: TrainingFrames, encoder: SemanticEncoder | None, embedding_width: int) -> None:
        self._frames, self._encoder, self._width = frames, encoder, embedding_width
        self._known: dict[int, FrameFacts] = {}

    @torch.no_grad()
    def of(self, index: int) -> FrameFacts:
        """The facts of one frame."""
        if index not in self._known:
            self._known[index] = self._found(self._frames.frame(index))
        return self._known[index]

    def _found(self, frame: TrainingFrame) -> FrameFacts:
        visible, infrared = as_tensor(frame.visible)[None], as_tensor(frame.infrared)[None]
        clean = Thumbnail.of(as_tensor(frame.clean_visible)[None], infrared).visible
        embedding = torch.zeros(1, self._width)
        if self._encoder is not None:
            device = next(self._encoder.parameters()).device
            embedding = self._encoder.embed(visible.to(device)).cpu()
        transmission = torch.ones(1, 1, *THUMBNAIL)
        if frame.transmission is not None:
            transmission = adaptive_avg_pool2d(as_tensor(frame.transmission)[None], THUMBNAIL)
        truth = FrameEstimate(
            torch.tensor([true_gates(frame)]),
            torch.tensor([stops_missing(frame.exposure)], dtype=torch.float32),
            torch.tensor([frame.airlight or (1.0, 1.0, 1.0)]),
            transmission,
        )
        return FrameFacts(frame.name, embedding, Thumbnail.of(visible, infrared), clean, truth)
