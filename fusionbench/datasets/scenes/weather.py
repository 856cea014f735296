"""Light and temperature outdoors: what the sun, sky and air are like in one scene.

Radiance is linear; 1 is a white sheet in full daylight. Temperatures are in degrees Celsius.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

Colour = tuple[float, float, float]
"""Linear red, green, blue."""

_CLEAR_SKY_DEFICIT = 48.0
"""How much colder than air a clear zenith looks to a long-wave camera, in kelvin (40 to 60 in the field)."""

_CLOUD_WARMING = 34.0
"""How much of that deficit a closed cloud cover takes away, in kelvin."""


@dataclass(frozen=True)
class Weather:
    """Conditions of one scene."""

    night: bool
    toward_sun: tuple[float, float, float]
    """Unit vector; its y is the sine of the elevation. Straight up at night, when `sun` is black."""
    sun: Colour
    """Irradiance of a surface that faces the sun, over pi."""
    ambient: Colour
    """Irradiance from the sky on a level surface, over pi."""
    zenith: Colour
    """Radiance of the sky overhead."""
    horizon: Colour
    """Radiance of the sky at the horizon, and of haze in front of far things."""
    cloud: float
    """Cloud cover, 0..1."""
    air: float
    """Air temperature."""
    sky_temperature: float
    """What a long-wave camera reads overhead."""
    visibility: float
    """Distance in metres at which haze hides half of the contrast."""

    @property
    def warming(self) -> float:
        """Share of a clear noon's solar warming that reaches sunlit surfaces, 0..1."""
        return sum(self.sun) / 3.0

    def cosine(self, x: float, y: float, z: float) -> float:
        """Cosine between a surface with this outward normal and the sun; 0 where no sun reaches."""
        if self.warming <= 0.0:
            return 0.0
        return max(0.0, x * self.toward_sun[0] + y * self.toward_sun[1] + z * self.toward_sun[2])

    def in_shade(self) -> Weather:
        """The same weather for something a wall keeps the sun from."""
        return replace(self, sun=(0.0, 0.0, 0.0))


def sample_weather(generator: np.random.Generator, night: bool) -> Weather:
    """Draw the conditions of a scene."""
    return _night(generator) if night else _day(generator)


def _day(generator: np.random.Generator) -> Weather:
    overcast = generator.random() < 0.3
    cloud = generator.uniform(0.75, 1.0) if overcast else generator.uniform(0.05, 0.6)
    elevation = math.radians(generator.uniform(28.0, 66.0))
    azimuth = math.radians(generator.uniform(25.0, 155.0)) * (1 if generator.random() < 0.5 else -1)
    strength = generator.uniform(0.0, 0.12) if overcast else generator.uniform(0.75, 1.05)
    low = 1.0 - math.sin(elevation)
    sun = (strength, strength * (1.0 - 0.12 * low), strength * (0.92 - 0.28 * low))
    level = generator.uniform(0.38, 0.5) if overcast else generator.uniform(0.13, 0.2)
    blue = 1.0 - cloud
    air = generator.uniform(4.0, 24.0)
    return Weather(
        night=False,
        toward_sun=(
            math.cos(elevation) * math.sin(azimuth),
            math.sin(elevation),
            math.cos(elevation) * math.cos(azimuth),
        ),
        sun=sun,
        ambient=(level * (1.0 - 0.12 * blue), level, level * (1.0 + 0.22 * blue)),
        zenith=(0.62 - 0.53 * blue, 0.66 - 0.42 * blue, 0.72 - 0.12 * blue),
        horizon=(0.8 - 0.42 * blue, 0.83 - 0.32 * blue, 0.86 - 0.16 * blue),
        cloud=cloud,
        air=air,
        sky_temperature=air - _CLEAR_SKY_DEFICIT + _CLOUD_WARMING * cloud,
        visibility=generator.uniform(700.0, 2500.0),
    )


def _night(generator: np.random.Generator) -> Weather:
    dusk = generator.random() < 0.35
    level = generator.uniform(0.008, 0.02) if dusk else generator.uniform(0.0012, 0.004)
    cloud = generator.uniform(0.0, 0.9)
    air = generator.uniform(1.0, 22.0)
    glow = generator.uniform(0.5, 1.6)
    return Weather(
        night=True,
        toward_sun=(0.0, 1.0, 0.0),
        sun=(0.0, 0.0, 0.0),
        ambient=(level * 0.85, level * 0.95, level * 1.25),
        zenith=(level * 0.35, level * 0.5, level * 0.95),
        horizon=(level * 1.25 * glow, level * 1.15 * glow, level * 1.3 * glow),
        cloud=cloud,
        air=air,
        sky_temperature=air - _CLEAR_SKY_DEFICIT + _CLOUD_WARMING * cloud,
        visibility=generator.uniform(700.0, 2500.0),
    )
