"""Walls along the street: facades with windows in perspective, gables, hedges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import FloatImage
from fusionbench.datasets.scenes import textures
from fusionbench.datasets.scenes.camera import NEAREST, Camera, Window, away_from_zero
from fusionbench.datasets.scenes.shadows import WallShade
from fusionbench.datasets.scenes.surfaces import CHANNELS, GLOW, Channel, Surfaces
from fusionbench.datasets.scenes.weather import Colour, Weather
from fusionbench.datasets.scenes.world import Building, Hedge

_WALL_SUN = 11.0
"""How much a clear noon warms a facade that faces the sun, in kelvin."""
_WALL_NIGHT = 3.0
"""How much warmer than the air a heavy wall stays at night, in kelvin."""
_GLASS_EMISSIVITY = 0.84
"""Of window glass seen at a slant in the 8 to 14 micrometre band; the rest mirrors the sky."""
_DEPTH = 14.0
"""How far buildings reach back from the street, in metres."""
_SHOP_HEIGHT = 3.1
_SIGN_HEIGHT = 0.9
_LIT_WINDOWS: tuple[Colour, ...] = ((0.5, 0.36, 0.17), (0.42, 0.42, 0.36), (0.3, 0.37, 0.4))


@dataclass(frozen=True)
class _Wall:
    """A wall seen through a window of the image."""

    window: Window
    along: FloatImage
    """`(1, w)` or `(h, w)` metres along the wall."""
    height: FloatImage
    """`(h, 1)` or `(h, w)` metres above the road."""
    depth: FloatImage
    """Broadcastable to `(h, w)`, metres."""
    along_pixel: FloatImage
    """Metres along the wall that one pixel spans, broadcastable to `(h, w)`."""
    pixel: FloatImage
    """Metres up the wall that one pixel spans, broadcastable to `(h, w)`."""
    solid: NDArray[np.bool_]
    """`(h, w)`."""
    facing: float
    """Cosine between the wall and the sun, not below 0."""
    x: FloatImage
    """World x, broadcastable to `(h, w)`."""


def paint_building(surfaces: Surfaces, building: Building, weather: Weather, shade: WallShade) -> None:
    """Paint the wall that faces the camera, then the one along the street."""
    for wall in (_front(surfaces.camera, building, weather), _side(surfaces.camera, building, weather)):
        if wall is not None:
            values = _facade(wall, building, weather)
            _light(values, wall, weather, shade)
            surfaces.lay(wall.window, values, wall.solid, wall.depth)


def paint_hedge(surfaces: Surfaces, hedge: Hedge, weather: Weather, shade: WallShade) -> None:
    """Paint a hedge or a garden wall."""
    wall = _plane_along_street(
        surfaces.camera,
        hedge.x,
        hedge.near,
        hedge.far,
        hedge.height + (0.25 if hedge.green else 0.0),
        weather,
    )
    if wall is None:
        return
    values = np.zeros((CHANNELS, wall.window.height, wall.window.width), dtype=np.float32)
    if hedge.green:
        leaf = textures.look_up(textures.leafy(), wall.height * 40.0, wall.along * 40.0)
        ragged = wall.height < np.float32(hedge.height) + np.float32(0.25) * leaf
        wall = _Wall(**{**vars(wall), "solid": wall.solid & ragged})
        for plane, level in zip(range(3), (0.055, 0.1, 0.03), strict=True):
            values[plane] = np.float32(level) * (1.0 + np.float32(0.8) * leaf)
        values[Channel.TEMPERATURE] = np.float32(weather.air - 1.2) + leaf
    else:
        rough = textures.look_up(textures.smooth(), wall.height * 60.0, wall.along * 30.0)
        values[:3] = np.float32(0.3) * (1.0 + np.float32(0.35) * rough)
        values[Channel.TEMPERATURE] = (
            np.float32(weather.air + (_WALL_NIGHT if weather.night else 1.0)) + rough
        )
    values[Channel.EMISSIVITY] = 0.96
    _light(values, wall, weather, shade, warming=3.0 if hedge.green else _WALL_SUN)
    surfaces.lay(wall.window, values, wall.solid, wall.depth)


def _side(camera: Camera, building: Building, weather: Weather) -> _Wall | None:
    return _plane_along_street(camera, building.wall, building.near, building.far, building.height, weather)


def _plane_along_street(
    camera: Camera, x: float, near: float, far: float, height: float, weather: Weather
) -> _Wall | None:
    near = max(near, NEAREST)
    if far <= near:
        return None
    corners = [camera.project((x, y, z)) for y in (0.0, height) for z in (near, far)]
    window = camera.window(corners)
    if window.empty:
        return None
    slope = away_from_zero(camera.column_slopes(window), abs(x) / 2000.0)
    z = np.float32(x) / slope
    y = np.float32(camera.eye) - camera.row_slopes(window) * z
    solid = (z >= near) & (z < far) & (y >= 0.0) & (y < height)
    return _Wall(
        window=window,
        along=z,
        height=y,
        depth=z,
        along_pixel=z * z * np.float32(1.0 / (camera.focal * abs(x))),
        pixel=z * np.float32(1.0 / camera.focal),
        solid=solid,
        facing=max(0.0, weather.toward_sun[0] * (-1.0 if x > 0 else 1.0)),
        x=np.full((1, 1), x, dtype=np.float32),
    )


def _front(camera: Camera, building: Building, weather: Weather) -> _Wall | None:
    if building.near <= NEAREST:
        return None
    z = building.near
    outer = building.wall + building.side * _DEPTH
    top = building.height + building.gable
    corners = [camera.project((x, y, z)) for x in (building.wall, outer) for y in (0.0, top)]
    window = camera.window(corners)
    if window.empty:
        return None
    x = camera.column_slopes(window) * np.float32(z)
    y = np.float32(camera.eye) - camera.row_slopes(window) * np.float32(z)
    along = (x - np.float32(building.wall)) * np.float32(building.side)
    roof = building.height + building.gable * (
        1.0 - np.abs(along - np.float32(_DEPTH / 2)) / np.float32(_DEPTH / 2)
    )
    pixel = np.full((1, 1), z / camera.focal, dtype=np.float32)
    return _Wall(
        window=window,
        along=along,
        height=y,
        depth=np.full((1, 1), z, dtype=np.float32),
        along_pixel=pixel,
        pixel=pixel,
        solid=(along >= 0.0) & (along < _DEPTH) & (y >= 0.0) & (y < roof),
        facing=max(0.0, -weather.toward_sun[2]),
        x=x,
    )


def _facade(wall: _Wall, building: Building, weather: Weather) -> FloatImage:
    values = np.zeros((CHANNELS, wall.window.height, wall.window.width), dtype=np.float32)
    texture = _wall_texture(wall, building)
    for plane, level in enumerate(building.albedo):
        values[plane] = np.float32(level) * texture
    values[Channel.TEMPERATURE] = np.float32(weather.air + (_WALL_NIGHT if weather.night else 1.0)) + texture
    values[Channel.EMISSIVITY] = 0.93
    base = _SHOP_HEIGHT + _SIGN_HEIGHT if building.shop else 0.0
    _windows(values, wall, building, weather, base)
    if building.balconies:
        _bands(values, wall, building, base)
    if building.shop is not None:
        _shops(values, wall, building, building.shop, weather)
    return values


def _wall_texture(wall: _Wall, building: Building) -> FloatImage:
    """Relative reflectance: stains, grain, brick courses, and a darker edge under the roof."""
    stain = textures.look_up(textures.smooth(), wall.height * 8.0 + building.salt, wall.along * 11.0)
    rough = textures.look_up(
        textures.grain(),
        wall.height * (28.0 if not building.brick else 14.0),
        wall.along * (28.0 if not building.brick else 5.0),
    )
    fade = np.clip(np.float32(0.05) / np.maximum(wall.pixel, wall.along_pixel), 0.0, 1.0)
    strength = np.float32(0.3 if building.brick else 0.16)
    texture: FloatImage = 1.0 + np.float32(0.34) * stain + strength * fade * rough
    texture *= 1.0 - np.float32(0.35) * (wall.height > np.float32(building.height - 0.35))
    return texture


def _openings(position: FloatImage, pixel: FloatImage, pitch: float, width: float) -> FloatImage:
    """Coverage of openings centred in each pitch, without jaggies."""
    offset = np.abs(position % np.float32(pitch) - np.float32(pitch / 2))
    covered: FloatImage = np.clip((np.float32(width / 2) - offset) / pixel + np.float32(0.5), 0.0, 1.0)
    return covered


def _windows(values: FloatImage, wall: _Wall, building: Building, weather: Weather, base: float) -> None:
    above = wall.height - np.float32(base)
    across = _openings(wall.along, wall.along_pixel, building.bay, building.window_width)
    upright = _openings(above, wall.pixel, building.storey, building.window_height)
    upright = upright * (above > 0.0) * (wall.height < np.float32(building.height - 0.5))
    glass = across * upright
    frame = _openings(wall.along, wall.along_pixel, building.bay, building.window_width + 0.22)
    sill = _openings(above, wall.pixel, building.storey, building.window_height + 0.22) * (above > 0.0)
    rim = np.clip(frame * sill - glass, 0.0, 1.0) * (wall.height < np.float32(building.height - 0.5))
    kind = textures.look_up(
        textures.grain(),
        np.floor(above / np.float32(building.storey)) * 7.0 + building.salt,
        np.floor(wall.along / np.float32(building.bay)) * 13.0 + building.salt,
    )
    mullion = _openings(wall.along, wall.along_pixel, building.bay, 0.09)
    curtain = np.where(kind > 0.35, np.float32(0.22), np.float32(0.035)) + np.float32(0.25) * mullion
    sky = np.float32(0.06) + np.float32(0.12) * np.clip(above * np.float32(0.08), 0.0, 1.0)
    for plane in range(3):
        values[plane] += rim * np.float32(0.12)
        values[plane] += glass * (curtain + sky * np.float32((0.75, 0.9, 1.1)[plane]) - values[plane])
    values[Channel.EMISSIVITY] -= glass * np.float32(0.93 - _GLASS_EMISSIVITY)
    lit = kind > (0.45 if weather.night else 2.0)
    values[Channel.TEMPERATURE] += glass * np.where(
        lit, np.float32(2.5), np.float32(-1.5)
    ) + rim * np.float32(0.8)
    if weather.night:
        tint = _LIT_WINDOWS[building.salt % len(_LIT_WINDOWS)]
        level = glass * lit * (kind - np.float32(0.35)) * (1.0 - np.float32(0.8) * mullion)
        for plane, glow in zip(range(GLOW.start, GLOW.stop), tint, strict=True):
            values[plane] += level * np.float32(glow)


def _bands(values: FloatImage, wall: _Wall, building: Building, base: float) -> None:
    """Balcony fronts: a pale band across each storey, with its shadow."""
    above = wall.height - np.float32(base)
    rise = above % np.float32(building.storey)
    band = np.clip((np.float32(0.85) - rise) / wall.pixel + np.float32(0.5), 0.0, 1.0) * (above > 0.3)
    for plane in range(3):
        values[plane] += band * (np.float32(0.45 - 0.02 * plane) - values[plane]) * np.float32(0.85)
    values[Channel.EMISSIVITY] += band * (np.float32(0.93) - values[Channel.EMISSIVITY])
    values[GLOW] *= 1.0 - band


def _shops(values: FloatImage, wall: _Wall, building: Building, sign: Colour, weather: Weather) -> None:
    ground = np.clip((np.float32(_SHOP_HEIGHT) - wall.height) / wall.pixel + np.float32(0.5), 0.0, 1.0)
    top = np.float32(_SHOP_HEIGHT + _SIGN_HEIGHT)
    band = np.clip((top - wall.height) / wall.pixel + np.float32(0.5), 0.0, 1.0) - ground
    shop = textures.look_up(
        textures.grain(),
        np.full((1, 1), building.salt + 3.0, dtype=np.float32),
        np.floor(wall.along / 6.0) * 5.0,
    )
    pane = _openings(wall.along, wall.along_pixel, 3.0, 2.7) * ground * (wall.height > 0.35)
    letters = textures.look_up(textures.grain(), wall.height * 3.0 + 0.5, wall.along * 2.2) > 0.3
    lettering = band * letters * (np.abs(wall.height - (top - 0.45)) < 0.26)
    own = [np.float32(level) * (0.75 + 0.5 * shop) for level in sign]
    swap = shop > 0.1
    colours = [np.where(swap, own[2], own[0]), own[1], np.where(swap, own[0], own[2])]
    for plane in range(3):
        values[plane] += band * (colours[plane] - values[plane]) + lettering * np.float32(0.6)
        values[plane] += pane * (np.float32(0.09) + np.float32(0.05) * shop - values[plane])
    values[Channel.EMISSIVITY] -= pane * np.float32(0.08)
    values[Channel.TEMPERATURE] += pane * np.float32(1.5 if weather.night else -1.0) + band
    if not weather.night:
        return
    open_late = shop > -0.35
    for number, plane in enumerate(range(GLOW.start, GLOW.stop)):
        inside = pane * (np.float32((0.5, 0.4, 0.26)[number]) * (0.55 + 0.4 * shop))
        values[plane] *= 1.0 - ground
        values[plane] += open_late * (
            inside + band * colours[number] * np.float32(0.5) + lettering * np.float32(0.4)
        )


def _light(
    values: FloatImage, wall: _Wall, weather: Weather, shade: WallShade, warming: float = _WALL_SUN
) -> None:
    """Fill in sun and sky, and what the sun does to the temperature."""
    values[Channel.AMBIENT] = np.clip(np.float32(0.45) + wall.height * np.float32(0.04), 0.0, 0.75)
    if wall.facing <= 0.0 or weather.warming <= 0.0:
        return
    lit = np.float32(wall.facing) * (1.0 - shade.shaded(wall.x, wall.height, wall.depth))
    values[Channel.SUN] = lit
    values[Channel.TEMPERATURE] += lit * np.float32(warming * weather.warming)
