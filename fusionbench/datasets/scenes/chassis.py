"""What all vehicles share: their own coordinates, their finishes, wheels, lights and number plates."""

from __future__ import annotations

import math

from fusionbench.datasets.scenes.camera import NEAREST, Pixel
from fusionbench.datasets.scenes.sprite import Sprite
from fusionbench.datasets.scenes.surfaces import DARK, Finish, MaskClass, Surfaces
from fusionbench.datasets.scenes.traffic import HEIGHTS, LENGTHS, WIDTHS
from fusionbench.datasets.scenes.weather import Colour, Weather
from fusionbench.datasets.scenes.world import Vehicle

_BODY_SUN = 24.0
"""How much a clear noon warms black sheet metal, in kelvin."""
_BODY_NIGHT = -2.0
"""Sheet metal radiates to the sky and holds little heat: colder than air at night, in kelvin."""
_BONNET, _GRILLE, _UNDERBODY, _EXHAUST = 9.0, 17.0, 8.0, 40.0
"""Warmer than the body with a hot engine, in kelvin."""
_TYRE_ROLLING, _BRAKE = 11.0, 19.0
"""Warmer than air on a moving vehicle, in kelvin."""
_GLASS_EMISSIVITY, _PAINT_EMISSIVITY = 0.84, 0.9
_HEADLIGHT: Colour = (5.0, 4.8, 4.2)
_TAIL_LIGHT: Colour = (1.3, 0.06, 0.04)
_RING = 14
"""Corners of the polygon that stands for a wheel."""


class Chassis:
    """A vehicle's own coordinates and finishes.

    Positions are `(across, y, along)`: across from -1 (left) to 1 (right) in half widths, y in heights of the
    vehicle, along from 0 (the end near the camera) to 1.

    Args:
        surfaces: Where it will be put.
        vehicle: What to draw.
        weather: Sun and air.
    """

    def __init__(self, surfaces: Surfaces, vehicle: Vehicle, weather: Weather) -> None:
        self.vehicle = vehicle
        self.weather = weather
        self.length = LENGTHS[vehicle.kind]
        self.half_width = WIDTHS[vehicle.kind] / 2
        self.height = HEIGHTS[vehicle.kind]
        self._camera = surfaces.camera
        corners = [self.at(u, y, s) for u in (-1.05, 1.05) for y in (-0.02, 1.03) for s in (0.0, 1.0)]
        self.sprite = Sprite(surfaces, corners)
        self.seen_side = self._seen_side()

    def at(self, across: float, y: float, along: float) -> Pixel:
        """Image position of a point of the vehicle."""
        x = self.vehicle.x + across * self.half_width
        return self._camera.project((x, y * self.height, self.depth(along)))

    def depth(self, along: float) -> float:
        """World z of a point along the vehicle, in metres."""
        return max(NEAREST, self.vehicle.z + along * self.length)

    def _seen_side(self) -> int:
        """Which side the camera sees: -1 left, 1 right, 0 neither."""
        left, right = self.vehicle.x - self.half_width, self.vehicle.x + self.half_width
        return -1 if left > 0.0 else 1 if right < 0.0 else 0

    # ------------------------------------------------------------------------------------- finishes

    def part(self, finish: Finish, along: float) -> int:
        """Register a finish at a place along the vehicle."""
        return self.sprite.part(finish, self.depth(along), MaskClass.CAR)

    def paint(
        self, normal: tuple[float, float, float], along: float, light: float = 1.0, heat: float = 0.0
    ) -> int:
        """Register the vehicle's paint for a panel.

        Args:
            normal: Outward normal of the panel in world axes.
            along: Where the panel is along the vehicle.
            light: How much of the light arrives.
            heat: Kelvin above an idle vehicle's panel.
        """
        sun = self.weather.cosine(*normal)
        upward = 1.0 if normal[1] > 0.7 else 0.62 + 0.3 * max(0.0, normal[1])
        dark = 1.0 - sum(self.vehicle.colour) / 3.0
        excess = _BODY_NIGHT * normal[1] if self.weather.night else 1.0
        warm = self.weather.air + excess + _BODY_SUN * dark * (0.25 + sun) * self.weather.warming + heat
        red, green, blue = (level * light for level in self.vehicle.colour)
        gloss = 0.02 * upward * light
        finish = Finish(
            (red + gloss, green + gloss, blue + gloss * 1.15),
            warm,
            _PAINT_EMISSIVITY,
            sun * light,
            upward * light,
        )
        return self.part(finish, along)

    def glass(self, along: float, steep: bool = True) -> int:
        """Register window glass; what lies flat mirrors more of the sky."""
        mirror = 0.05 if steep else 0.13
        finish = Finish(
            (mirror, mirror * 1.08, mirror * 1.2),
            self.weather.air + (2.0 if self.vehicle.moving else 0.0) + 5.0 * self.weather.warming,
            _GLASS_EMISSIVITY if steep else _GLASS_EMISSIVITY - 0.08,
            0.0,
            0.8,
        )
        return self.part(finish, along)

    def trim(self, along: float, level: float = 0.025, heat: float = 0.0) -> int:
        """Register dark plastic or an opening."""
        return self.part(Finish((level, level, level), self.weather.air + heat, 0.94, 0.0, 0.5), along)

    @property
    def engine_heat(self) -> float:
        """0 cold to 1 at working temperature."""
        return self.vehicle.engine

    # --------------------------------------------------------------------------------------- shapes

    def quad(self, across: tuple[float, float], y: tuple[float, float], along: float, part: int) -> None:
        """Fill a rectangle that faces along the road."""
        left, right = across
        low, high = y
        corners = [
            (left, low, along),
            (right, low, along),
            (right, high, along),
            (left, high, along),
        ]
        self.sprite.polygon([self.at(*corner) for corner in corners], part)

    def side_panel(self, outline: list[tuple[float, float]], part: int, across: float = 1.0) -> None:
        """Fill an outline of (along, y) on the side that is seen."""
        side = self.seen_side * across
        self.sprite.polygon([self.at(side, y, along) for along, y in outline], part)

    def side_wheels(self, positions: tuple[float, ...], radius: float) -> None:
        """Draw the wheels on the side that is seen.

        Args:
            positions: Along the vehicle.
            radius: In metres.
        """
        for along in sorted(positions, reverse=True):
            for share, part in (
                (1.22, self.trim(along, 0.01)),
                (1.0, self.tyre(along)),
                (0.62, self.hub(along)),
                (0.2, self.trim(along, 0.05, self._rolling(_BRAKE))),
            ):
                self.side_panel(self._ring(along, radius, share), part, across=1.0 if share < 1.1 else 0.995)

    def _ring(self, along: float, radius: float, share: float) -> list[tuple[float, float]]:
        centre = radius / self.height
        ring: list[tuple[float, float]] = []
        for number in range(_RING):
            angle = 2.0 * math.pi * number / _RING
            up = centre + share * radius / self.height * math.sin(angle)
            ring.append((along + share * radius / self.length * math.cos(angle), max(0.0, up)))
        return ring

    def tyre(self, along: float) -> int:
        """Register a tyre."""
        heat = self._rolling(_TYRE_ROLLING) + 4.0 * self.weather.warming
        return self.part(Finish((0.018, 0.018, 0.02), self.weather.air + heat, 0.95, 0.0, 0.5), along)

    def hub(self, along: float) -> int:
        """Register a wheel rim with the brake behind it."""
        sun = self.weather.cosine(float(self.seen_side), 0.0, 0.0)
        return self.part(
            Finish((0.22, 0.22, 0.23), self.weather.air + self._rolling(_BRAKE), 0.7, sun, 0.5), along
        )

    def _rolling(self, heat: float) -> float:
        return heat if self.vehicle.moving else heat * 0.25 * self.vehicle.engine

    def end_wheels(self, low: float, width: float = 0.24) -> None:
        """Draw the underbody and the tyres seen from the near end, up to `low` in heights."""
        self.quad((-0.9, 0.9), (0.07, low), 0.05, self.trim(0.05, 0.008, _UNDERBODY * self.engine_heat))
        tyre = self.tyre(0.1)
        for side in (-1, 1):
            inner, outer = sorted((side * 0.92, side * (0.92 - width)))
            self.quad((inner, outer), (0.0, low), 0.08, tyre)

    def lights(self, across: tuple[float, float], y: tuple[float, float]) -> None:
        """Draw the pair of lamps at the near end: red at the rear, white at the front.

        Args:
            across: Inner and outer edge of one lamp, in half widths.
            y: Lower and upper edge, in heights.
        """
        colour: Colour = (0.34, 0.03, 0.03) if self.vehicle.away else (0.34, 0.36, 0.38)
        shining = _TAIL_LIGHT if self.vehicle.away else _HEADLIGHT
        glow = self._dimmed(shining) if self.vehicle.lights else DARK
        heat = 7.0 if self.vehicle.lights else 0.5
        part = self.part(Finish(colour, self.weather.air + heat, 0.88, 0.1, 0.8, glow), 0.0)
        for side in (-1, 1):
            inner, outer = sorted((side * across[0], side * across[1]))
            self.quad((inner, outer), y, 0.0, part)

    def _dimmed(self, colour: Colour) -> Colour:
        """By day the exposure is short, and a lamp adds little."""
        if self.weather.night:
            return colour
        return colour[0] * 0.3, colour[1] * 0.3, colour[2] * 0.3

    def plate(self, y: tuple[float, float]) -> None:
        """Draw the number plate at the near end."""
        sun = self.weather.cosine(0.0, 0.0, -1.0)
        self.quad(
            (-0.2, 0.2), y, 0.0, self.part(Finish((0.6, 0.6, 0.55), self.weather.air, 0.9, sun, 0.7), 0.0)
        )

    def grille(self, across: float, y: tuple[float, float]) -> None:
        """Draw the radiator grille, warm from the engine behind it."""
        self.quad((-across, across), y, 0.0, self.trim(0.0, 0.02, _GRILLE * self.engine_heat))

    def exhaust(self, y: float) -> None:
        """Draw the end of the exhaust pipe."""
        pipe = self.trim(0.0, 0.04, _EXHAUST * self.engine_heat)
        self.quad((-0.66, -0.52), (y - 0.035, y + 0.02), 0.0, pipe)

    @property
    def bonnet_heat(self) -> float:
        """Kelvin a running engine adds to the bonnet."""
        return _BONNET * self.engine_heat
