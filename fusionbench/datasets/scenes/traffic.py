"""Draws the vehicles, the people and the small things on the road."""

from __future__ import annotations

import numpy as np

from fusionbench.datasets.scenes.weather import Colour
from fusionbench.datasets.scenes.world import CarStop, Cone, Person, Street, Vehicle, VehicleKind

_PAINTS: tuple[Colour, ...] = (
    (0.72, 0.72, 0.72),
    (0.78, 0.77, 0.74),
    (0.42, 0.43, 0.45),
    (0.16, 0.17, 0.18),
    (0.03, 0.03, 0.035),
    (0.04, 0.04, 0.045),
    (0.42, 0.03, 0.03),
    (0.05, 0.1, 0.34),
    (0.3, 0.26, 0.2),
    (0.06, 0.16, 0.12),
)
_LORRY_PAINTS: tuple[Colour, ...] = (
    (0.75, 0.75, 0.73),
    (0.1, 0.25, 0.5),
    (0.6, 0.42, 0.06),
    (0.12, 0.35, 0.2),
)
_CLOTHES: tuple[Colour, ...] = (
    (0.04, 0.04, 0.05),
    (0.06, 0.08, 0.16),
    (0.5, 0.5, 0.48),
    (0.35, 0.06, 0.06),
    (0.12, 0.2, 0.35),
    (0.3, 0.24, 0.16),
    (0.16, 0.16, 0.17),
    (0.55, 0.45, 0.12),
)
_SKINS: tuple[Colour, ...] = ((0.55, 0.36, 0.27), (0.45, 0.28, 0.19), (0.28, 0.16, 0.1), (0.6, 0.42, 0.33))
_HAIRS: tuple[Colour, ...] = ((0.02, 0.018, 0.016), (0.06, 0.04, 0.025), (0.2, 0.19, 0.18), (0.16, 0.1, 0.05))

_KINDS: tuple[VehicleKind, ...] = (
    "sedan", "sedan", "sedan", "hatchback", "hatchback", "suv", "suv", "van", "bus", "truck", "motorcycle",
)  # fmt: skip
"""Kinds in traffic, each as often as it is met."""

LENGTHS: dict[VehicleKind, float] = {
    "sedan": 4.6,
    "hatchback": 4.1,
    "suv": 4.6,
    "van": 4.9,
    "bus": 11.0,
    "truck": 7.8,
    "motorcycle": 2.0,
}
"""Length of each kind in metres."""

WIDTHS: dict[VehicleKind, float] = {
    "sedan": 1.8,
    "hatchback": 1.74,
    "suv": 1.9,
    "van": 1.92,
    "bus": 2.5,
    "truck": 2.35,
    "motorcycle": 0.7,
}
"""Width of each kind in metres."""

HEIGHTS: dict[VehicleKind, float] = {
    "sedan": 1.45,
    "hatchback": 1.5,
    "suv": 1.72,
    "van": 2.1,
    "bus": 3.1,
    "truck": 3.2,
    "motorcycle": 1.1,
}
"""Height of each kind in metres; a motorcycle's without its rider."""

_PARKED_KINDS: tuple[VehicleKind, ...] = ("sedan", "sedan", "hatchback", "suv", "suv", "van")
_KERB = 0.12
"""Height of a sidewalk above the road, in metres."""


def sample_vehicles(generator: np.random.Generator, street: Street, night: bool) -> list[Vehicle]:
    """Draw parked and moving vehicles; none overlaps another."""
    vehicles = _parked(generator, street)
    lanes = max(1, int(street.half_width // street.lane))
    for lane in range(lanes):
        offset = (lane + 0.5) * street.lane
        vehicles += _in_lane(generator, street, street.centre + offset, away=True, night=night)
        vehicles += _in_lane(generator, street, street.centre - offset, away=False, night=night)
    return vehicles


def _parked(generator: np.random.Generator, street: Street) -> list[Vehicle]:
    found: list[Vehicle] = []
    if street.half_width - street.lane < 1.9 or street.half_width > 2 * street.lane:
        return found
    for side in (-1, 1):
        occupancy = generator.uniform(0.0, 0.75)
        z = generator.uniform(4.5, 11.0)
        while z < 90.0:
            kind = _PARKED_KINDS[int(generator.integers(len(_PARKED_KINDS)))]
            if generator.random() < occupancy and _clear_of_crossing(street, z, LENGTHS[kind]):
                found.append(
                    Vehicle(
                        kind=kind,
                        x=street.centre + side * (street.half_width - 1.05),
                        z=z,
                        colour=_paint(generator, kind),
                        away=side > 0,
                        moving=False,
                        lights=False,
                        engine=float(generator.random() ** 3 * 0.8),
                    )
                )
            z += LENGTHS[kind] + generator.uniform(0.8, 2.5)
    return found


def _in_lane(
    generator: np.random.Generator, street: Street, x: float, away: bool, night: bool
) -> list[Vehicle]:
    found: list[Vehicle] = []
    own_lane = away and abs(x) < 1.5
    z = generator.uniform(9.0, 30.0) if own_lane else generator.uniform(5.0, 32.0)
    gap = generator.uniform(8.0, 40.0)
    while z < 140.0:
        kind = _KINDS[int(generator.integers(len(_KINDS)))]
        if own_lane and kind in ("bus", "truck") and z < 18.0:
            kind = "sedan"
        vehicle = Vehicle(
            kind=kind,
            x=x + generator.uniform(-0.3, 0.3),
            z=z,
            colour=_paint(generator, kind),
            away=away,
            moving=True,
            lights=night or bool(generator.random() < 0.15),
            engine=float(generator.uniform(0.7, 1.0)),
        )
        if _clear_of_crossing(street, z, LENGTHS[kind]):
            found.append(vehicle)
        z += LENGTHS[kind] + gap * generator.uniform(0.6, 2.0)
    return found


def _paint(generator: np.random.Generator, kind: VehicleKind) -> Colour:
    paints = _LORRY_PAINTS if kind in ("bus", "truck") else _PAINTS
    return paints[int(generator.integers(len(paints)))]


def _clear_of_crossing(street: Street, near: float, length: float) -> bool:
    return street.crossing is None or near > street.crossing + 4.5 or near + length < street.crossing - 1.0


def sample_people(generator: np.random.Generator, street: Street, air: float) -> list[Person]:
    """Draw pedestrians on the sidewalks, and on the zebra crossing where there is one."""
    people: list[Person] = []
    for _ in range(int(generator.integers(2, 9))):
        side = 1 if generator.random() < 0.5 else -1
        x = street.centre + side * (
            street.half_width + generator.uniform(0.9, max(1.0, street.sidewalk - 0.4))
        )
        z = 5.0 + 40.0 * generator.random() ** 1.8
        people.append(_person(generator, x, z, _KERB, sideways=bool(generator.random() < 0.25), air=air))
        if generator.random() < 0.35:
            people.append(_person(generator, x + 0.6, z + 0.2, _KERB, sideways=False, air=air))
    if street.crossing is not None:
        for _ in range(int(generator.integers(0, 4))):
            x = street.centre + generator.uniform(-1.0, 1.0) * street.half_width
            z = street.crossing + generator.uniform(0.4, 2.6)
            people.append(_person(generator, x, z, 0.0, sideways=True, air=air))
    elif generator.random() < 0.3:
        x = street.centre + generator.uniform(-1.0, 1.0) * (street.half_width - 2.2)
        people.append(_person(generator, x, generator.uniform(9.0, 24.0), 0.0, sideways=True, air=air))
    return people


def _person(
    generator: np.random.Generator, x: float, z: float, ground: float, sideways: bool, air: float
) -> Person:
    def colour(choices: tuple[Colour, ...]) -> Colour:
        return choices[int(generator.integers(len(choices)))]

    return Person(
        x=x,
        z=z,
        height=generator.uniform(1.5, 1.86),
        ground=ground,
        coat=colour(_CLOTHES),
        trousers=colour(_CLOTHES[:5]),
        skin=colour(_SKINS),
        hair=colour(_HAIRS),
        stride=generator.uniform(-1.0, 1.0),
        sideways=sideways,
        warmth=min(0.85, max(0.3, 0.32 + 0.014 * air + generator.uniform(-0.08, 0.12))),
    )


def sample_roadworks(generator: np.random.Generator, street: Street) -> list[Cone | CarStop]:
    """Draw traffic cones and wheel stops."""
    found: list[Cone | CarStop] = []
    side = 1 if generator.random() < 0.5 else -1
    if generator.random() < 0.35:
        z = generator.uniform(7.0, 16.0)
        x = street.centre + side * (street.half_width - 0.35)
        found += [Cone(x, z + 2.5 * number) for number in range(int(generator.integers(2, 6)))]
    if generator.random() < 0.3:
        z = generator.uniform(6.0, 14.0)
        x = street.centre - side * (street.half_width - 0.5)
        found += [CarStop(x, z + 4.0 * number) for number in range(int(generator.integers(2, 5)))]
    return found
