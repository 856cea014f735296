"""Trees: a trunk, and a crown cut out of noise and lit from above."""

from __future__ import annotations

import numpy as np

from fusionbench.contracts import FloatImage
from fusionbench.datasets.scenes import textures
from fusionbench.datasets.scenes.camera import NEAREST
from fusionbench.datasets.scenes.sprite import Sprite
from fusionbench.datasets.scenes.surfaces import CHANNELS, Channel, Finish, Surfaces
from fusionbench.datasets.scenes.weather import Weather
from fusionbench.datasets.scenes.world import Tree

_BLOBS = (
    (0.0, 0.1, 0.8),
    (-0.48, -0.12, 0.52),
    (0.5, -0.06, 0.5),
    (-0.22, 0.5, 0.5),
    (0.3, 0.46, 0.46),
    (0.02, -0.5, 0.55),
)
"""Clumps of a crown: offset right and up, and radius, in units of the crown's half width and half height."""

_LEAF_SUN = 2.5
"""How much a clear noon warms leaves, in kelvin: they cool themselves by evaporation."""


def paint_tree(surfaces: Surfaces, tree: Tree, weather: Weather) -> None:
    """Paint a tree; it belongs to no labelled class."""
    if tree.z <= NEAREST + 1.0:
        return
    _trunk(surfaces, tree, weather)
    _crown(surfaces, tree, weather)


def _trunk(surfaces: Surfaces, tree: Tree, weather: Weather) -> None:
    project = surfaces.camera.project
    thick = 0.028 * tree.height
    top = tree.bare + tree.radius
    base = [project((tree.x + side * thick * 1.25, 0.0, tree.z)) for side in (-1, 1)]
    fork = [project((tree.x + side * thick * 0.6, top, tree.z)) for side in (1, -1)]
    sprite = Sprite(surfaces, base + fork)
    sun = weather.cosine(0.6, 0.0, -0.4)
    bark = sprite.part(Finish((0.1, 0.075, 0.055), weather.air + 1.5, 0.95, sun, 0.5), tree.z)
    dark = sprite.part(Finish((0.05, 0.04, 0.03), weather.air + 1.2, 0.95, 0.0, 0.4), tree.z)
    sprite.polygon(base + fork, bark)
    middle = [project((tree.x, 0.0, tree.z)), project((tree.x, top, tree.z))]
    lee = 1 if weather.toward_sun[0] < 0 else 0
    sprite.polygon([base[lee], middle[0], middle[1], fork[1 - lee]], dark)
    sprite.put(0)


def _crown(surfaces: Surfaces, tree: Tree, weather: Weather) -> None:
    camera = surfaces.camera
    half = (tree.height - tree.bare) / 2
    corners = [
        camera.project((tree.x + sx * tree.radius * 1.15, tree.bare + half * (1 + sy * 1.15), tree.z))
        for sx in (-1, 1)
        for sy in (-1, 1)
    ]
    window = camera.window(corners)
    if window.empty:
        return
    x = camera.column_slopes(window) * np.float32(tree.z) - np.float32(tree.x)
    y = np.float32(camera.eye - tree.bare - half) - camera.row_slopes(window) * np.float32(tree.z)
    across, up = x * np.float32(1.0 / tree.radius), y * np.float32(1.0 / half)
    clumps = textures.look_up(textures.leafy(), y * 26.0 + tree.salt, x * 26.0 + 3.0 * tree.salt)
    leaves = textures.look_up(textures.grain(), y * 17.0 + tree.salt, x * 17.0)
    body = _body(across, up)
    edge = body + np.float32(0.75) * clumps + np.float32(0.16) * leaves
    sharpness = np.float32(min(8.0, 0.12 * camera.focal * tree.radius / tree.z + 1.2))
    coverage = np.clip(edge * sharpness + np.float32(0.5), 0.0, 1.0)
    values = np.empty((CHANNELS, window.height, window.width), dtype=np.float32)
    _leaves(values, tree, weather, across, up, clumps + np.float32(0.45) * leaves, body)
    values *= coverage
    depth = np.full((1, 1), tree.z, dtype=np.float32)
    surfaces.blend(window, values, coverage, depth, np.zeros((1, 1), dtype=np.uint8), 0)


def _body(across: FloatImage, up: FloatImage) -> FloatImage:
    """Positive inside the crown, 0 at its outline."""
    body = np.full(np.broadcast_shapes(across.shape, up.shape), -9.0, dtype=np.float32)
    for right, high, radius in _BLOBS:
        columns = (across - np.float32(right)) * np.float32(1.0 / radius)
        rows = (up - np.float32(high)) * np.float32(1.0 / radius)
        np.maximum(body, np.float32(radius) * (1.0 - rows * rows - columns * columns), out=body)
    return body


def _leaves(
    values: FloatImage,
    tree: Tree,
    weather: Weather,
    across: FloatImage,
    up: FloatImage,
    clumps: FloatImage,
    body: FloatImage,
) -> None:
    """Reflectance, light and temperature inside the crown."""
    toward_x = weather.toward_sun[0]
    lit = np.clip(
        np.float32(0.5)
        + np.float32(0.42) * up
        + np.float32(0.35 * toward_x) * across
        + np.float32(0.7) * clumps,
        0.03,
        1.2,
    )
    tone = 1.0 + np.float32(0.5) * clumps
    red, green, blue = 0.075 - 0.02 * tree.tint, 0.125, 0.04 + 0.012 * tree.tint
    for plane, level in zip(range(3), (red, green, blue), strict=True):
        values[plane] = np.float32(level) * tone
    values[Channel.SUN] = lit if weather.warming > 0.0 else 0.0
    values[Channel.AMBIENT] = np.clip(
        np.float32(0.55) + np.float32(0.25) * up - np.float32(0.25) * body, 0.12, 0.9
    )
    base = weather.air - (1.4 if weather.night else 0.6)
    values[Channel.TEMPERATURE] = np.float32(base) + clumps + lit * np.float32(_LEAF_SUN * weather.warming)
    values[Channel.EMISSIVITY] = 0.97
    values[Channel.GLOW_RED :] = 0.0
