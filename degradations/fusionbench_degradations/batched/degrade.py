"""The way of a batch through image formation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from fusionbench.contracts import CALIBRATED, PHYSICAL, STAGES
from fusionbench.degrading import Condition, profiles
from fusionbench.degrading.compose import parameter_at, planned
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
        parameters: Of each degradation, `(N,)`: the parameter of its card a sample, as `parameters_of` and
            `parameters_at` give; a sample whose parameter is NaN is left as it is.
        fields: Random fields.
        surroundings: Whole-frame properties, needed by haze, fog, rain and ir_low_contrast; without them
            sizes in pixels follow the height of the images given.
        quantised: Round to 8-bit levels at the end (which stops gradients).

    Raises:
        InputError: If a degradation has no formula here, surroundings are missing, shapes or types do not
            fit, or a sample has two degradations that exclude each other.
    """
    for name in parameters:
        if name not in FORMULAS:
            raise InputError(f"{name}: has no formula in torch; those that do are {', '.join(FORMULAS)}")
    _check(visible, infrared, parameters)
    first = visible[:, :1]
    grey = tuple(bool(equal) for equal in (visible == first).flatten(1).all(dim=1))
    scene = BatchScene(to_linear(visible), infrared, grey, surroundings, fields, {})
    for name in sorted(parameters, key=_place):
        scene = _applied(name, scene, parameters[name].to(visible))
    damaged, damaged_infrared = to_display(scene.visible), scene.infrared.clamp(0.0, 1.0)
    if quantised:
        damaged, damaged_infrared = rounded_to_levels(damaged), rounded_to_levels(damaged_infrared)
    return DegradedBatch(damaged, damaged_infrared, scene.maps)


def _check(visible: torch.Tensor, infrared: torch.Tensor, parameters: Mapping[str, torch.Tensor]) -> None:
    count, channels, height, width = visible.shape
    if channels != 3 or infrared.shape != (count, 1, height, width):
        raise InputError(
            f"batch: visible is {tuple(visible.shape)} and infrared {tuple(infrared.shape)}; "
            "expected (N, 3, H, W) and (N, 1, H, W)"
        )
    if not (visible.is_floating_point() and infrared.is_floating_point()):
        raise InputError(f"batch: images are {visible.dtype} and {infrared.dtype}; give floats in [0, 1]")
    for name, values in parameters.items():
        if values.shape != (count,):
            raise InputError(
                f"{name}: parameters are {tuple(values.shape)}; expected one for each of {count}"
            )
        for other in profiles.excluded_by(name):
            if other in parameters and bool((~(values.isnan() | parameters[other].isnan())).any()):
                raise InputError(f"{name} and {other} exclude each other; give a sample one of them")


def _applied(name: str, scene: BatchScene, parameter: torch.Tensor) -> BatchScene:
    """The scene damaged where there is a parameter, and as it was elsewhere."""
    absent = torch.isnan(parameter)
    if not bool(absent.any()):
        return FORMULAS[name](scene, parameter)
    weakest = profiles.levels(name)[0]
    damaged = FORMULAS[name](scene, torch.where(absent, torch.full_like(parameter, weakest), parameter))
    left = absent.reshape(-1, 1, 1, 1)
    maps = {
        key: torch.where(left, _untouched(key, scene, values), values) for key, values in damaged.maps.items()
    }
    return replace(
        damaged,
        visible=torch.where(left, scene.visible, damaged.visible),
        infrared=torch.where(left, scene.infrared, damaged.infrared),
        maps=maps,
    )


def _untouched(key: str, scene: BatchScene, values: torch.Tensor) -> torch.Tensor:
    """What a map says of a sample that was left as it is: all light comes through, or there is nothing."""
    if key in scene.maps:
        return scene.maps[key]
    return torch.ones_like(values) if key == "transmission" else torch.zeros_like(values)


def parameters_at(
    name: str, severities: torch.Tensor | Sequence[float], profile: str = CALIBRATED
) -> torch.Tensor:
    """Parameters of a degradation at a severity a sample.

    Args:
        name: Of the degradation.
        severities: `(N,)`, a tensor or numbers, each 0 (left as it is) or from 1 to 5.
        profile: `calibrated` or `physical`.

    Returns:
        `(N,)`, NaN where the severity is 0.

    Raises:
        InputError: If a severity is out of range.
    """
    levels = profiles.levels(name, profile)
    severities = torch.as_tensor(severities)
    values = [
        math.nan if float(severity) == 0 else parameter_at(name, levels, float(severity))
        for severity in severities
    ]
    return torch.tensor(values, device=severities.device)


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
