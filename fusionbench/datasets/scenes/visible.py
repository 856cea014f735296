"""The visible camera: light on reflectance, haze, lens, exposure, noise, tone curve."""

from __future__ import annotations

from functools import cache

import numpy as np

from fusionbench.contracts import FloatImage, Uint8Image
from fusionbench.datasets.scenes.lamplight import lamplight
from fusionbench.datasets.scenes.optics import add_glow, blur, corner_shading
from fusionbench.datasets.scenes.streams import normal
from fusionbench.datasets.scenes.surfaces import ALBEDO, GLOW, Channel, Surfaces
from fusionbench.datasets.scenes.weather import Weather
from fusionbench.datasets.scenes.world import World

_LENS = 0.09
"""Neighbour weight of the lens blur (0.42 pixels standard deviation)."""
_DEMOSAIC = 0.08
"""Neighbour weight of the blur after noise, which demosaicing and in-camera denoising leave."""
_VIGNETTE = 0.3
_DAY_TARGET, _NIGHT_TARGET = 0.25, 0.026
"""Mean linear level that automatic exposure aims at."""
_DAY_GAINS, _NIGHT_GAINS = (0.6, 2.2), (1.2, 5.5)
"""Least and greatest gain of automatic exposure."""
_DAY_NOISE, _NIGHT_NOISE = (9.0e-5, 4.0e-6), (1.2e-4, 8.0e-7)
"""Variance of shot noise per unit of signal, and of read noise, at linear full scale 1."""
_CURVE_STEPS = 2048
_CONTRAST = 0.55
"""Share of a smooth step in the tone curve."""
_CURVE_REACH = 2.2
"""Linear level that the tone curve maps to white."""


def see(surfaces: Surfaces, world: World, generator: np.random.Generator) -> Uint8Image:
    """Take the visible image.

    Args:
        surfaces: What is in view.
        world: For its light.
        generator: For the sensor.

    Returns:
        `(H, W, 3)` sRGB.
    """
    weather = world.weather
    radiance = _radiance(surfaces, world)
    radiance = blur(radiance, _LENS)
    if weather.night:
        add_glow(radiance, 0.16)
    radiance *= corner_shading(surfaces.camera, _VIGNETTE)
    _expose(radiance, weather, generator)
    _add_noise(radiance, weather, generator)
    radiance = blur(radiance, _DEMOSAIC)
    return _develop(radiance)


def _radiance(surfaces: Surfaces, world: World) -> FloatImage:
    weather = world.weather
    channels = surfaces.channels
    night_light = lamplight(surfaces, world) if weather.night else None
    clear = np.float32(weather.visibility) / (np.float32(weather.visibility) + surfaces.depth)
    clear[np.isinf(surfaces.depth)] = 1.0
    radiance = np.empty_like(channels[ALBEDO])
    for plane in range(3):
        light = channels[Channel.AMBIENT] * np.float32(weather.ambient[plane])
        if weather.warming > 0.0:
            light += channels[Channel.SUN] * np.float32(weather.sun[plane])
        if night_light is not None:
            light += night_light[plane]
        light *= channels[plane]
        light += channels[GLOW.start + plane]
        haze = np.float32(weather.horizon[plane])
        light -= haze
        light *= clear
        light += haze
        radiance[plane] = light
    return radiance


def _expose(radiance: FloatImage, weather: Weather, generator: np.random.Generator) -> None:
    """Automatic exposure and white balance, in place; the mean is summed in integers to be exact."""
    step = max(1, min(radiance.shape[1:]) // 60)
    metered = (np.minimum(radiance[1, ::step, ::step], np.float32(1.0)) * np.float32(65536.0)).astype(
        np.int64
    )
    mean = float(metered.sum()) / (65536.0 * metered.size)
    target = _NIGHT_TARGET if weather.night else _DAY_TARGET
    least, greatest = _NIGHT_GAINS if weather.night else _DAY_GAINS
    gain = min(max(target / max(mean, 1.0e-4), least), greatest) * generator.uniform(0.8, 1.25)
    for plane, cast in enumerate((generator.uniform(0.93, 1.05), 1.0, generator.uniform(0.9, 1.06))):
        radiance[plane] *= np.float32(gain * cast)


def _add_noise(radiance: FloatImage, weather: Weather, generator: np.random.Generator) -> None:
    shot, read = _NIGHT_NOISE if weather.night else _DAY_NOISE
    np.maximum(radiance, np.float32(0.0), out=radiance)
    sigma = radiance * np.float32(shot)
    sigma += np.float32(read)
    np.sqrt(sigma, out=sigma)
    sigma *= normal(generator, radiance.shape)
    radiance += sigma


def _develop(radiance: FloatImage) -> Uint8Image:
    """Tone curve and quantisation, through a table over the square root of the signal."""
    levels = np.sqrt(np.maximum(radiance, np.float32(0.0)))
    levels *= np.float32((_CURVE_STEPS - 1) / _CURVE_REACH**0.5)
    np.minimum(levels, np.float32(_CURVE_STEPS - 1), out=levels)
    developed = _tone_curve()[levels.astype(np.uint16)]
    return np.ascontiguousarray(developed.transpose(1, 2, 0))


@cache
def _tone_curve() -> Uint8Image:
    """A film-like curve: a soft shoulder to white, gamma of 1 / 2.2, and more contrast in the middle."""
    white = _CURVE_REACH
    curve: list[int] = []
    for step in range(_CURVE_STEPS):
        signal = 1.25 * (step / (_CURVE_STEPS - 1)) ** 2 * white
        shoulder = signal * (1.0 + signal / (1.25 * white) ** 2) / (1.0 + 0.8 * signal)
        level = min(1.0, shoulder / _shoulder_at_white(white)) ** (1.0 / 2.2)
        contrasted = level * level * (3.0 - 2.0 * level)
        curve.append(round(255.0 * (level + _CONTRAST * (contrasted - level))))
    return np.array(curve, dtype=np.uint8)


def _shoulder_at_white(white: float) -> float:
    signal = 1.25 * white
    return signal * (1.0 + 1.0 / signal) / (1.0 + 0.8 * signal)
