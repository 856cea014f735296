"""Street lamps, traffic cones, wheel stops and guardrails."""

from __future__ import annotations

from fusionbench.datasets.scenes.camera import NEAREST
from fusionbench.datasets.scenes.sprite import Sprite
from fusionbench.datasets.scenes.surfaces import DARK, Finish, MaskClass, Surfaces
from fusionbench.datasets.scenes.weather import Weather
from fusionbench.datasets.scenes.world import CarStop, Cone, Guardrail, LampPost

_LUMINAIRE_GLOW = 6.0
"""Radiance of a lit luminaire relative to a white sheet in daylight, seen at night exposure."""

_ZINC: tuple[float, float, float] = (0.32, 0.33, 0.34)


def paint_lamp(surfaces: Surfaces, lamp: LampPost, weather: Weather, owner: int) -> int:
    """Paint a street lamp; only its luminaire belongs to the object (M3FD boxes just that)."""
    if lamp.z <= NEAREST + 0.5:
        return 0
    project = surfaces.camera.project

    def quad(x0: float, x1: float, y0: float, y1: float) -> list[tuple[float, float]]:
        return [project((x, y, lamp.z)) for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))]

    pole = quad(lamp.x - 0.07, lamp.x + 0.07, 0.0, lamp.height)
    arm = quad(lamp.x, lamp.x + lamp.arm, lamp.height - 0.05, lamp.height + 0.05)
    post = Sprite(surfaces, pole + arm)
    steel = post.part(
        Finish((0.14, 0.15, 0.15), weather.air - 0.5, 0.85, weather.cosine(0.0, 0.0, -1.0)), lamp.z
    )
    post.polygon(pole, steel)
    post.polygon(arm, steel)
    post.put(0)
    head = lamp.x + lamp.arm
    casing = quad(head - 0.34, head + 0.34, lamp.height - 0.04, lamp.height + 0.1)
    bowl = quad(head - 0.28, head + 0.28, lamp.height - 0.2, lamp.height - 0.04)
    luminaire = Sprite(surfaces, casing + bowl)
    red, green, blue = (level * _LUMINAIRE_GLOW for level in lamp.colour)
    glow = (red, green, blue) if lamp.lit else DARK
    heat = 14.0 if lamp.lit else 1.0
    luminaire.polygon(
        casing,
        luminaire.part(
            Finish((0.3, 0.3, 0.3), weather.air + heat * 0.6, 0.9, weather.cosine(0.0, 1.0, 0.0)), lamp.z
        ),
    )
    luminaire.polygon(
        bowl, luminaire.part(Finish((0.6, 0.6, 0.58), weather.air + heat, 0.9, glow=glow), lamp.z)
    )
    return luminaire.put(owner)


def paint_cone(surfaces: Surfaces, cone: Cone, weather: Weather) -> None:
    """Paint a traffic cone."""
    if cone.z <= NEAREST + 0.5:
        return
    project = surfaces.camera.project

    def band(y0: float, y1: float) -> list[tuple[float, float]]:
        half0, half1 = 0.15 - 0.17 * y0, 0.15 - 0.17 * y1
        return [
            project((cone.x + dx, y, cone.z))
            for dx, y in ((-half0, y0), (half0, y0), (half1, y1), (-half1, y1))
        ]

    foot = [
        project((cone.x + dx, y, cone.z)) for dx, y in ((-0.2, 0.0), (0.2, 0.0), (0.2, 0.04), (-0.2, 0.04))
    ]
    sprite = Sprite(surfaces, foot + band(0.0, 0.72))
    sun = weather.cosine(0.0, 0.4, -0.9)
    orange = sprite.part(
        Finish((0.75, 0.16, 0.03), weather.air + 5.0 * sun, 0.92, sun), cone.z, MaskClass.COLOR_CONE
    )
    white = sprite.part(
        Finish((0.75, 0.75, 0.75), weather.air + 3.0 * sun, 0.9, sun), cone.z, MaskClass.COLOR_CONE
    )
    sprite.polygon(foot, orange)
    sprite.polygon(band(0.04, 0.72), orange)
    sprite.polygon(band(0.3, 0.46), white)
    sprite.put(0)


def paint_car_stop(surfaces: Surfaces, stop: CarStop, weather: Weather) -> None:
    """Paint a wheel stop."""
    if stop.z <= NEAREST + 0.5:
        return
    project = surfaces.camera.project
    half = 0.32
    front = [
        project((stop.x + dx, y, stop.z))
        for dx, y in ((-half, 0.0), (half, 0.0), (half, 0.13), (-half, 0.13))
    ]
    back = [project((stop.x + dx, 0.13, stop.z + 0.18)) for dx in (half, -half)]
    sprite = Sprite(surfaces, front + back)
    warm = weather.air + (2.0 if weather.night else 2.0 + 8.0 * weather.warming)
    face = sprite.part(
        Finish((0.4, 0.39, 0.36), warm, 0.94, weather.cosine(0.0, 0.0, -1.0), 0.5), stop.z, MaskClass.CAR_STOP
    )
    top = sprite.part(
        Finish((0.45, 0.44, 0.4), warm, 0.94, weather.cosine(0.0, 1.0, 0.0), 1.0), stop.z, MaskClass.CAR_STOP
    )
    sprite.polygon([front[3], front[2], *back], top)
    sprite.polygon(front, face)
    sprite.put(0)


def paint_guardrail(surfaces: Surfaces, rail: Guardrail, weather: Weather) -> None:
    """Paint a guardrail in pieces, so that each has its own depth."""
    piece = 2.0
    near = max(rail.near, NEAREST + 0.5)
    count = int((rail.far - near) / piece)
    for number in reversed(range(count)):
        _rail_piece(surfaces, rail.x, near + number * piece, piece, weather)


def _rail_piece(surfaces: Surfaces, x: float, near: float, length: float, weather: Weather) -> None:
    project = surfaces.camera.project

    def strip(y0: float, y1: float) -> list[tuple[float, float]]:
        ends = ((near, y0), (near + length, y0), (near + length, y1), (near, y1))
        return [project((x, y, z)) for z, y in ends]

    post = [project((x + dx, y, near)) for dx, y in ((-0.05, 0.0), (0.05, 0.0), (0.05, 0.7), (-0.05, 0.7))]
    sprite = Sprite(surfaces, post + strip(0.0, 0.75))
    depth = near + length / 2
    sun = weather.cosine(-1.0 if x > 0 else 1.0, 0.0, 0.0)
    steel = sprite.part(Finish(_ZINC, weather.air + 4.0 * sun, 0.45, sun, 0.9), depth, MaskClass.GUARDRAIL)
    groove = sprite.part(Finish((0.16, 0.165, 0.17), weather.air, 0.5, 0.0, 0.5), depth, MaskClass.GUARDRAIL)
    sprite.polygon(post, groove)
    sprite.polygon(strip(0.42, 0.75), steel)
    sprite.polygon(strip(0.55, 0.62), groove)
    sprite.put(0)
