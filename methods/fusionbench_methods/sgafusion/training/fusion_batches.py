"""Crops of frames with what is known of them, for the stages that fuse."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch.nn.functional import interpolate

from fusionbench.contracts import Batch, Draw, TrainingFrame, TrainingFrames
from fusionbench_methods.sgafusion.fixed.filters import guided_filter
from fusionbench_methods.sgafusion.fixed.frame_experts import FrameEstimate, FrameExperts
from fusionbench_methods.sgafusion.fixed.light import luminance
from fusionbench_methods.sgafusion.fixed.restoration import GUIDE_EPSILON, GUIDE_RADIUS
from fusionbench_methods.sgafusion.semantics.encoder import SemanticEncoder
from fusionbench_methods.sgafusion.training.crops import Box, Mixture, as_tensor, flipped, random_box
from fusionbench_methods.sgafusion.training.frame_facts import FactsOfFrames, FrameFacts

GUIDE_REACH = 2 * GUIDE_RADIUS
"""How far the guided filter sees."""

EXPOSURE_JITTER, DEPTH_JITTER, AIRLIGHT_JITTER = 0.3, 0.25, 0.03
"""Standard deviations, of stops, of the logarithm of optical depth, and of light, by which the truth is moved
where it stands in for estimates: so that fusion learns how far they can be trusted."""


@dataclass(frozen=True)
class FusionBatchOptions:
    """How batches are made."""

    crop: int
    """Side in pixels; 0 takes whole frames."""
    count: int
    mixture: Mapping[str, float]
    truth: float
    """Share of samples told the truth, moved a little, in place of the experts' estimate."""


class FusionBatches:
    """Batches for the stages `joint` and `finetune`.

    Args:
        frames: To learn from.
        options: How.
        encoder: Frozen; None for the ablation without semantics.
        experts: Frozen; None for a network that has no experts on whole frames.
        embedding_width: Of the embedding.
    """

    def __init__(
        self,
        frames: TrainingFrames,
        options: FusionBatchOptions,
        encoder: SemanticEncoder | None,
        experts: FrameExperts | None,
        embedding_width: int,
    ) -> None:
        self._frames, self._options = frames, options
        # A copy that stays on the CPU, where batches are made, maybe in another process.
        self._experts = None if experts is None else copy.deepcopy(experts).cpu().eval()
        self._facts = FactsOfFrames(frames, encoder, embedding_width)
        self._mixture = Mixture(frames, options.mixture)

    def batch(self, draw: Draw) -> Batch:
        """The batch of a step."""
        items = []
        for place, index in enumerate(self._mixture.picks(draw, self._options.count)):
            random = draw.generator(f"crop {place}")
            frame = self._frames.frame(index)
            size = (frame.visible.shape[0], frame.visible.shape[1])
            box = (
                Box(0, 0, *size) if self._options.crop == 0 else random_box(size, self._options.crop, random)
            )
            flip = bool(random.integers(2))
            estimate = self._told(self._facts.of(index), random)
            items.append(self.item(index, box, estimate, flip))
        return stacked(items)

    def centre(self, index: int, side: int) -> dict[str, Any]:
        """The middle of a frame as a batch of one, with the experts' own estimate: for reports."""
        size = self._frames.frame(index).visible.shape[:2]
        height, width = (min(side, length) for length in size)
        box = Box((size[0] - height) // 2, (size[1] - width) // 2, height, width)
        return stacked([self.item(index, box, self._estimate(self._facts.of(index)), flip=False)])

    def item(self, index: int, box: Box, estimate: FrameEstimate | None, flip: bool) -> dict[str, Any]:
        """One crop."""
        frame = self._frames.frame(index)
        images: dict[str, Any] = {
            "visible": as_tensor(frame.visible, box)[None],
            "infrared": as_tensor(frame.infrared, box)[None],
            "clean_visible": as_tensor(frame.clean_visible, box)[None],
            "clean_infrared": as_tensor(frame.clean_infrared, box)[None],
        }
        if frame.mask is not None:
            part = np.ascontiguousarray(
                frame.mask[box.top : box.top + box.height, box.left : box.left + box.width]
            )
            images["mask"] = torch.from_numpy(part.astype(np.int64))[None]
        if estimate is not None:
            images["transmission"] = transmission_of_crop(estimate.transmission, frame, box)
        told = {name: flipped(image, flip) for name, image in images.items()}
        if estimate is not None:
            told |= {
                "gates": estimate.gates,
                "exposure": estimate.exposure,
                "airlight": estimate.airlight,
            }
        return {**told, "embedding": self._facts.of(index).embedding, "names": [frame.name]}

    def _told(self, facts: FrameFacts, random: np.random.Generator) -> FrameEstimate | None:
        if self._experts is None:
            return None
        if random.uniform() >= self._options.truth:
            return self._estimate(facts)
        stops, depth, light = random.standard_normal(3)
        truth = facts.truth
        return replace(
            truth,
            exposure=truth.exposure + float(EXPOSURE_JITTER * stops),
            airlight=(truth.airlight + float(AIRLIGHT_JITTER * light)).clamp(0.0, 1.0),
            transmission=truth.transmission ** float(np.exp(DEPTH_JITTER * depth)),
        )

    @torch.no_grad()
    def _estimate(self, facts: FrameFacts) -> FrameEstimate | None:
        if self._experts is None:
            return None
        found: FrameEstimate = self._experts(facts.thumbnail, facts.embedding)
        return found


def stacked(items: list[dict[str, Any]]) -> dict[str, Any]:
    """Items as one batch."""
    return {
        name: [text for item in items for text in item[name]]
        if name == "names"
        else torch.cat([item[name] for item in items])
        for name in items[0]
    }


def estimate_in(batch: Batch) -> FrameEstimate | None:
    """The estimate a batch holds; None if it holds none."""
    if "gates" not in batch:
        return None
    return FrameEstimate(batch["gates"], batch["exposure"], batch["airlight"], batch["transmission"])


def transmission_of_crop(thumbnail: torch.Tensor, frame: TrainingFrame, box: Box) -> torch.Tensor:
    """What `transmission_of_image` of the whole frame has in a part of it, without filtering the rest."""
    size = (frame.visible.shape[0], frame.visible.shape[1])
    around = box.grown(GUIDE_REACH, size)
    coarse = interpolate(thumbnail, size, mode="bilinear", align_corners=False)
    guide = luminance(as_tensor(frame.visible, around)[None])
    fitted = guided_filter(guide, around.of(coarse), GUIDE_RADIUS, GUIDE_EPSILON).clamp(0.0, 1.0)
    return box.inside(around).of(fitted)
