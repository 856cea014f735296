"""Shadows on the ground by day: of walls, of what stands in front of them, and under vehicles."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from fusionbench.contracts import FloatImage
from fusionbench.datasets.scenes.camera import NEAREST, Camera, Pixel
from fusionbench.datasets.scenes.traffic import HEIGHTS, LENGTHS, WIDTHS
from fusionbench.datasets.scenes.weather import Weather
from fusionbench.datasets.scenes.world import Building, LampPost, Person, Thing, Tree, Vehicle, World

_PROFILE_STEP = 0.5
"""Metres between samples of the height of a row of buildings."""
_PROFILE_START = -40.0
_PROFILE_LENGTH = 600

Outline = list[tuple[float, float]]
"""Ground positions (x, z) of a convex outline."""


class WallShade:
    """Which ground points the two rows of buildings keep the sun from.

    Args:
        world: The scene.
    """

    def __init__(self, world: World) -> None:
        self._weather = world.weather
        self._rows = {side: _height_profile(world, side) for side in (-1, 1)}
        self._walls = {side: world.street.centre + side * (world.street.wall + 0.6) for side in (-1, 1)}

    def shaded(self, x: FloatImage, y: FloatImage | float, z: FloatImage) -> FloatImage:
        """1 in shadow, 0 in sunlight, with a narrow penumbra.

        Args:
            x: World positions, broadcastable with `z`.
            y: Height of the points above the road.
            z: World positions.
        """
        toward_x, toward_y, toward_z = self._weather.toward_sun
        side = 1 if toward_x > 0 else -1
        reach = np.maximum((self._walls[side] - x) * np.float32(side), np.float32(0.05))
        along = z + reach * np.float32(toward_z / abs(toward_x))
        needed = reach * np.float32(toward_y / abs(toward_x)) + y
        cell = ((along - np.float32(_PROFILE_START)) * np.float32(1.0 / _PROFILE_STEP)).astype(np.intp)
        height = self._rows[side][np.clip(cell, 0, _PROFILE_LENGTH - 1)]
        shade: FloatImage = np.clip((height - needed) * np.float32(3.0) + np.float32(0.5), 0.0, 1.0)
        return shade


def _height_profile(world: World, side: int) -> FloatImage:
    profile = np.zeros(_PROFILE_LENGTH, dtype=np.float32)
    for thing in world.backdrop:
        if isinstance(thing, Building) and thing.side == side:
            start, stop = (int((z - _PROFILE_START) / _PROFILE_STEP) for z in (thing.near, thing.far))
            profile[max(0, start) : max(0, stop)] = thing.height
    return profile


def draw_ground_shadows(camera: Camera, world: World) -> tuple[FloatImage, FloatImage]:
    """Draw what things keep from the ground, over the whole image.

    Returns:
        Sunlight and skylight that arrive, both `(H, W)` in 0..1.
    """
    sunlight = Image.new("L", (camera.width, camera.height), 255)
    skylight = Image.new("L", (camera.width, camera.height), 255)
    sun_pen, sky_pen = ImageDraw.Draw(sunlight), ImageDraw.Draw(skylight)
    for thing in world.things:
        if world.weather.warming > 0.0:
            for outline in _cast(thing, world.weather):
                _fill(sun_pen, camera, outline, 0)
        if isinstance(thing, Vehicle):
            for grow, level in ((0.35, 190), (0.1, 120), (-0.12, 50)):
                _fill(sky_pen, camera, _footprint(thing, grow), level)
        elif isinstance(thing, Person):
            _fill(sky_pen, camera, _disc(thing.x, thing.z, 0.3), 160)
    return _as_fraction(sunlight), _as_fraction(skylight)


def _as_fraction(image: Image.Image) -> FloatImage:
    fraction: FloatImage = np.asarray(image).astype(np.float32) * np.float32(1.0 / 255.0)
    return fraction


def _fill(pen: ImageDraw.ImageDraw, camera: Camera, outline: Outline, level: int) -> None:
    if max(z for _, z in outline) <= NEAREST:
        return
    corners: list[Pixel] = [camera.project((x, 0.0, z)) for x, z in outline]
    pen.polygon(corners, fill=level)


def _footprint(vehicle: Vehicle, grow: float) -> Outline:
    half = WIDTHS[vehicle.kind] / 2 + grow
    near, far = vehicle.z - grow, vehicle.z + LENGTHS[vehicle.kind] + grow
    left, right = vehicle.x - half, vehicle.x + half
    return [(left, near), (right, near), (right, far), (left, far)]


def _disc(x: float, z: float, radius: float) -> Outline:
    ring = (
        (1.0, 0.0),
        (0.7, 0.7),
        (0.0, 1.0),
        (-0.7, 0.7),
        (-1.0, 0.0),
        (-0.7, -0.7),
        (0.0, -1.0),
        (0.7, -0.7),
    )
    return [(x + radius * right, z + radius * ahead) for right, ahead in ring]


def _cast(thing: Thing, weather: Weather) -> list[Outline]:
    """Outlines of the shadow of one thing on level ground."""
    if isinstance(thing, Vehicle):
        base = _footprint(thing, 0.0)
        return [_hull(base + _shifted(base, 0.85 * HEIGHTS[thing.kind], weather))]
    if isinstance(thing, Person):
        foot = _disc(thing.x, thing.z, 0.18)
        return [_hull(foot + _shifted(foot, thing.height, weather))]
    if isinstance(thing, LampPost):
        foot = _disc(thing.x, thing.z, 0.07)
        return [_hull(foot + _shifted(foot, thing.height, weather))]
    if isinstance(thing, Tree):
        foot = _disc(thing.x, thing.z, 0.16)
        crown = _disc(thing.x, thing.z, 0.85 * thing.radius)
        low, high = thing.bare + 0.3 * thing.radius, thing.height - 0.3 * thing.radius
        return [
            _hull(foot + _shifted(foot, thing.bare, weather)),
            _hull(_shifted(crown, low, weather) + _shifted(crown, high, weather)),
        ]
    return []


def _shifted(outline: Outline, height: float, weather: Weather) -> Outline:
    """Where the sun throws an outline that floats at a height."""
    toward_x, toward_y, toward_z = weather.toward_sun
    return [(x - height * toward_x / toward_y, z - height * toward_z / toward_y) for x, z in outline]


def _hull(points: Outline) -> Outline:
    """Convex hull, by Andrew's monotone chain."""
    ordered = sorted(set(points))
    return _half_hull(ordered) + _half_hull(ordered[::-1])


def _half_hull(ordered: Outline) -> Outline:
    chain: Outline = []
    for x, z in ordered:
        while len(chain) >= 2 and _turn(chain[-2], chain[-1], (x, z)) <= 0:
            chain.pop()
        chain.append((x, z))
    return chain[:-1]


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
