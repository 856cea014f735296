"""What a degradation is, and the scene it damages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts.pairs import FloatImage, ImagePair

Stage = Literal["medium", "optics", "exposure", "sensor", "encode"]
"""Where in the physical image formation a degradation acts."""

STAGES: tuple[Stage, ...] = ("medium", "optics", "exposure", "sensor", "encode")
"""The one physical order in which degradations compose, whatever the order of naming."""


Levels = tuple[float, float, float, float, float]
"""A parameter at severities 1 to 5."""

CALIBRATED = "calibrated"
"""The default profile: registered degradations at their cards' `levels`."""

PHYSICAL = "physical"
"""The same degradations at their cards' `physical_levels`."""


class RandomStreams(Protocol):
    """Random fields named by (dataset, image id, degradation, stream, seed); severity never changes them."""

    def normal(self, stream: str, shape: tuple[int, ...]) -> FloatImage:
        """Standard normal values, float32, identical on every CPU."""
        ...

    def uniform(self, stream: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Uniform values in [0, 1), identical on every CPU."""
        ...


@dataclass(frozen=True, eq=False)
class LinearScene:
    """A pair on its way through image formation, before the one quantisation at its end."""

    visible: FloatImage
    """`(H, W, 3)` linear light; 1 is the full scale of the clean image, values may leave [0, 1]."""
    infrared: FloatImage
    """`(H, W)` in automatic-gain units, clean range [0, 1], values may leave it."""
    clean: ImagePair
    """The pair it started from."""
    maps: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """Ground truth gathered on the way: transmission, airlight, depth, noise sigma, exposure."""

    def changed(
        self,
        *,
        visible: FloatImage | None = None,
        infrared: FloatImage | None = None,
        maps: Mapping[str, NDArray[Any]] | None = None,
    ) -> LinearScene:
        """Copy with the given parts replaced; `maps` are added to those already gathered."""
        return replace(
            self,
            visible=self.visible if visible is None else visible,
            infrared=self.infrared if infrared is None else infrared,
            maps={**self.maps, **(maps or {})},
        )


@dataclass(frozen=True)
class DegradationCard:
    """What a person should know about a degradation."""

    name: str
    title: str
    stage: Stage
    modality: Literal["visible", "infrared", "both"]
    summary: str
    """The formula in one line."""
    reference: str
    """Paper and equation it comes from."""
    parameter: str
    """What the severity levels set, with its unit."""
    levels: Levels
    """The parameter at severities 1 to 5, calibrated so that equal severities do equal damage."""
    version: str
    physical_levels: Levels | None = None
    """The parameter at severities 1 to 5 by physics alone (profile `physical`); None if it is `levels`."""
    unsuited_to: tuple[str, ...] = ()
    """Native conditions of images (`Sample.native`) it is not applied to unless a person asks for it."""
    limits: tuple[float, float] | None = None
    """Weakest and strongest value of the parameter that has a meaning; None where any positive one has."""
    excludes: tuple[str, ...] = ()
    """Degradations it never stands in one condition with, since both set the same thing (one medium, one
    exposure)."""
    whole_numbers: bool = False
    """Whether the parameter is rounded to a whole number."""
    quantity: str = ""
    """Unit of a physical quantity it accepts in place of a severity (`km`, as in `haze@2km`); see
    `QuantifiedDegradation`."""


@dataclass(frozen=True)
class DegradationProfileCard:
    """What a person should know about a set of degradations that follows somebody's published formulas."""

    name: str
    title: str
    summary: str
    """What it does, and in what it differs from the paper where it must."""
    reference: str
    """Paper and code it comes from."""


class Degradation(Protocol):
    """A physical damage, applied in linear light."""

    card: DegradationCard

    def apply(self, scene: LinearScene, parameter: float, random: RandomStreams) -> LinearScene:
        """Damage a scene.

        Args:
            scene: The scene as the stages before this one left it.
            parameter: Value of the card's parameter (the harness reads it off `levels`, interpolating).
            random: The random fields of this image and degradation.
        """
        ...


class QuantifiedDegradation(Degradation, Protocol):
    """A degradation that also takes a physical quantity, in its card's unit, in place of a severity."""

    def apply_quantity(self, scene: LinearScene, quantity: float, random: RandomStreams) -> LinearScene:
        """Damage a scene by a quantity such as a visibility of 2 km.

        Args:
            scene: The scene as the stages before this one left it.
            quantity: In the card's unit, positive.
            random: The random fields of this image and degradation.

        Raises:
            InputError: If the quantity is beyond what the degradation models.
        """
        ...


class DegradationProfile(Protocol):
    """Degradations by somebody's published formulas and levels; never mixed with others in one condition."""

    card: DegradationProfileCard

    @property
    def degradations(self) -> Mapping[str, Degradation]:
        """The profile's degradations by name; `levels` of their cards are the profile's own."""
        ...
