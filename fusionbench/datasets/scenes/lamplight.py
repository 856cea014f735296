"""Artificial light at night: street lamps, headlights, tail lights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fusionbench.contracts import FloatImage
from fusionbench.datasets.scenes.camera import NEAREST, Camera, Point
from fusionbench.datasets.scenes.surfaces import Surfaces
from fusionbench.datasets.scenes.traffic import HEIGHTS, LENGTHS
from fusionbench.datasets.scenes.weather import Colour
from fusionbench.datasets.scenes.world import LampPost, Vehicle, World

_LAMP_POWER = 60.0
"""Irradiance over pi at one metre from a street lamp, in units of full daylight (exaggerated a few hundred
times, as a night exposure does)."""
_HEADLIGHT_POWER, _TAIL_LIGHT_POWER = 1.6, 0.22
_OWN_HEADLIGHTS = 0.1
_FARTHEST = 90.0
"""Lights beyond this many metres light nothing that would be seen."""
_WHITE: Colour = (1.0, 0.97, 0.9)
_RED: Colour = (1.0, 0.06, 0.04)
_SKY_DEPTH = 1.0e5
"""Stands in for the infinite depth of the sky, in metres."""


@dataclass(frozen=True)
class _Light:
    position: Point
    colour: Colour
    """Power in each band."""
    reach: float
    """Metres beyond which it gives nothing."""


def lamplight(surfaces: Surfaces, world: World) -> FloatImage:
    """Irradiance over pi from all lamps on everything in view, `(3, H, W)`."""
    camera = surfaces.camera
    depth = np.minimum(surfaces.depth, np.float32(_SKY_DEPTH))
    full = camera.full_window()
    x = camera.column_slopes(full) * depth
    y = np.float32(camera.eye) - camera.row_slopes(full) * depth
    light = np.zeros((3, camera.height, camera.width), dtype=np.float32)
    _own_headlights(light, x, y, depth)
    for thing in world.things:
        for source in _sources(thing):
            _add(light, camera, source, x, y, depth)
    return light


def _sources(thing: object) -> list[_Light]:
    if isinstance(thing, LampPost) and thing.lit and thing.z < _FARTHEST:
        head = (thing.x + thing.arm, thing.height - 0.3, thing.z)
        return [_Light(head, _scaled(thing.colour, _LAMP_POWER), 16.0)]
    if isinstance(thing, Vehicle) and thing.lights and thing.z < _FARTHEST:
        low = 0.45 * HEIGHTS[thing.kind] if thing.kind not in ("bus", "truck") else 0.8
        white = _scaled(_WHITE, _HEADLIGHT_POWER)
        if not thing.away:
            return [_Light((thing.x, low, thing.z - 3.0), white, 7.0)]
        ahead = thing.z + LENGTHS[thing.kind] + 4.0
        red = _scaled(_RED, _TAIL_LIGHT_POWER)
        return [_Light((thing.x, low, ahead), white, 8.0), _Light((thing.x, low, thing.z - 0.6), red, 4.0)]
    return []


def _scaled(colour: Colour, power: float) -> Colour:
    return colour[0] * power, colour[1] * power, colour[2] * power


def _add(
    light: FloatImage, camera: Camera, source: _Light, x: FloatImage, y: FloatImage, z: FloatImage
) -> None:
    """Add one lamp to the part of the image it can reach: inverse square, faded to 0 at its reach."""
    px, py, pz = source.position
    reach = source.reach
    corners = [
        camera.project((px + sx * reach, height, max(NEAREST, pz + sz * reach)))
        for sx in (-1, 1)
        for sz in (-1, 1)
        for height in (0.0, py + reach)
    ]
    window = camera.window(corners)
    if window.empty:
        return
    rows, columns = window.slices
    dx = x[rows, columns] - np.float32(px)
    dy = y[rows, columns] - np.float32(py)
    dz = z[rows, columns] - np.float32(pz)
    squared = dx * dx
    dy *= dy
    dz *= dz
    squared += dy
    squared += dz
    fade = np.maximum(1.0 - squared * np.float32(1.0 / (reach * reach)), np.float32(0.0))
    fade *= fade
    squared += np.float32(0.6)
    fade /= squared
    for plane in range(3):
        light[plane, rows, columns] += fade * np.float32(source.colour[plane])


def _own_headlights(light: FloatImage, x: FloatImage, y: FloatImage, z: FloatImage) -> None:
    """Dipped headlights of the car that carries the camera: a fan on the road, cut off above."""
    spread = np.float32(0.26) * z + np.float32(1.0)
    side = x / spread
    side *= side
    side *= side
    above = np.maximum(y - np.float32(0.5), np.float32(0.0))
    above *= above
    distance = z * np.float32(1.0 / 13.0)
    distance *= distance
    beam = np.float32(_OWN_HEADLIGHTS) / ((1.0 + side) * (1.0 + above) * (1.0 + distance))
    for plane, tint in zip(range(3), (1.0, 0.97, 0.9), strict=True):
        light[plane] += beam * np.float32(tint)
