"""The long-wave infrared camera: emitted and mirrored heat, air, lens, detector, automatic gain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import FloatImage, Uint8Image
from fusionbench.datasets.scenes import textures
from fusionbench.datasets.scenes.optics import blur
from fusionbench.datasets.scenes.streams import normal, stream
from fusionbench.datasets.scenes.surfaces import Channel, Surfaces
from fusionbench.datasets.scenes.weather import Weather

_REFERENCE = 300.0
"""Kelvin at which radiance is 1; it grows with the fourth power (Stefan and Boltzmann), near enough."""
_PER_KELVIN = 4.0 / _REFERENCE
"""Change of that radiance with temperature, at the reference."""
_AIR_RANGE = 900.0
"""Distance in metres over which the air hides half of the contrast, in the long-wave window."""
_LENS = 0.2
"""Neighbour weight of each of the two blur passes: the optics are soft at f/1."""
_NOISE = 0.09
"""Temporal noise, in kelvin, of an uncooled microbolometer (noise-equivalent temperature difference)."""
_COLUMN_NOISE, _SHADING = 0.035, 0.3
"""What a flat-field correction leaves behind: column offsets and a slow unevenness, in kelvin."""
_BINS = 1024
"""Levels of automatic gain control."""
_HOTTEST = 0.9985
"""Quantile that automatic gain maps to white."""
_LEAST_SPAN = 6.0
"""Kelvin between the median and white that automatic gain keeps at least, so as not to amplify noise."""
_PLATEAU = 3.0
"""Most pixels one level may claim in the gain's histogram, relative to the mean level."""


def sense(surfaces: Surfaces, weather: Weather, seed: int, generator: np.random.Generator) -> Uint8Image:
    """Take the infrared image.

    Args:
        surfaces: What is in view.
        weather: For sky and air.
        seed: Names the detector, whose fixed pattern all scenes of a seed share.
        generator: For the noise and the gain of this exposure.

    Returns:
        `(H, W)`, brighter is hotter.
    """
    radiance = blur(blur(_radiance(surfaces, weather), _LENS), _LENS)
    kelvin = np.float32(_PER_KELVIN)
    radiance += normal(generator, radiance.shape) * (kelvin * np.float32(_NOISE))
    radiance += _fixed_pattern(seed, radiance.shape) * kelvin
    return _automatic_gain(radiance, generator)


def _radiance(surfaces: Surfaces, weather: Weather) -> FloatImage:
    channels = surfaces.channels
    emitted = _emission(channels[Channel.TEMPERATURE])
    sky, air = _scalar_emission(weather.sky_temperature), _scalar_emission(weather.air)
    mirrored = channels[Channel.AMBIENT] * np.float32(0.55 * (sky - air)) + np.float32(air)
    emitted -= mirrored
    emitted *= channels[Channel.EMISSIVITY]
    emitted += mirrored
    clear = np.float32(_AIR_RANGE) / (np.float32(_AIR_RANGE) + surfaces.depth)
    clear[np.isinf(surfaces.depth)] = 1.0
    emitted -= np.float32(air)
    emitted *= clear
    emitted += np.float32(air)
    return emitted


def _emission(celsius: FloatImage) -> FloatImage:
    relative = (celsius + np.float32(273.15)) * np.float32(1.0 / _REFERENCE)
    relative *= relative
    relative *= relative
    radiance: FloatImage = relative
    return radiance


def _scalar_emission(celsius: float) -> float:
    return ((celsius + 273.15) / _REFERENCE) ** 4


def _fixed_pattern(seed: int, shape: tuple[int, ...]) -> FloatImage:
    """Kelvin that each pixel reads too much, `(H, W)`."""
    height, width = shape
    generator = stream(seed, -1, "infrared detector")
    offset = float(generator.integers(0, textures.TILE))
    columns = normal(generator, (width,)) * np.float32(_COLUMN_NOISE)
    rows = np.arange(height, dtype=np.float32)[:, None] * np.float32(96.0 / height) + np.float32(offset)
    across = np.arange(width, dtype=np.float32)[None, :] * np.float32(128.0 / width)
    slow = textures.look_up(textures.smooth(), rows, across)
    slow *= np.float32(_SHADING)
    slow += columns[None, :]
    return slow


def _automatic_gain(radiance: FloatImage, generator: np.random.Generator) -> Uint8Image:
    """Map radiance to 8 bits around the median, mostly linearly, in part by a histogram with a plateau.

    White is near the hottest pixels and black a sampled fraction of that range below the median, which is how
    a camera set up for warm targets shows them: the cold sky is clipped.
    """
    step = np.float32(_LEAST_SPAN * _PER_KELVIN / 64.0)
    coldest = radiance.min()
    fine = ((radiance - coldest) / step).astype(np.int64)
    cumulative = np.cumsum(np.bincount(fine.ravel()))
    median, hottest = (int(np.searchsorted(cumulative, share * fine.size)) for share in (0.5, _HOTTEST))
    span = max(64, hottest - median)
    low = median - span * generator.uniform(0.25, 0.95)
    width = (median + span - low) / (_BINS - 1)
    levels = ((radiance - (coldest + np.float32(low) * step)) / (step * np.float32(width))).clip(0, _BINS - 1)
    bins = levels.astype(np.uint16)
    mapped: Uint8Image = _gain_table(np.bincount(bins.ravel(), minlength=_BINS), generator)[bins]
    return mapped


def _gain_table(counts: NDArray[np.intp], generator: np.random.Generator) -> Uint8Image:
    """Grey level of each bin."""
    linear = np.arange(_BINS) / (_BINS - 1)
    pixels = int(counts.sum())
    equal = np.cumsum(np.minimum(counts, max(1, int(_PLATEAU * pixels / _BINS))))
    spread = (equal - equal[0]) / max(1, int(equal[-1] - equal[0]))
    share = generator.uniform(0.7, 0.95)
    ceiling = generator.uniform(215.0, 250.0)
    floor = generator.uniform(2.0, 12.0)
    mixed = share * linear + (1.0 - share) * spread
    table: Uint8Image = np.floor(floor + (ceiling - floor) * mixed + 0.5).astype(np.uint8)
    return table
