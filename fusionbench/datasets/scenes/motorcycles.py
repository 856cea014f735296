"""A motorcycle seen from behind or ahead, and its rider."""

from __future__ import annotations

from fusionbench.datasets.scenes.camera import NEAREST, Pixel
from fusionbench.datasets.scenes.people import Figure, Wardrobe
from fusionbench.datasets.scenes.sprite import Sprite
from fusionbench.datasets.scenes.surfaces import DARK, Finish, MaskClass, Surfaces
from fusionbench.datasets.scenes.traffic import HEIGHTS
from fusionbench.datasets.scenes.weather import Colour, Weather
from fusionbench.datasets.scenes.world import Person, Vehicle

_ENGINE, _EXHAUST, _TYRE = 26.0, 45.0, 14.0
"""Warmer than the air on a ridden motorcycle, in kelvin."""
_HEADLIGHT: Colour = (5.0, 4.7, 4.0)
_TAIL_LIGHT: Colour = (1.3, 0.06, 0.04)
_RIDER_HEIGHT = 1.75
_SEAT = 0.78
"""Height of the saddle in metres."""


def paint_motorcycle(surfaces: Surfaces, vehicle: Vehicle, weather: Weather, owner: int) -> int:
    """Paint the machine without its rider; returns how many pixels it owns."""
    if vehicle.z <= NEAREST + 0.8:
        return 0
    project = surfaces.camera.project

    def at(right: float, up: float) -> Pixel:
        return project((vehicle.x + right, up, vehicle.z))

    sprite = Sprite(surfaces, [at(-0.45, 0.0), at(0.45, HEIGHTS["motorcycle"])])

    def part(colour: Colour, heat: float, sun: float = 0.0, glow: Colour = DARK) -> int:
        finish = Finish(colour, weather.air + heat, 0.92, sun, 0.6, glow)
        return sprite.part(finish, vehicle.z, MaskClass.BIKE)

    def box(left: float, right: float, low: float, high: float, number: int) -> None:
        sprite.polygon([at(left, low), at(right, low), at(right, high), at(left, high)], number)

    sun = weather.cosine(0.0, 0.2, -1.0)
    box(-0.065, 0.065, 0.0, 0.6, part((0.02, 0.02, 0.02), _TYRE))
    box(-0.2, 0.2, 0.28, 0.55, part((0.05, 0.05, 0.05), _ENGINE))
    box(0.12, 0.24, 0.26, 0.4, part((0.25, 0.25, 0.25), _EXHAUST))
    fairing = part(vehicle.colour, 2.0 + 6.0 * sun * weather.warming, sun)
    sprite.polygon([at(-0.17, 0.5), at(0.17, 0.5), at(0.21, 0.88), at(-0.21, 0.88)], fairing)
    box(-0.4, 0.4, 0.98, 1.02, part((0.06, 0.06, 0.06), 1.0))
    for side in (-1, 1):
        sprite.ellipse(at(side * 0.36 - 0.07, 1.1), at(side * 0.36 + 0.07, 1.0), part((0.1, 0.1, 0.1), 0.0))
    colour: Colour = (0.4, 0.03, 0.03) if vehicle.away else (0.6, 0.6, 0.6)
    glow = (_TAIL_LIGHT if vehicle.away else _HEADLIGHT) if vehicle.lights else DARK
    if not weather.night:
        glow = (glow[0] * 0.3, glow[1] * 0.3, glow[2] * 0.3)
    sprite.ellipse(at(-0.09, 0.84), at(0.09, 0.68), part(colour, 6.0, sun, glow))
    return sprite.put(owner)


def paint_rider(surfaces: Surfaces, vehicle: Vehicle, weather: Weather, owner: int) -> int:
    """Paint the rider; returns how many pixels it owns."""
    if vehicle.z <= NEAREST + 0.8:
        return 0
    project = surfaces.camera.project
    corners = [project((vehicle.x + dx, y, vehicle.z)) for dx in (-0.5, 0.5) for y in (0.3, 1.8)]
    sprite = Sprite(surfaces, corners)
    origin = project((vehicle.x, 0.0, vehicle.z))
    figure = Figure(sprite, origin, surfaces.camera.focal / vehicle.z)
    wear = Wardrobe(sprite, _rider(vehicle), weather)
    for side in (-1, 1):
        figure.limb((side * 0.12, _SEAT), (side * 0.27, 0.62), 0.085, 0.07, wear.trousers)
        figure.limb((side * 0.27, 0.62), (side * 0.22, 0.3), 0.065, 0.05, wear.trousers_dark)
    trunk = [
        (-0.15, _SEAT - 0.05),
        (0.15, _SEAT - 0.05),
        (0.22, 1.3),
        (0.12, 1.38),
        (-0.12, 1.38),
        (-0.22, 1.3),
    ]
    sprite.polygon([figure.place(*corner) for corner in trunk], wear.coat)
    for side in (-1, 1):
        figure.limb((side * 0.21, 1.29), (side * 0.34, 1.1), 0.055, 0.045, wear.coat_dark)
        figure.disc((side * 0.35, 1.05), 0.045, 0.045, wear.hand)
    figure.disc((0.0, 1.52), 0.13, 0.15, wear.hair)
    if not vehicle.away:
        figure.disc((0.0, 1.51), 0.085, 0.06, wear.face)
    return sprite.put(owner)


def _rider(vehicle: Vehicle) -> Person:
    """A rider in dark clothes with a helmet of the machine's colour."""
    return Person(
        x=vehicle.x,
        z=vehicle.z,
        height=_RIDER_HEIGHT,
        ground=0.0,
        coat=(0.08, 0.08, 0.1),
        trousers=(0.05, 0.06, 0.1),
        skin=(0.5, 0.33, 0.25),
        hair=vehicle.colour,
        stride=0.0,
        sideways=False,
        warmth=0.55,
    )
