"""Stage `clip` (W1): an encoder learns to name the degradation of the visible image.

A CLIP tower is adapted by low-rank matrices; the compact tower is trained as a whole.
"""

from __future__ import annotations

import shutil
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy

from fusionbench.contracts import Batch, Draw, StageCard, StageRequest, named_generator
from fusionbench.errors import InputError
from fusionbench_methods.sgafusion.checkpoint import save_checkpoint
from fusionbench_methods.sgafusion.semantics.encoder import SemanticConfiguration, SemanticEncoder
from fusionbench_methods.sgafusion.semantics.low_rank_adaptation import Adaptation, adaptation_of, adapted
from fusionbench_methods.sgafusion.semantics.preparation import (
    CLIP_PREPARATION,
    COMPACT_PREPARATION,
    RELEASED_PREPARATION,
)
from fusionbench_methods.sgafusion.semantics.towers import CLIP_TOWER, COMPACT_TOWER, load_pretrained
from fusionbench_methods.sgafusion.training.crops import (
    Box,
    Mixture,
    as_tensor,
    by_condition,
    flipped,
    spread,
)

CARD = StageCard(
    name="clip",
    title="name the degradation of the visible image",
    options={
        "encoder": "compact",
        "adapters": True,
        "rank": 4,
        "alpha": 8.0,
        "normalised": True,
        "least_crop": 0.6,
        "crops": 4,
        "report_frames": 20,
    },
)

ADAPTER_FOLDER = "adapter"


REMEMBERED = 16384
"""Prepared crops kept in memory: 1.2 GB of those of the compact encoder."""


class _Prepared(NamedTuple):
    """One crop as the tower sees it."""

    image: torch.Tensor
    """`(1, C, size, size)`, 16-bit."""
    condition: str
    name: str


class ClipStage:
    """The encoder, trained by the classes of frames.

    Args:
        request: What is asked for; its conditions are the classes.
        encoder: Trained instead of the one the options name.

    Raises:
        InputError: If there is no such encoder, or CLIP's weights are not here.
    """

    def __init__(self, request: StageRequest, encoder: SemanticEncoder | None = None) -> None:
        self._request = request
        self._train, self._choose = request.data.train, request.data.choose
        places = by_condition(self._train)
        classes = tuple(places)
        if len(classes) < 2:
            raise InputError(
                "stage clip: needs two conditions or more to tell apart; name them in conditions"
            )
        self._classes = {name: number for number, name in enumerate(classes)}
        # As many of each class, however many frames there are of it.
        self._mixture = Mixture(self._train, dict.fromkeys(classes, 1.0))
        self.module = encoder or _encoder(request.options, classes)
        self._known: OrderedDict[tuple[int, int], _Prepared] = OrderedDict()

    def batch(self, draw: Draw) -> Batch:
        """Prepared crops of visible images with their classes."""
        random = draw.generator("crops")
        indices = self._mixture.picks(draw, self._request.batch)
        crops = [int(each) for each in random.integers(self._request.options["crops"], size=len(indices))]
        frames = [self._prepared(index, crop) for index, crop in zip(indices, crops, strict=True)]
        return {
            "images": torch.cat([frame.image for frame in frames]).float(),
            "labels": torch.tensor([self._classes[frame.condition] for frame in frames]),
            "names": [frame.name for frame in frames],
        }

    def _prepared(self, index: int, crop: int) -> _Prepared:
        """One of a frame's crops; there are only so many, since preparing one costs more than learning it."""
        key = (index, crop)
        if key not in self._known:
            self._known[key] = self._prepare(index, crop)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return self._known[key]

    def _prepare(self, index: int, crop: int) -> _Prepared:
        frame = self._train.frame(index)
        random = named_generator("crop", frame.name, crop)
        share = random.uniform(self._request.options["least_crop"], 1.0)
        size = frame.visible.shape[0], frame.visible.shape[1]
        height, width = (max(1, round(share * side)) for side in size)
        top, left = int(random.integers(size[0] - height + 1)), int(random.integers(size[1] - width + 1))
        visible = as_tensor(frame.visible, Box(top, left, height, width))
        image = flipped(visible, bool(random.integers(2)))
        prepared = self.module.configuration.preparation(image[None]).half()
        return _Prepared(prepared, frame.condition, frame.name)

    def loss(self, batch: Batch) -> Mapping[str, torch.Tensor]:
        """Cross entropy."""
        logits = self.module.fc2(self.module.embed_prepared(batch["images"]))
        right = (logits.argmax(dim=1) == batch["labels"]).float().mean()
        return {"total": cross_entropy(logits.float(), batch["labels"]), "accuracy": right}

    @torch.no_grad()
    def report(self) -> Mapping[str, Any]:
        """Accuracy on held-out frames, and which class was taken for which."""
        device = next(self.module.parameters()).device
        counts = {name: dict.fromkeys(self._classes, 0) for name in self._classes}
        names = list(self._classes)
        for condition, places in by_condition(self._choose).items():
            if condition not in counts:
                continue
            for index in spread(places, self._request.options["report_frames"]):
                visible = as_tensor(self._choose.frame(index).visible)[None].to(device)
                counts[condition][names[int(self.module(visible).argmax())]] += 1
        right = sum(counts[name][name] for name in names)
        total = sum(sum(row.values()) for row in counts.values())
        return {"accuracy": round(right / max(total, 1), 4), "frames": total, "confusion": counts}

    def write(self, path: Path, notes: Mapping[str, Any]) -> None:
        """The encoder; beside it, of an adapted tower, the adapter by peft and the head alone."""
        save_checkpoint(path, None, self.module, notes=notes)
        folder = path.with_name(ADAPTER_FOLDER)
        if folder.is_dir():
            # Of an earlier encoder.
            shutil.rmtree(folder)
        if adaptation_of(self.module.tower) is not None:
            self.module.tower.save_pretrained(str(folder))  # type: ignore[operator]
            head = {
                f"fc{n}.{name}": t
                for n, fc in ((1, self.module.fc1), (2, self.module.fc2))
                for name, t in fc.state_dict().items()
            }
            save_file({name: each.contiguous() for name, each in head.items()}, folder / "head.safetensors")


def _encoder(options: Mapping[str, Any], classes: tuple[str, ...]) -> SemanticEncoder:
    name = options["encoder"]
    if name == "compact":
        return SemanticEncoder(SemanticConfiguration(COMPACT_TOWER, COMPACT_PREPARATION, classes))
    if name != "clip":
        raise InputError(f"stage clip: encoder is {name!r}; expected compact or clip")
    preparation = CLIP_PREPARATION if options["normalised"] else RELEASED_PREPARATION
    encoder = SemanticEncoder(SemanticConfiguration(CLIP_TOWER, preparation, classes))
    load_pretrained(encoder.tower)
    adapt(encoder, options)
    return encoder


def adapt(encoder: SemanticEncoder, options: Mapping[str, Any]) -> None:
    """Freeze a tower, but for low-rank adapters if they are wanted; the head is trained either way."""
    encoder.tower.requires_grad_(False)
    if options["adapters"]:
        encoder.tower = adapted(encoder.tower, Adaptation(options["rank"], options["alpha"]))
