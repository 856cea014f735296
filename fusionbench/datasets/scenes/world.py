"""What stands along a road: plain records in metres, the same for every image size.

x is measured from the camera, to the right; z from the camera, ahead; y from the road surface, up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fusionbench.datasets.scenes.weather import Colour, Weather

VehicleKind = Literal["sedan", "hatchback", "suv", "van", "bus", "truck", "motorcycle"]
District = Literal["city", "avenue", "suburb"]


@dataclass(frozen=True)
class Street:
    """The road and its sidewalks, straight ahead."""

    district: District
    centre: float
    """x of the road's centre line."""
    half_width: float
    """Centre line to kerb."""
    sidewalk: float
    """Width of each sidewalk."""
    lane: float
    """Width of one lane."""
    crossing: float | None
    """z of a zebra crossing's near edge."""
    bump: float | None
    """z of a speed bump's near edge."""
    asphalt: float
    """Reflectance of the asphalt."""
    paving: Colour
    drift: float
    """Where in the noise tiles this street starts, in texels."""

    @property
    def wall(self) -> float:
        """Distance from the centre line to where the sidewalk ends."""
        return self.half_width + self.sidewalk


@dataclass(frozen=True)
class Building:
    """A block with one wall along the street."""

    side: int
    """-1 left, 1 right."""
    near: float
    far: float
    wall: float
    """x of the wall along the street."""
    height: float
    albedo: Colour
    brick: bool
    bay: float
    """Distance between window axes."""
    storey: float
    window_width: float
    window_height: float
    shop: Colour | None
    """Colour of the sign band over a shop front; None without shops."""
    balconies: bool
    gable: float
    """Height of a pitched roof above the wall; 0 for a flat one."""
    salt: int
    """Makes each building's windows differ."""


@dataclass(frozen=True)
class Hedge:
    """A hedge or garden wall along the sidewalk."""

    x: float
    near: float
    far: float
    height: float
    green: bool


@dataclass(frozen=True)
class Tree:
    """A tree with a round or a tall crown."""

    x: float
    z: float
    height: float
    radius: float
    """Of the crown."""
    bare: float
    """Height of the trunk below the crown."""
    tint: float
    """-1 yellowish to 1 bluish green."""
    salt: int


@dataclass(frozen=True)
class LampPost:
    """A street lamp."""

    x: float
    z: float
    height: float
    arm: float
    """How far the luminaire stands out toward the road, signed."""
    colour: Colour
    lit: bool


@dataclass(frozen=True)
class Vehicle:
    """A car, van, bus, truck or motorcycle, along the road."""

    kind: VehicleKind
    x: float
    """Middle."""
    z: float
    """Nearest end."""
    colour: Colour
    away: bool
    """True if it shows its rear."""
    moving: bool
    lights: bool
    engine: float
    """0 cold to 1 at working temperature."""


@dataclass(frozen=True)
class Person:
    """A pedestrian."""

    x: float
    z: float
    height: float
    ground: float
    """Height of what the person stands on."""
    coat: Colour
    trousers: Colour
    skin: Colour
    hair: Colour
    stride: float
    """-1..1: how far the legs are apart, and which leads."""
    sideways: bool
    """True if seen from the side."""
    warmth: float
    """How much of the body's heat comes through the clothes, 0..1."""


@dataclass(frozen=True)
class Cone:
    """A traffic cone."""

    x: float
    z: float


@dataclass(frozen=True)
class CarStop:
    """A wheel stop: a low concrete block."""

    x: float
    z: float


@dataclass(frozen=True)
class Guardrail:
    """A steel rail on posts along the kerb."""

    x: float
    near: float
    far: float


Thing = Tree | LampPost | Vehicle | Person | Cone | CarStop | Guardrail
"""Whatever stands in front of the walls."""


@dataclass(frozen=True)
class World:
    """One scene."""

    weather: Weather
    street: Street
    skyline: float
    """Typical height of the far end of the street."""
    backdrop: tuple[Building | Hedge | Tree, ...]
    """Walls and what is behind the sidewalk."""
    things: tuple[Thing, ...]
    relative_focal: float
    shift: tuple[float, float]
    eye: float
