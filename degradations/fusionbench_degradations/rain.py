"""Rain: drops smeared to bright streaks while the shutter is open, and a veil of those too far to see.

A falling drop shows light from all around, and covers each point of its path for a part of the exposure:
composited with an opacity, L (1 - r) + a r in linear light (Garg and Nayar, "Vision and rain", IJCV 2007,
equations 10 and 11). The veil is as bright as the scene's airlight, at most as the streaks: at night lamps
light the near drops, not the air.

Streak length, density of drops and opacity grow together along a table. Drops lie on a lattice 480 rows high,
whatever the size of the image, so the same rain falls on images of any size; each has a fixed place, a fixed
distance (near drops make longer and wider streaks) and a fixed strength, and heavier rain adds drops to those
of the lighter. All streaks of an image have one direction.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import DegradationCard, FloatImage, LinearScene, RandomStreams
from fusionbench.degrading import srgb_to_linear
from fusionbench.images import to_grey
from fusionbench_degradations.airlight import visible_airlight
from fusionbench_degradations.calibration import calibrated_levels
from fusionbench_degradations.convolution import line_kernel

REFERENCE_HEIGHT = 480
"""Rows of the lattice of drops, and image height at which lengths are in pixels."""

BRIGHTNESS = np.float32(srgb_to_linear(0.75))
"""Linear light a of the streaks, and the most that the veil can have."""

VEIL = 0.12
"""Optical depth of the veil at intensity 1."""

_INTENSITIES = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
_LENGTHS = (9.0, 15.0, 21.0, 27.0, 33.0, 41.0)
_DENSITIES = (0.0, 0.001, 0.002, 0.0035, 0.005, 0.008)
_OPACITIES = (0.0, 0.30, 0.35, 0.40, 0.45, 0.50)

_STEEPEST = 25.0
"""Largest angle of the streaks from the vertical, in degrees."""

_MARGIN = 48
"""Lattice points round the image: streaks reach in from drops beyond its edges."""

_DISTANCES = 8
"""Distances at which drops fall."""
_FARTHEST_SIZE, _NEAREST_SIZE = 0.4, 1.6
"""Length and width of a streak at the farthest and nearest distance, over the mean."""
_WIDTH = 1.2
"""Mean width of a streak in pixels at 480 rows."""
_FAINTEST = 0.25
"""Opacity of the faintest streak over that of the strongest."""


class Rain:
    """Streaks of falling drops and their veil over the visible image."""

    card = DegradationCard(
        name="rain",
        title="Rain",
        stage="medium",
        modality="visible",
        summary="L (1 - r) + a r, r streaks of drops, a 0.75 in sRGB, L behind a veil of 1 - exp(-0.12 s)",
        reference="Garg and Nayar, IJCV 2007, eq. 10-11",
        parameter="intensity s (1 to 5 along a table of streak length, density and opacity)",
        levels=calibrated_levels("rain"),
        physical_levels=(1.0, 2.0, 3.0, 4.0, 5.0),
        version="1",
    )

    def apply(self, scene: LinearScene, parameter: float, random: RandomStreams) -> LinearScene:
        """Let rain of intensity `parameter` fall.

        Adds the maps `streaks`, `(H, W)` opacity in [0, 1]; `rain_angle`, degrees that the streaks lean to
        the left at their upper end; `rain_light`, their linear light a; `rain_veil`, opacity of the veil
        behind them; and `rain_veil_light`, `(3,)`.
        """
        streaks, angle = rain_streaks(scene.clean.size, parameter, random)
        veil = np.float32(1.0 - math.exp(-VEIL * parameter))
        pair = scene.clean
        light = np.minimum(visible_airlight(pair, to_grey(pair.visible)), BRIGHTNESS)
        veiled = scene.visible * (np.float32(1) - veil) + light * veil
        opacity = streaks[..., None]
        maps = {
            "streaks": streaks,
            "rain_angle": np.asarray(angle, dtype=np.float32),
            "rain_light": np.asarray(BRIGHTNESS),
            "rain_veil": np.asarray(veil),
            "rain_veil_light": light,
        }
        return scene.changed(visible=veiled * (np.float32(1) - opacity) + BRIGHTNESS * opacity, maps=maps)


class Streaks(NamedTuple):
    """The streaks of one image."""

    opacity: FloatImage
    """`(H, W)` in [0, 1]."""
    angle: float
    """In degrees that they lean to the left at their upper end."""


def rain_streaks(size: tuple[int, int], intensity: float, random: RandomStreams) -> Streaks:
    """Draw the streaks of an image.

    Args:
        size: Height and width.
        intensity: Of the rain, not negative.
        random: The image's random fields.
    """
    angle = _STEEPEST * (2.0 * float(random.uniform("angle", (1,))[0]) - 1.0)
    return Streaks(_streaks(size, intensity, angle, random), angle)


def table_at(intensity: float) -> tuple[float, float, float]:
    """Mean length of streaks in pixels, share of lattice points with a drop, opacity of the strongest streak.

    Linear between the rows of the table, no rain at 0, and beyond the last row on as from the one before it.

    Args:
        intensity: Not negative.
    """
    length, density, opacity = (_along(column, intensity) for column in (_LENGTHS, _DENSITIES, _OPACITIES))
    return length, density, min(opacity, 1.0)


def _along(column: tuple[float, ...], intensity: float) -> float:
    row = min(math.floor(intensity), len(_INTENSITIES) - 2)
    return column[row] + (column[row + 1] - column[row]) * (intensity - row)


def _streaks(size: tuple[int, int], intensity: float, angle: float, random: RandomStreams) -> FloatImage:
    """Opacity of all streaks together, `(H, W)` in [0, 1]; one behind another lets its share through."""
    from fusionbench_degradations.compiled_sums import let_through

    height, width = size
    length, density, opacity = table_at(intensity)
    columns = max(round(width * REFERENCE_HEIGHT / height), 1)
    shape = (REFERENCE_HEIGHT + 2 * _MARGIN, columns + 2 * _MARGIN)
    row, column = np.nonzero(random.uniform("drops", shape) < density)
    distance = (random.uniform("distance", shape)[row, column] * _DISTANCES).astype(np.int64)
    strength = random.uniform("strength", shape)[row, column]
    opacities = (opacity * (_FAINTEST + (1.0 - _FAINTEST) * strength)).astype(np.float32)
    down = _pixel(row - _MARGIN, height, REFERENCE_HEIGHT)
    right = _pixel(column - _MARGIN, width, columns)
    through = np.ones(size, dtype=np.float32)
    strokes, starts, weights = _strokes(length * height / REFERENCE_HEIGHT, angle, height)
    let_through(down, right, distance, opacities, strokes, starts, weights, through)
    streaks: FloatImage = np.float32(1) - through
    return streaks


def _pixel(points: NDArray[np.int64], pixels: int, lattice: int) -> NDArray[np.int64]:
    """The pixel in which the middle of a lattice point lies, along one axis."""
    return (2 * points + 1) * pixels // (2 * lattice)


@lru_cache(maxsize=4)
def _strokes(
    length: float, angle: float, height: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """The streaks of all distances: their pixels' offsets (down, right), where each begins, and opacities.

    Args:
        length: Mean length in pixels.
        angle: In degrees that their upper end leans to the left.
        height: Of the image, in pixels.
    """
    offsets: list[tuple[int, int]] = []
    starts, weights = [0], []
    for distance in range(_DISTANCES):
        nearness = (distance + 0.5) / _DISTANCES
        enlarged = _FARTHEST_SIZE + (_NEAREST_SIZE - _FARTHEST_SIZE) * nearness
        stroke = line_kernel(length * enlarged, angle + 90.0, _WIDTH * enlarged * height / REFERENCE_HEIGHT)
        offsets += sorted(stroke)
        weights += [stroke[offset] for offset in sorted(stroke)]
        starts.append(len(offsets))
    return np.array(offsets), np.array(starts), np.array(weights, dtype=np.float32)
