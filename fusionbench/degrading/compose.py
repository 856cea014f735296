"""Image formation: light, then every degradation in its one physical order, then one quantisation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import (
    STAGES,
    Degradation,
    ImagePair,
    Levels,
    LinearScene,
    QuantifiedDegradation,
)
from fusionbench.degrading import profiles
from fusionbench.degrading.condition import Condition, Level, Quantity, refuse_exclusive
from fusionbench.degrading.light import decode_infrared, decode_visible, encode_infrared, encode_visible
from fusionbench.degrading.randomness import NamedStreams
from fusionbench.errors import InputError

DEPTH_SOURCE = "depth_source"
"""Map by which a degradation says which depth it used: a single string, such as `disparity-prior/1`."""

NO_DEPTH = "none"
"""Depth source of a condition that needs no depth."""


@dataclass(frozen=True, eq=False)
class DegradedPair:
    """A damaged pair with the clean one and the ground truth of the damage."""

    pair: ImagePair
    """The damaged images; a modality that no degradation touched is the clean array itself."""
    clean: ImagePair
    maps: Mapping[str, NDArray[Any]]
    """Ground truth by name, in linear light: `transmission`, `airlight`, `depth`, `noise_sigma`, ..."""
    depth_source: str
    """Where depth came from, with its version; `none` if the condition needs none."""


def degrade_pair(pair: ImagePair, condition: Condition, seed: int, dataset: str = "") -> DegradedPair:
    """Damage a pair.

    The result depends on the arguments alone (and only through pixels, id, depth and horizon of the pair):
    not on the order of work, the process, or the CPU.

    Args:
        pair: The clean pair.
        condition: Degradations, each with its severity.
        seed: Seed of the random fields; they are the same at every severity.
        dataset: Name of the dataset, part of the random fields' names.

    Raises:
        InputError: If a degradation has no severity.
        UnknownNameError: If nothing registers a degradation.
    """
    return take_steps(pair, planned(condition), seed, dataset)


def take_steps(pair: ImagePair, steps: Sequence[Step], seed: int, dataset: str = "") -> DegradedPair:
    """Damage a pair by degradations whose parameters are known, in the order given; see `degrade_pair`."""
    linear = LinearScene(
        visible=decode_visible(pair.visible), infrared=decode_infrared(pair.infrared), clean=pair
    )
    scene = linear
    for step in steps:
        scene = step.apply(scene, dataset, seed)
    degraded = ImagePair(
        id=pair.id,
        visible=pair.visible if scene.visible is linear.visible else encode_visible(scene.visible),
        infrared=pair.infrared if scene.infrared is linear.infrared else encode_infrared(scene.infrared),
        depth=pair.depth,
        horizon=pair.horizon,
    )
    maps = dict(scene.maps)
    depth_source = str(maps.pop(DEPTH_SOURCE, NO_DEPTH))
    return DegradedPair(pair=degraded, clean=pair, maps=maps, depth_source=depth_source)


@dataclass(frozen=True)
class Step:
    """One degradation of a condition, ready to apply."""

    name: str
    degradation: Degradation
    value: float
    """The card's parameter, or the quantity asked for."""
    is_quantity: bool
    random_name: str
    """Its name in the key of its random fields."""

    def apply(self, scene: LinearScene, dataset: str, seed: int) -> LinearScene:
        """Damage a scene."""
        random = NamedStreams(dataset, scene.clean.id, self.random_name, seed)
        if self.is_quantity:
            return cast("QuantifiedDegradation", self.degradation).apply_quantity(scene, self.value, random)
        return self.degradation.apply(scene, self.value, random)


def planned(condition: Condition) -> list[Step]:
    """Find the degradations of a condition in physical order, each with its parameter; severity 0 drops out.

    Raises:
        InputError: If a degradation has no severity, or two exclude each other.
        UnknownNameError: If nothing registers a degradation.
    """
    refuse_exclusive(condition)
    steps = [_step(name, level, condition) for name, level in condition.terms if level is None or level != 0]
    return sorted(steps, key=lambda step: (STAGES.index(step.degradation.card.stage), step.name))


def _step(name: str, level: Level, condition: Condition) -> Step:
    if level is None:
        raise InputError(f"condition {condition.name}: {name} has no severity; write {name}@3, say")
    profile = condition.profile
    is_quantity = isinstance(level, Quantity)
    value = (
        level.value
        if isinstance(level, Quantity)
        else parameter_at(name, profiles.levels(name, profile), level)
    )
    return Step(
        name, profiles.degradation(name, profile), value, is_quantity, profiles.random_name(name, profile)
    )


def parameter_at(name: str, levels: Levels, severity: float) -> float:
    """Read a degradation's parameter at a severity from 1 to 5, linearly between levels.

    Raises:
        InputError: If the severity is outside 1 to 5.
    """
    if not 1 <= severity <= len(levels):
        raise InputError(f"{name}@{severity}: is out of range; use 1 to {len(levels)}")
    lower = min(math.floor(severity), len(levels) - 1)
    before, after = levels[lower - 1], levels[lower]
    fraction = severity - lower
    return after if fraction == 1 else before + (after - before) * fraction


def with_noise_sigma(maps: Mapping[str, NDArray[Any]], sigma: NDArray[np.float32]) -> NDArray[np.float32]:
    """Total standard deviation of independent noises: `sigma` on top of the one already in `maps`."""
    earlier = maps.get("noise_sigma")
    total: NDArray[np.float32] = sigma if earlier is None else np.sqrt(earlier * earlier + sigma * sigma)
    return total
