"""Pedestrians: a walking figure of head, trunk, arms and legs, warm where the skin is bare."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fusionbench.datasets.scenes.camera import NEAREST, Pixel
from fusionbench.datasets.scenes.sprite import Sprite
from fusionbench.datasets.scenes.surfaces import Finish, MaskClass, Surfaces
from fusionbench.datasets.scenes.weather import Colour, Weather
from fusionbench.datasets.scenes.world import Person

_FACE, _HAND = 33.5, 30.5
"""Skin temperature of the face and of the hands outdoors, in degrees Celsius."""
_BODY = 33.0
"""Skin temperature under the clothes."""

_HIP, _SHOULDER, _CHIN = 0.50, 0.82, 0.87
"""Heights of the joints over body height (anthropometric averages)."""
_THIGH, _UPPER_ARM = 0.245, 0.17


@dataclass(frozen=True)
class Figure:
    """Places a body's own coordinates in the image.

    Attributes:
        sprite: The sheet it is drawn on.
        origin: Image position of the ground between the feet.
        scale: Pixels per body height.
    """

    sprite: Sprite
    origin: Pixel
    scale: float

    def place(self, right: float, up: float) -> Pixel:
        """Image position of a point given in body heights from the ground between the feet."""
        return self.origin[0] + right * self.scale, self.origin[1] - up * self.scale

    def limb(self, start: Pixel, end: Pixel, thick: float, thin: float, part: int) -> None:
        """Draw a tapering limb with a round start, in body heights."""
        dx, dy = end[0] - start[0], end[1] - start[1]
        length = math.sqrt(dx * dx + dy * dy) or 1.0
        nx, ny = -dy / length, dx / length
        outline = [
            (start[0] + nx * thick, start[1] + ny * thick),
            (end[0] + nx * thin, end[1] + ny * thin),
            (end[0] - nx * thin, end[1] - ny * thin),
            (start[0] - nx * thick, start[1] - ny * thick),
        ]
        self.sprite.polygon([self.place(*corner) for corner in outline], part)
        self.disc(start, thick, thick, part)
        self.disc(end, thin, thin, part)

    def disc(self, centre: Pixel, half_width: float, half_height: float, part: int) -> None:
        """Draw an ellipse, in body heights."""
        self.sprite.ellipse(
            self.place(centre[0] - half_width, centre[1] + half_height),
            self.place(centre[0] + half_width, centre[1] - half_height),
            part,
        )


def paint_person(surfaces: Surfaces, person: Person, weather: Weather, owner: int) -> int:
    """Paint a pedestrian; returns how many pixels it owns."""
    if person.z <= NEAREST + 0.8:
        return 0
    project = surfaces.camera.project
    reach = 0.32 * person.height
    corners = [
        project((person.x + side * reach, person.ground + up * person.height, person.z))
        for side in (-1, 1)
        for up in (-0.03, 1.03)
    ]
    sprite = Sprite(surfaces, corners)
    figure = Figure(
        sprite,
        project((person.x, person.ground, person.z)),
        surfaces.camera.focal * person.height / person.z,
    )
    draw_body(figure, Wardrobe(sprite, person, weather), person.stride, person.sideways)
    return sprite.put(owner)


class Wardrobe:
    """The finishes of one person, registered with a sprite.

    Args:
        sprite: The sheet the person is drawn on.
        person: Whose.
        weather: Sun and air.
    """

    def __init__(self, sprite: Sprite, person: Person, weather: Weather) -> None:
        sun = weather.cosine(0.0, 0.5, -0.8)
        warmth = person.warmth

        def part(colour: Colour, temperature: float, light: float = 1.0) -> int:
            shaded = (colour[0] * light, colour[1] * light, colour[2] * light)
            finish = Finish(shaded, temperature, 0.96, sun * light, 0.7 * light)
            return sprite.part(finish, person.z, MaskClass.PERSON)

        def through_clothes(share: float) -> float:
            cloth = weather.air + share * warmth * (_BODY - weather.air)
            return max(cloth, weather.air + 3.0 * share) + 6.0 * sun * weather.warming

        self.face = part(person.skin, _FACE)
        self.hand = part(person.skin, _HAND)
        self.hair = part(person.hair, through_clothes(1.1))
        self.coat = part(person.coat, through_clothes(1.0))
        self.coat_dark = part(person.coat, through_clothes(0.9), 0.65)
        self.trousers = part(person.trousers, through_clothes(0.9))
        self.trousers_dark = part(person.trousers, through_clothes(0.85), 0.6)
        self.shoe = part((0.04, 0.035, 0.03), through_clothes(0.5))


def draw_body(figure: Figure, wear: Wardrobe, stride: float, sideways: bool) -> None:
    """Draw the body, far limbs first."""
    swing = 0.42 * stride if sideways else 0.1 * stride
    apart = 0.012 if sideways else 0.045
    _leg(figure, -apart, -swing, wear.trousers_dark, wear.shoe, sideways)
    _arm(figure, -0.02 if sideways else -0.115, swing * 0.8, wear.coat_dark, wear.hand)
    _leg(figure, apart, swing, wear.trousers, wear.shoe, sideways)
    half = 0.068 if sideways else 0.108
    trunk = [
        (-half * 0.72, _SHOULDER + 0.02),
        (half * 0.72, _SHOULDER + 0.02),
        (half, _SHOULDER - 0.02),
        (half * 0.86, 0.63),
        (half * 0.92, _HIP - 0.035),
        (-half * 0.92, _HIP - 0.035),
        (-half * 0.86, 0.63),
        (-half, _SHOULDER - 0.02),
    ]
    figure.sprite.polygon([figure.place(*corner) for corner in trunk], wear.coat)
    _arm(figure, 0.02 if sideways else 0.115, -swing * 0.8, wear.coat, wear.hand)
    figure.limb((0.0, _SHOULDER), (0.0, _CHIN + 0.01), 0.03, 0.028, wear.face)
    figure.disc((0.0, 0.935), 0.05, 0.066, wear.hair)
    figure.disc((0.014 if sideways else 0.0, 0.922), 0.04, 0.05, wear.face)


def _leg(figure: Figure, hip: float, angle: float, cloth: int, shoe: int, sideways: bool) -> None:
    knee = (hip + _THIGH * math.sin(angle), _HIP - _THIGH * math.cos(angle))
    bend = angle - 0.35 * abs(angle)
    foot = (knee[0] + 0.225 * math.sin(bend), max(0.025, knee[1] - 0.225 * math.cos(bend)))
    figure.limb((hip, _HIP), knee, 0.052, 0.04, cloth)
    figure.limb(knee, foot, 0.039, 0.027, cloth)
    toe = (foot[0] + (0.055 if sideways else 0.0), foot[1] - 0.008)
    figure.limb(foot, toe, 0.026, 0.02, shoe)


def _arm(figure: Figure, shoulder: float, angle: float, sleeve: int, hand: int) -> None:
    elbow = (shoulder + _UPPER_ARM * math.sin(angle), _SHOULDER - 0.02 - _UPPER_ARM * math.cos(angle))
    bend = angle + 0.3
    wrist = (
        elbow[0] + 0.14 * math.sin(bend) * (1 if shoulder >= 0 else -1),
        elbow[1] - 0.14 * math.cos(bend),
    )
    figure.limb((shoulder, _SHOULDER - 0.02), elbow, 0.03, 0.026, sleeve)
    figure.limb(elbow, wrist, 0.026, 0.02, sleeve)
    figure.disc(wrist, 0.018, 0.022, hand)
