"""Draws a world: the street first, then what lines it, then traffic and people."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from fusionbench.datasets.scenes.streams import stream
from fusionbench.datasets.scenes.traffic import sample_people, sample_roadworks, sample_vehicles
from fusionbench.datasets.scenes.weather import Colour, sample_weather
from fusionbench.datasets.scenes.world import (
    Building,
    District,
    Guardrail,
    Hedge,
    LampPost,
    Street,
    Tree,
    World,
)

T = TypeVar("T")

_FARTHEST_TREE = 110.0
"""Trees beyond would be a few pixels, and merge with the skyline's."""
_FARTHEST = 190.0
"""Buildings end here; the skyline closes the view behind them."""

_FACADES: tuple[tuple[Colour, bool], ...] = (
    ((0.42, 0.22, 0.15), True),
    ((0.34, 0.17, 0.12), True),
    ((0.50, 0.33, 0.22), True),
    ((0.55, 0.53, 0.48), False),
    ((0.62, 0.58, 0.49), False),
    ((0.40, 0.40, 0.40), False),
    ((0.30, 0.31, 0.33), False),
    ((0.58, 0.47, 0.36), False),
    ((0.47, 0.50, 0.47), False),
)
"""Reflectance of a wall, and whether it is of brick."""

_SIGNS: tuple[Colour, ...] = ((0.75, 0.06, 0.05), (0.08, 0.2, 0.6), (0.1, 0.5, 0.2), (0.8, 0.5, 0.05))
_SODIUM: Colour = (1.0, 0.62, 0.26)
_LED: Colour = (0.93, 1.0, 0.97)


def sample_world(seed: int, index: int, night: bool) -> World:
    """Draw the scene of one index.

    Args:
        seed: The user's seed.
        index: Number of the scene.
        night: True for a night scene.
    """
    weather = sample_weather(stream(seed, index, "weather"), night)
    view = stream(seed, index, "view")
    street = _street(stream(seed, index, "street"))
    lining = stream(seed, index, "lining")
    vehicles = sample_vehicles(stream(seed, index, "vehicles"), street, night)
    people = sample_people(stream(seed, index, "people"), street, weather.air)
    roadworks = sample_roadworks(stream(seed, index, "roadworks"), street)
    things = (
        *_sidewalk_trees(lining, street),
        *_lamps(lining, street, night),
        *_guardrails(lining, street),
        *vehicles,
        *people,
        *roadworks,
    )
    return World(
        weather=weather,
        street=street,
        skyline=float(view.uniform(9.0, 26.0)),
        backdrop=tuple(_backdrop(stream(seed, index, "backdrop"), street)),
        things=things,
        relative_focal=float(view.uniform(0.95, 1.3)),
        shift=(float(view.uniform(0.42, 0.58)), float(view.uniform(0.44, 0.56))),
        eye=float(view.uniform(1.35, 1.9)),
    )


def pick(generator: np.random.Generator, choices: tuple[T, ...]) -> T:
    """Draw one of several with equal chances."""
    return choices[int(generator.integers(len(choices)))]


def _street(generator: np.random.Generator) -> Street:
    district: District = pick(generator, ("city", "city", "avenue", "avenue", "suburb"))
    lane = generator.uniform(3.0, 3.5)
    lanes = 4 if district == "city" and generator.random() < 0.45 else 2
    parking = 2.1
    half_width = lane * lanes / 2 + (parking if lanes == 2 else 0.6)
    own_lane = 0.5 if lanes == 2 else pick(generator, (0.5, 1.5))
    grey = generator.uniform(0.38, 0.55)
    return Street(
        district=district,
        centre=-own_lane * lane + generator.uniform(-0.4, 0.4),
        half_width=half_width,
        sidewalk=generator.uniform(2.2, 4.2),
        lane=lane,
        crossing=generator.uniform(9.0, 26.0) if generator.random() < 0.4 else None,
        bump=generator.uniform(8.0, 20.0) if generator.random() < 0.2 else None,
        asphalt=generator.uniform(0.10, 0.2),
        paving=(grey, grey * generator.uniform(0.88, 0.98), grey * generator.uniform(0.75, 0.95)),
        drift=float(generator.integers(0, 4096)),
    )


def _backdrop(generator: np.random.Generator, street: Street) -> list[Building | Hedge | Tree]:
    found: list[Building | Hedge | Tree] = []
    for side in (-1, 1):
        found += _one_side(generator, street, side)
    return found


def _one_side(generator: np.random.Generator, street: Street, side: int) -> list[Building | Hedge | Tree]:
    found: list[Building | Hedge | Tree] = []
    built = {"city": 0.95, "avenue": 0.55, "suburb": 0.8}[street.district]
    setback = {"city": 0.3, "avenue": 4.0, "suburb": 4.5}[street.district]
    edge = street.centre + side * street.wall
    if street.district != "city":
        green = street.district == "avenue" or generator.random() < 0.6
        found.append(Hedge(edge + side * 0.2, 0.5, _FARTHEST, generator.uniform(0.7, 1.5), green))
    near = generator.uniform(-6.0, 2.0)
    while near < _FARTHEST:
        length = generator.uniform(9.0, 28.0) if street.district != "suburb" else generator.uniform(8.0, 13.0)
        gap = generator.uniform(2.5, 9.0) if generator.random() < 0.45 or street.district == "suburb" else 0.0
        wall = edge + side * (setback + generator.uniform(0.0, 1.2))
        if generator.random() < built:
            found.append(_building(generator, street.district, side, near, near + length, wall))
        else:
            found += _grove(generator, side, edge, near, near + length)
        near += length + gap
    return found


def _building(
    generator: np.random.Generator, district: District, side: int, near: float, far: float, wall: float
) -> Building:
    storeys = {
        "city": int(generator.integers(3, 12)),
        "avenue": int(generator.integers(2, 8)),
        "suburb": int(generator.integers(1, 3)),
    }[district]
    storey = generator.uniform(2.9, 3.6)
    albedo, brick = pick(generator, _FACADES)
    shade = generator.uniform(0.75, 1.15)
    bay = generator.uniform(2.2, 4.2)
    shop = pick(generator, _SIGNS) if district == "city" and generator.random() < 0.65 else None
    return Building(
        side=side,
        near=near,
        far=far,
        wall=wall,
        height=storeys * storey + generator.uniform(0.4, 1.2) + (0.9 if shop else 0.0),
        albedo=(albedo[0] * shade, albedo[1] * shade, albedo[2] * shade),
        brick=brick,
        bay=bay,
        storey=storey,
        window_width=bay * generator.uniform(0.38, 0.75),
        window_height=storey * generator.uniform(0.4, 0.62),
        shop=shop,
        balconies=bool(generator.random() < 0.3) and district != "suburb",
        gable=generator.uniform(1.8, 3.2) if district == "suburb" else 0.0,
        salt=int(generator.integers(0, 4096)),
    )


def _grove(generator: np.random.Generator, side: int, edge: float, near: float, far: float) -> list[Tree]:
    trees: list[Tree] = []
    z = max(near, 6.0)
    while z < min(far, _FARTHEST_TREE):
        trees.append(
            _tree(generator, edge + side * generator.uniform(1.5, 7.0), z, generator.uniform(7.0, 13.0))
        )
        z += generator.uniform(3.0, 6.0) * (1.0 + z / 60.0)
    return trees


def _sidewalk_trees(generator: np.random.Generator, street: Street) -> list[Tree]:
    chance = {"city": 0.45, "avenue": 0.9, "suburb": 0.4}[street.district]
    trees: list[Tree] = []
    for side in (-1, 1):
        if generator.random() > chance:
            continue
        z = generator.uniform(8.0, 16.0)
        spacing = generator.uniform(8.0, 15.0)
        while z < _FARTHEST_TREE:
            x = street.centre + side * (street.half_width + generator.uniform(0.7, 1.1))
            trees.append(_tree(generator, x, z, generator.uniform(5.0, 9.0)))
            z += spacing * generator.uniform(0.8, 1.3)
    return trees


def _tree(generator: np.random.Generator, x: float, z: float, height: float) -> Tree:
    return Tree(
        x=x,
        z=z,
        height=height,
        radius=height * generator.uniform(0.27, 0.4),
        bare=height * generator.uniform(0.25, 0.36),
        tint=generator.uniform(-1.0, 1.0),
        salt=int(generator.integers(0, 4096)),
    )


def _lamps(generator: np.random.Generator, street: Street, night: bool) -> list[LampPost]:
    colour = _SODIUM if generator.random() < 0.5 else _LED
    spacing = generator.uniform(18.0, 30.0)
    height = generator.uniform(5.5, 8.5)
    both = generator.random() < 0.5
    posts: list[LampPost] = []
    for side in (-1, 1) if both else (pick(generator, (-1, 1)),):
        z = generator.uniform(9.0, 9.0 + spacing)
        while z < 130.0:
            x = street.centre + side * (street.half_width + 0.45)
            posts.append(LampPost(x, z, height, -side * 1.6, colour, night))
            z += spacing
    return posts


def _guardrails(generator: np.random.Generator, street: Street) -> list[Guardrail]:
    if generator.random() > 0.3:
        return []
    side = pick(generator, (-1, 1))
    near = generator.uniform(5.0, 15.0)
    length = generator.uniform(10.0, 30.0)
    return [Guardrail(street.centre + side * (street.half_width + 0.25), near, near + length)]
