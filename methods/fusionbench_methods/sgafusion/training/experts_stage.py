"""Stage `experts`: gates, missing light, airlight and transmission, on thumbnails of whole frames.

The published recipe has no such stage: there the dehaze expert learns inside the fusion, on what fusion
happens to see. Crops lack the context that transmission needs, and it gets worse on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from fusionbench.contracts import Batch, Draw, StageCard, StageRequest
from fusionbench.errors import InputError
from fusionbench_methods.sgafusion.checkpoint import load_checkpoint, save_checkpoint
from fusionbench_methods.sgafusion.fixed.configuration import FixedConfiguration
from fusionbench_methods.sgafusion.fixed.frame_experts import GATES, FrameEstimate, FrameExperts, Thumbnail
from fusionbench_methods.sgafusion.fixed.light import to_display
from fusionbench_methods.sgafusion.fixed.network import FixedSGAFusionNet
from fusionbench_methods.sgafusion.fixed.restoration import TRANSMISSION_FLOOR
from fusionbench_methods.sgafusion.precision import full_precision
from fusionbench_methods.sgafusion.semantics.encoder import SemanticEncoder
from fusionbench_methods.sgafusion.training.crops import Mixture, by_condition, spread
from fusionbench_methods.sgafusion.training.frame_facts import FactsOfFrames, FrameFacts

CARD = StageCard(
    name="experts",
    title="read haze and darkness off whole frames",
    options={
        "semantics": True,
        "mixture": {
            "clean": 0.15,
            "haze": 0.35,
            "low_light": 0.2,
            "haze+low_light": 0.12,
            "noise": 0.05,
            "rain": 0.03,
            "over_exposure": 0.02,
            "motion_blur": 0.03,
            "low_light+noise": 0.05,
        },
        "report_frames": 30,
    },
)

EXPOSURE_WEIGHT, AIRLIGHT_WEIGHT = 0.3, 2.0


class ExpertsStage:
    """The frame experts of the network `fixed`.

    Args:
        request: What is asked for; it needs the artefact of the stage `clip`.

    Raises:
        InputError: If that artefact is not there.
    """

    def __init__(self, request: StageRequest) -> None:
        self._request = request
        encoder = encoder_of(request)
        self._encoder = encoder
        configuration = FixedConfiguration(
            semantics=request.options["semantics"], embedding_width=encoder.configuration.embedding_width
        )
        self._network = FixedSGAFusionNet(configuration)
        self._experts = experts_in(self._network)
        for name, weight in self._network.named_parameters():
            weight.requires_grad_(name.startswith("frame_experts."))
        self.module = self._network
        told = encoder if request.options["semantics"] else None
        width = configuration.embedding_width
        self._train = FactsOfFrames(request.data.train, told, width)
        self._choose = FactsOfFrames(request.data.choose, told, width)
        self._mixture = Mixture(request.data.train, request.options["mixture"])

    def batch(self, draw: Draw) -> Batch:
        """Thumbnails with their truth, half of them mirrored."""
        facts = [self._train.of(index) for index in self._mixture.picks(draw, self._request.batch)]
        random = draw.generator("mirrored")
        return gathered(facts, [bool(each) for each in random.integers(2, size=len(facts))])

    def loss(self, batch: Batch) -> Mapping[str, torch.Tensor]:
        """Of gates, and of the rest where there is something to be said."""
        with full_precision(batch["visible"]):
            return self._loss(batch)

    def _loss(self, batch: Batch) -> Mapping[str, torch.Tensor]:
        experts = self._experts
        truth = batch["gates"]
        thumbnail = Thumbnail(batch["visible"], batch["infrared"])
        estimate = experts(thumbnail, batch["embedding"], truth)
        hazy, dark = truth[:, GATES.index("haze")], truth[:, GATES.index("low_light")]
        terms = {
            "gates": binary_cross_entropy_with_logits(experts.gating(batch["embedding"]), truth),
            "exposure": _mean_where((estimate.exposure - batch["exposure"]).abs(), dark),
            "airlight": _mean_where(
                (to_display(estimate.airlight) - to_display(batch["airlight"])).abs().mean(dim=1), hazy
            ),
            "transmission": _mean_where(
                (estimate.transmission - batch["transmission"]).abs().mean(dim=(1, 2, 3)), hazy
            ),
            "restoration": _mean_where(self._restoration_error(batch, estimate), hazy),
        }
        total = (
            terms["gates"]
            + EXPOSURE_WEIGHT * terms["exposure"]
            + AIRLIGHT_WEIGHT * terms["airlight"]
            + terms["transmission"]
            + terms["restoration"]
        )
        return {**terms, "total": total}

    @torch.no_grad()
    def report(self) -> Mapping[str, Any]:
        """Errors on held-out frames; of gates, the share on the right side."""
        experts = self._experts
        right, counted = dict.fromkeys(GATES, 0), 0
        errors: dict[str, list[float]] = {"exposure": [], "airlight": [], "transmission": []}
        for places in by_condition(self._request.data.choose).values():
            for index in spread(places, self._request.options["report_frames"]):
                facts = self._choose.of(index)
                device = next(experts.parameters()).device
                batch = {
                    name: value.to(device) if isinstance(value, torch.Tensor) else value
                    for name, value in gathered([facts], [False]).items()
                }
                thumbnail = Thumbnail(batch["visible"], batch["infrared"])
                estimate = experts(thumbnail, batch["embedding"])
                counted += 1
                for position, name in enumerate(GATES):
                    right[name] += int(
                        (estimate.gates[0, position] > 0.5) == (batch["gates"][0, position] > 0.5)
                    )
                if batch["gates"][0, GATES.index("low_light")]:
                    errors["exposure"].append(float((estimate.exposure - batch["exposure"]).abs()))
                if batch["gates"][0, GATES.index("haze")]:
                    difference = to_display(estimate.airlight) - to_display(batch["airlight"])
                    errors["airlight"].append(float(difference.abs().mean()))
                    difference = estimate.transmission - batch["transmission"]
                    errors["transmission"].append(float(difference.abs().mean()))
        found = {f"gate {name}": round(count / max(counted, 1), 4) for name, count in right.items()}
        means = {
            f"{name} error": round(sum(values) / len(values), 4) for name, values in errors.items() if values
        }
        return {**found, **means, "frames": counted}

    def write(self, path: Path, notes: Mapping[str, Any]) -> None:
        """Network and encoder; of the network, only the experts have been trained."""
        save_checkpoint(path, self._network, self._encoder, notes=notes)

    def _restoration_error(self, batch: Batch, estimate: FrameEstimate) -> torch.Tensor:
        """What transmission alone gets wrong: of each thumbnail, with the true airlight and exposure."""
        dark = batch["gates"][:, GATES.index("low_light")]
        light = batch["visible"] * torch.exp2(dark * batch["exposure"])[:, None, None, None]
        airlight = batch["airlight"][:, :, None, None]
        through = estimate.transmission.clamp(min=TRANSMISSION_FLOOR)
        clear = to_display((light - airlight * (1 - through)) / through)
        return (clear - to_display(batch["clean"])).abs().mean(dim=(1, 2, 3))


def experts_in(network: FixedSGAFusionNet) -> FrameExperts:
    """The frame experts of a network.

    Raises:
        ValueError: If it is the ablation without them.
    """
    if network.frame_experts is None:
        raise ValueError("the network has no frame experts")
    return network.frame_experts


def encoder_of(request: StageRequest) -> SemanticEncoder:
    """The encoder of the stage `clip`, frozen.

    Raises:
        InputError: If that stage is not part of the recipe.
    """
    artefact = request.earlier.get("clip")
    if artefact is None:
        raise InputError(f"stage {request.name}: needs the stage clip before it; add it to the recipe")
    encoder = load_checkpoint(artefact, merge=False).encoder
    if encoder is None:
        raise InputError(f"{artefact}: holds no encoder; train the stage clip anew with --from clip")
    return encoder.requires_grad_(False).eval()


def gathered(facts: Sequence[FrameFacts], mirrored: Sequence[bool]) -> dict[str, Any]:
    """Facts of some frames as a batch; those mirrored left for right."""

    def stacked(images: Sequence[torch.Tensor]) -> torch.Tensor:
        return torch.cat([each.flip(-1) if m else each for each, m in zip(images, mirrored, strict=True)])

    return {
        "visible": stacked([each.thumbnail.visible for each in facts]),
        "infrared": stacked([each.thumbnail.infrared for each in facts]),
        "clean": stacked([each.clean for each in facts]),
        "transmission": stacked([each.truth.transmission for each in facts]),
        "embedding": torch.cat([each.embedding for each in facts]),
        "gates": torch.cat([each.truth.gates for each in facts]),
        "exposure": torch.cat([each.truth.exposure for each in facts]),
        "airlight": torch.cat([each.truth.airlight for each in facts]),
        "names": [each.name for each in facts],
    }


def _mean_where(values: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
    """Mean of `(N,)` over the samples that are there; 0 if none is."""
    return (values * there).sum() / there.sum().clamp(min=1.0)
