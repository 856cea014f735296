"""The sky with its clouds, and the skyline at the end of the street."""

from __future__ import annotations

import numpy as np

from fusionbench.datasets.scenes import textures
from fusionbench.datasets.scenes.camera import Window
from fusionbench.datasets.scenes.surfaces import CHANNELS, GLOW, Channel, Surfaces
from fusionbench.datasets.scenes.weather import Weather

_CLOUD_COLOUR = (0.98, 0.97, 0.96)
"""Sunlit cloud, linear, relative to full daylight."""

_HORIZON_DEFICIT = 9.0
"""How much colder than air the sky just above the horizon looks in the long-wave infrared, in kelvin: the
path through the lower air is long, but never as warm as the ground."""

_SKYLINE_DISTANCE = 320.0
_SKYLINE_CELL = 9.0
"""Metres between changes in height of the skyline."""


def paint_sky(surfaces: Surfaces, weather: Weather, drift: float) -> None:
    """Paint the sky over everything above the horizon.

    Args:
        surfaces: Where to paint.
        weather: Colours, clouds and temperatures.
        drift: Where in the cloud texture to start, in texels.
    """
    camera = surfaces.camera
    window = Window(0, 0, camera.width, min(camera.height, max(0, int(camera.centre[1]) + 2)))
    if window.empty:
        return
    rise = np.maximum(-camera.row_slopes(window), np.float32(0.004))
    height = rise / (rise + np.float32(0.35))
    across = camera.column_slopes(window)
    distance = 60.0 / (rise + np.float32(0.12))
    cover = textures.look_up(textures.smooth(), distance * 1.3 + drift, across * distance * 0.7 + drift)
    cover = np.clip((cover + np.float32(1.3 * weather.cloud - 0.55)) * 2.6, 0.0, 1.0)
    rows, columns = window.slices
    area = surfaces.channels[:, rows, columns]
    light = 1.0 if not weather.night else 0.0
    for plane, low, high, white in zip(
        range(GLOW.start, GLOW.stop), weather.horizon, weather.zenith, _CLOUD_COLOUR, strict=True
    ):
        clear = np.float32(low) + np.float32(high - low) * height
        lit = np.float32(white * light * (0.95 - 0.25 * weather.cloud)) + clear * np.float32(
            1.7 * (1.0 - light)
        )
        area[plane] = clear + (lit - clear) * cover * np.float32(0.85)
    horizon = weather.air - _HORIZON_DEFICIT
    lapse = np.float32(horizon) + np.float32(weather.sky_temperature - horizon) * height
    area[Channel.TEMPERATURE] = lapse + cover * (np.float32(6.0) * height)


def paint_skyline(surfaces: Surfaces, weather: Weather, tall: float, drift: float) -> None:
    """Paint the far end of the street: distant blocks and trees.

    Args:
        surfaces: Where to paint.
        weather: Conditions.
        tall: Typical height in metres.
        drift: Where in the noise to start, in texels.
    """
    camera = surfaces.camera
    scale = camera.focal / _SKYLINE_DISTANCE
    top = int(camera.centre[1] - scale * tall * 2.5) - 1
    bottom = int(camera.centre[1] + scale * camera.eye) + 2
    window = Window(0, min(max(top, 0), camera.height), camera.width, min(max(bottom, 0), camera.height))
    if window.empty:
        return
    across = camera.column_slopes(window) * np.float32(_SKYLINE_DISTANCE)
    high = np.float32(camera.eye) - camera.row_slopes(window) * np.float32(_SKYLINE_DISTANCE)
    cell = np.floor(across / np.float32(_SKYLINE_CELL)) + np.float32(drift)
    row = np.zeros((1, 1), dtype=np.float32)
    block = textures.look_up(textures.grain(), row + 7.0, cell)
    crown = textures.look_up(textures.leafy(), row + 40.0, across * np.float32(3.0) + np.float32(drift))
    is_block = block > 0.15
    profile = np.where(is_block, tall * (0.9 + 1.2 * block), tall * (0.55 + 0.35 * crown)).astype(np.float32)
    solid = np.broadcast_to(high < profile, (window.height, window.width))
    values = np.zeros((CHANNELS, window.height, window.width), dtype=np.float32)
    tone = textures.look_up(textures.leafy(), high * np.float32(6.0), across * np.float32(6.0))
    for plane, block_tone, leaf_tone in zip(range(3), (0.26, 0.25, 0.24), (0.05, 0.085, 0.035), strict=True):
        values[plane] = np.where(is_block, block_tone * (1.0 + 0.3 * block), leaf_tone * (1.0 + 0.6 * tone))
    values[Channel.SUN] = 0.4
    values[Channel.AMBIENT] = 0.55
    values[Channel.TEMPERATURE] = np.where(is_block, weather.air + 2.5 + 2.0 * block, weather.air - 0.8)
    values[Channel.EMISSIVITY] = 0.95
    if weather.night:
        storey = textures.look_up(textures.grain(), high * np.float32(0.4), across * np.float32(0.45))
        lit = (storey > 0.86) & is_block & (high > 3.0)
        for plane, glow in zip(range(GLOW.start, GLOW.stop), (0.32, 0.24, 0.12), strict=True):
            values[plane] = np.where(lit, np.float32(glow), np.float32(0.0))
    surfaces.lay(window, values, solid, np.full((1, 1), _SKYLINE_DISTANCE, dtype=np.float32))
