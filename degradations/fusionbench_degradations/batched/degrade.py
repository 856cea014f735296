"""The way of a batch through image formation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from fusionbench.contracts import CALIBRATED, PHYSICAL, STAGES
from fusionbench.degrading import Condition, profiles
from fusionbench.degrading.compose import planned
from fusionbench.errors import InputError
from fusionbench_degradations.batched.fields import Fields
from fusionbench_degradations.batched.formulas import FORMULAS, BatchScene
from fusionbench_degradations.batched.light import rounded_to_levels, to_display, to_linear
from fusionbench_degradations.batched.surroundings import Surroundings


@dataclass(frozen=True)
class DegradedBatch:
    """What `degrade_batch` gives."""

    visible: torch.Tensor
    """`(N, 3, H, W)` sRGB in [0, 1]."""
    infrared: torch.Tensor
    """`(N, 1, H, W)` in [0, 1]."""
    maps: Mapping[str, torch.Tensor]
    """Ground truth: `transmission`, `airlight`, `noise_sigma`, `streaks`, whichever apply."""


def degrade_batch(
    visible: torch.Tensor,
    infrared: torch.Tensor,
    parameters: Mapping[str, torch.Tensor],
    fields: Fields,
    surroundings: Surroundings | None = None,
    *,
    quantised: bool = True,
) -> DegradedBatch:
    """Damage a batch of pairs of one size, on the device they are on.

    Args:
        visible: `(N, 3, H, W)` sRGB in [0, 1].
        infrared: `(N, 1, H, W)` in [0, 1].
        parameters: Of each degradation, `(N,)`: the parameter of its card a sample, as `parameters_of` gives.
        fields: Random fields.
        surroundings: Whole-frame properties, needed by haze, fog, rain and ir_low_contrast; without them
            sizes in pixels follow the height of the images given.
        quantised: Round to 8-bit levels at the end (which stops gradients).

    Raises:
        InputError: If a degradation has no formula here, or surroundings are missing.
    """
    for name in parameters:
        if name not in FORMULAS:
            raise InputError(f"{name}: has no formula in torch; those that do are {', '.join(FORMULAS)}")
    first = visible[:, :1]
    grey = tuple(bool(equal) for equal in (visible == first).flatten(1).all(dim=1))
    scene = BatchScene(to_linear(visible), infrared, grey, surroundings, fields, {})
    for name in sorted(parameters, key=_place):
        scene = FORMULAS[name](scene, parameters[name].to(visible))
    damaged, damaged_infrared = to_display(scene.visible), scene.infrared.clamp(0.0, 1.0)
    if quantised:
        damaged, damaged_infrared = rounded_to_levels(damaged), rounded_to_levels(damaged_infrared)
    return DegradedBatch(damaged, damaged_infrared, scene.maps)


def parameters_of(condition: Condition, count: int) -> dict[str, torch.Tensor]:
    """The parameters of a condition, the same for every sample of a batch.

    Raises:
        InputError: If the condition has no severity, a quantity, or a profile of other formulas.
    """
    if condition.profile not in (CALIBRATED, PHYSICAL):
        raise InputError(f"{condition.name}: only the profiles calibrated and physical have torch formulas")
    steps = planned(condition)
    for step in steps:
        if step.is_quantity:
            raise InputError(f"{condition.name}: {step.name} takes a severity here, no quantity")
    return {step.name: torch.full((count,), step.value) for step in steps}


def _place(name: str) -> tuple[int, str]:
    return STAGES.index(profiles.degradation(name).card.stage), name
