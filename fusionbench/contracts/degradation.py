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
    levels: tuple[float, float, float, float, float]
    """The parameter at severities 1 to 5."""
    version: str


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
