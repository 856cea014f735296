"""Stages `joint` (W2) and `finetune` (W3): fusion with segmentation, and fusion alone on damaged pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cross_entropy, l1_loss

from fusionbench.contracts import UNLABELLED, Batch, Draw, StageCard, StageRequest
from fusionbench.errors import InputError
from fusionbench_methods.sgafusion.checkpoint import Network, load_checkpoint, save_checkpoint
from fusionbench_methods.sgafusion.configuration import VARIANTS
from fusionbench_methods.sgafusion.fixed.configuration import FIXED
from fusionbench_methods.sgafusion.fixed.losses import LossWeights, fixed_loss_terms
from fusionbench_methods.sgafusion.fixed.network import FixedSGAFusionNet
from fusionbench_methods.sgafusion.losses import fusion_loss_terms
from fusionbench_methods.sgafusion.network import SGAFusionNet
from fusionbench_methods.sgafusion.precision import full_precision
from fusionbench_methods.sgafusion.segmentation_head import MASK_CLASSES
from fusionbench_methods.sgafusion.semantics.encoder import SemanticEncoder
from fusionbench_methods.sgafusion.training.crops import by_condition, spread
from fusionbench_methods.sgafusion.training.experts_stage import encoder_of
from fusionbench_methods.sgafusion.training.fusion_batches import (
    FusionBatches,
    FusionBatchOptions,
    estimate_in,
)

_LOSS_WEIGHTS = {each.name: float(each.default) for each in fields(LossWeights)}  # type: ignore[arg-type]

_SHARED: dict[str, Any] = {
    "variant": FIXED,
    "widths": (16, 32, 48, 64),
    "experts": True,
    "semantics": True,
    "crop": 96,
    "truth": 0.5,
    "loss": _LOSS_WEIGHTS,
    "report_frames": 8,
    "report_crop": 192,
}

JOINT_CARD = StageCard(
    name="joint",
    title="segmentation and fusion together",
    options={**_SHARED, "mixture": {"clean": 1.0}, "segmentation_weight": 1.0},
    needs_masks=True,
)

FINETUNE_CARD = StageCard(
    name="finetune",
    title="fusion alone, on damaged pairs",
    options={
        **_SHARED,
        "mixture": {
            "clean": 0.2,
            "haze": 0.3,
            "low_light": 0.28,
            "haze+low_light": 0.07,
            "noise": 0.05,
            "low_light+noise": 0.05,
            "rain": 0.03,
            "over_exposure": 0.02,
        },
    },
)


class FusionStage:
    """A network that fuses, trained on crops of frames.

    Args:
        request: What is asked for: the stage `joint` or `finetune`.

    Raises:
        InputError: If earlier artefacts are missing, or are of another variant.
    """

    def __init__(self, request: StageRequest) -> None:
        self._request = request
        self._segments = request.name == JOINT_CARD.name
        self._encoder = encoder_of(request)
        self._network = _network(request, self._encoder)
        self.module = self._network
        _choose_what_learns(self._network, segments=self._segments)
        options = request.options
        self._weights = LossWeights(**options["loss"])
        if options["report_frames"] < 1 or options["crop"] < 0:
            raise InputError(f"stage {request.name}: report_frames must be 1 or more, crop 0 or more")
        chosen = FusionBatchOptions(
            crop=options["crop"], count=request.batch, mixture=options["mixture"], truth=options["truth"]
        )
        told = self._encoder if options["semantics"] else None
        experts = getattr(self._network, "frame_experts", None)
        width = self._network.configuration.embedding_width
        self._train = FusionBatches(request.data.train, chosen, told, experts, width)
        self._choose = FusionBatches(request.data.choose, chosen, told, experts, width)

    def batch(self, draw: Draw) -> Batch:
        """Crops with what is known of them."""
        return self._train.batch(draw)

    def loss(self, batch: Batch) -> Mapping[str, torch.Tensor]:
        """The fusion's terms, and the segmentation's in the stage `joint`."""
        terms, segmentation = self._fusion_loss(batch)
        if not self._segments or segmentation is None:
            return terms
        known = (batch["mask"] != UNLABELLED).sum().clamp(min=1)
        wrong = (
            cross_entropy(segmentation.float(), batch["mask"], ignore_index=UNLABELLED, reduction="sum")
            / known
        )
        total = terms["total"] + self._request.options["segmentation_weight"] * wrong
        return {**terms, "segmentation": wrong, "total": total}

    @torch.no_grad()
    def report(self) -> Mapping[str, Any]:
        """Losses in the middle of held-out frames, by condition."""
        found: dict[str, dict[str, float]] = {}
        for condition, places in by_condition(self._request.data.choose).items():
            judged = spread(places, self._request.options["report_frames"])
            rows = [self._measured(index) for index in judged]
            found[condition] = {
                name: round(sum(row[name] for row in rows) / len(rows), 4) for name in rows[0]
            }
        return found

    def write(self, path: Path, notes: Mapping[str, Any]) -> None:
        """Network and encoder, with the names of the classes where a segmentation was learnt."""
        named = {MASK_CLASSES: list(self._request.data.mask_classes)} if self._segments else {}
        save_checkpoint(path, self._network, self._encoder, notes={**notes, **named})

    def _measured(self, index: int) -> dict[str, float]:
        device = next(self._network.parameters()).device
        batch = {
            name: value.to(device) if isinstance(value, torch.Tensor) else value
            for name, value in self._choose.centre(index, self._request.options["report_crop"]).items()
        }
        values = {name: float(value) for name, value in self._fusion_loss(batch)[0].items()}
        values["damage"] = float(l1_loss(batch["visible"], batch["clean_visible"]))
        if isinstance(self._network, FixedSGAFusionNet):
            fusion = self._network(
                batch["visible"], batch["infrared"], batch["embedding"], estimate_in(batch)
            )
            values["restored"] = float(l1_loss(fusion.restored.clamp(0, 1), batch["clean_visible"]))
        return values

    def _fusion_loss(self, batch: Batch) -> tuple[dict[str, torch.Tensor], torch.Tensor | None]:
        visible, infrared, embedding = (batch[name] for name in ("visible", "infrared", "embedding"))
        if isinstance(self._network, SGAFusionNet):
            fused, segmentation = self._network(visible, infrared, embedding)
            with full_precision(infrared):
                return fusion_loss_terms(batch["clean_visible"], infrared, fused.float()), segmentation
        fusion = self._network(visible, infrared, embedding, estimate_in(batch))
        with full_precision(infrared):
            terms = fixed_loss_terms(
                batch["clean_visible"],
                batch["clean_infrared"],
                fusion.fused.float(),
                fusion.restored.float(),
                self._weights,
            )
        return terms, fusion.segmentation


def _network(request: StageRequest, encoder: SemanticEncoder) -> Network:
    """The network a stage starts from: the one before it, or a new one."""
    before = request.earlier.get("joint")
    if before is not None:
        return _started(request, before)
    network = _new_network(request, encoder)
    experts = getattr(network, "frame_experts", None)
    if experts is not None:
        artefact = request.earlier.get("experts")
        if artefact is None:
            raise InputError(
                f"stage {request.name}: the variant fixed needs the stage experts before it; add it to the "
                "recipe"
            )
        trained = load_checkpoint(artefact).network
        if trained is not None and trained.configuration.semantics is not request.options["semantics"]:
            raise InputError(
                f"{artefact}: experts and fusion are to be told the same; give semantics for both "
                "(--set semantics=false --from experts)"
            )
        experts.load_state_dict(trained.frame_experts.state_dict())  # type: ignore[union-attr]
    return network


def _started(request: StageRequest, artefact: Path) -> Network:
    network = load_checkpoint(artefact).network
    options, variant = request.options, request.options["variant"]
    if network is None or network.configuration.variant != variant:
        held = (
            "no network" if network is None else f"a network of the variant {network.configuration.variant}"
        )
        raise InputError(
            f"{artefact}: holds {held}, the recipe trains {variant}; train the stage joint with the same "
            "variant (--from joint)"
        )
    made = network.configuration
    differing = [
        f"{name} is {there} there, {options[name]} here"
        for name, there in (
            ("widths", made.widths),
            ("experts", made.experts > 0),
            ("semantics", made.semantics not in (False, "none")),
        )
        if there != options[name]
    ]
    if differing:
        raise InputError(
            f"{artefact}: is another network ({'; '.join(differing)}); train joint anew (--from joint)"
        )
    return network.train()


def _new_network(request: StageRequest, encoder: SemanticEncoder) -> Network:
    options = request.options
    classes = len(request.data.mask_classes) if request.name == JOINT_CARD.name else 0
    width = encoder.configuration.embedding_width
    if options["variant"] == FIXED:
        return FixedSGAFusionNet(
            widths=options["widths"],
            experts=2 if options["experts"] else 0,
            semantics=options["semantics"],
            segmentation_classes=classes,
            embedding_width=width,
        )
    if options["variant"] not in VARIANTS:
        raise InputError(
            f"stage {request.name}: variant is {options['variant']!r}; expected "
            f"{', '.join((*VARIANTS, FIXED))}"
        )
    changes: dict[str, Any] = {} if options["experts"] else {"experts": 0}
    if not options["semantics"]:
        changes["semantics"] = "none"
    return SGAFusionNet(
        options["variant"],
        widths=options["widths"],
        segmentation_classes=classes,
        embedding_width=width,
        **changes,
    )


def _choose_what_learns(network: Network, *, segments: bool) -> None:
    """Not the experts on whole frames, which crops would spoil, nor a segmentation that has no masks."""
    frozen = ["frame_experts."] if segments else ["frame_experts.", "seg_head."]
    for name, weight in network.named_parameters():
        weight.requires_grad_(not name.startswith(tuple(frozen)))
