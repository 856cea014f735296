"""From (seed, index, size) to a pair with its ground truth."""

from __future__ import annotations

from dataclasses import dataclass

from fusionbench.contracts import Box, FloatImage, Uint8Image
from fusionbench.datasets.scenes.annotation import find_boxes
from fusionbench.datasets.scenes.buildings import paint_building, paint_hedge
from fusionbench.datasets.scenes.camera import Camera
from fusionbench.datasets.scenes.ground import paint_ground
from fusionbench.datasets.scenes.infrared import sense
from fusionbench.datasets.scenes.layout import sample_world
from fusionbench.datasets.scenes.objects import Painter
from fusionbench.datasets.scenes.shadows import WallShade
from fusionbench.datasets.scenes.sky import paint_sky, paint_skyline
from fusionbench.datasets.scenes.streams import stream
from fusionbench.datasets.scenes.surfaces import Surfaces
from fusionbench.datasets.scenes.traffic import LENGTHS
from fusionbench.datasets.scenes.vegetation import paint_tree
from fusionbench.datasets.scenes.visible import see
from fusionbench.datasets.scenes.world import Building, Guardrail, Hedge, Thing, Tree, Vehicle, World


@dataclass(frozen=True, eq=False)
class Rendering:
    """A pair and everything known about it."""

    visible: Uint8Image
    """`(H, W, 3)` sRGB."""
    infrared: Uint8Image
    """`(H, W)`."""
    depth: FloatImage
    """`(H, W)` metres, infinity is sky."""
    mask: Uint8Image
    """`(H, W)` class ids of MSRS."""
    boxes: tuple[Box, ...]
    horizon: float
    """Height of the vanishing line in image heights from the top."""


def render(seed: int, index: int, night: bool, width: int, height: int) -> Rendering:
    """Render one scene; the same arguments give the same bytes, whatever was rendered before.

    Args:
        seed: The user's seed.
        index: Number of the scene; at any size it is the same place at the same moment.
        night: True for a night scene.
        width: Image width in pixels.
        height: Image height in pixels.
    """
    world = sample_world(seed, index, night)
    camera = Camera.for_size(width, height, world.relative_focal, world.shift, world.eye)
    surfaces = Surfaces(camera, world.weather.air)
    painter = _paint(surfaces, world)
    visible = see(surfaces, world, stream(seed, index, "visible sensor"))
    infrared = sense(surfaces, world.weather, seed, stream(seed, index, "infrared sensor"))
    return Rendering(
        visible=visible,
        infrared=infrared,
        depth=surfaces.depth,
        mask=surfaces.mask,
        boxes=find_boxes(surfaces.owners, painter.painted),
        horizon=world.shift[1],
    )


def _paint(surfaces: Surfaces, world: World) -> Painter:
    """Paint everything, far things first."""
    weather, street = world.weather, world.street
    shade = WallShade(world)
    paint_sky(surfaces, weather, street.drift)
    paint_skyline(surfaces, weather, world.skyline, street.drift)
    paint_ground(surfaces, world)
    for standing in sorted(world.backdrop, key=_distance, reverse=True):
        if isinstance(standing, Building):
            paint_building(surfaces, standing, weather, shade)
        elif isinstance(standing, Tree):
            paint_tree(surfaces, standing, weather)
    for standing in world.backdrop:
        if isinstance(standing, Hedge):
            paint_hedge(surfaces, standing, weather, shade)
    painter = Painter(surfaces, weather, shade)
    for thing in sorted(world.things, key=_distance, reverse=True):
        painter.paint(thing)
    return painter


def _distance(thing: Thing | Building | Hedge) -> float:
    """Depth by which things are painted over one another."""
    if isinstance(thing, Vehicle):
        return thing.z + 0.3 * LENGTHS[thing.kind]
    if isinstance(thing, (Building, Hedge, Guardrail)):
        return thing.near
    return thing.z
