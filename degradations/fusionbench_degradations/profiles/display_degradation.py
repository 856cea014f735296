"""What the profiles' degradations share: a formula on the display values of the visible image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from fusionbench.contracts import (
    DegradationCard,
    FloatImage,
    Levels,
    LinearScene,
    RandomStreams,
    Stage,
)
from fusionbench.degrading import is_monochrome
from fusionbench_degradations.display_light import from_display, to_display

SEVERITIES: Levels = (1.0, 2.0, 3.0, 4.0, 5.0)
"""Levels of a formula with a table of its own: the severity itself."""


@dataclass(frozen=True)
class DisplayScene:
    """What a formula sees."""

    display: FloatImage
    """`(H, W, 3)` sRGB in [0, 1]."""
    scene: LinearScene
    random: RandomStreams

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """Shape of independent noise: one channel for a grey camera."""
        return (*self.display.shape[:2], 1 if is_monochrome(self.scene.clean.visible) else 3)


Maps = Mapping[str, NDArray[Any]]
Formula = Callable[[DisplayScene, float], tuple[FloatImage, Maps]]
"""Display values and parameter to new display values (clipped afterwards) and ground truth."""


@dataclass
class DisplayDegradation:
    """A degradation made of a formula on display values."""

    card: DegradationCard
    formula: Formula

    def apply(self, scene: LinearScene, parameter: float, random: RandomStreams) -> LinearScene:
        """Apply the formula to the visible image."""
        display, maps = self.formula(DisplayScene(to_display(scene.visible), scene, random), parameter)
        return scene.changed(visible=from_display(display), maps=maps)


def display_degradation(
    formula: Formula,
    name: str,
    title: str,
    summary: str,
    reference: str,
    parameter: str = "severity, a row of the published table",
    levels: Levels = SEVERITIES,
    stage: Stage = "sensor",
) -> DisplayDegradation:
    """A degradation with its card; arguments as the card's fields."""
    card = DegradationCard(
        name=name,
        title=title,
        stage=stage,
        modality="visible",
        summary=summary,
        reference=reference,
        parameter=parameter,
        levels=levels,
        version="1",
    )
    return DisplayDegradation(card, formula)


def between(table: Levels, severity: float) -> float:
    """Read a published table at a severity, linearly between its rows."""
    lower = min(int(severity), len(table) - 1)
    return table[lower - 1] + (table[lower] - table[lower - 1]) * (severity - lower)
