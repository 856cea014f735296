"""Poisson counts by inversion of their distribution, the same on every machine."""

from __future__ import annotations

import math
from decimal import Decimal
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import FloatImage

_STEPS = 1020
"""Brightnesses the distribution is tabulated at, from 0 to 1: four to each of 8 bits."""


def photon_counts(brightness: FloatImage, peak: float, uniform: NDArray[np.float64]) -> FloatImage:
    """Poisson counts of mean `peak * brightness`, over `peak`.

    Args:
        brightness: In [0, 1], any shape; taken to the nearest 1/1020.
        peak: Mean count at a brightness of 1, positive.
        uniform: In [0, 1), of a shape that fits `brightness`.
    """
    distributions = _cumulative(peak)
    row = np.floor(brightness.astype(np.float64) * _STEPS + 0.5).astype(np.int64)
    # Rows one after the other, each raised by its number, are one ascending list.
    raised = (distributions + np.arange(len(distributions))[:, None]).ravel()
    place = np.searchsorted(raised, row + uniform, side="right")
    counts: FloatImage = ((place - row * distributions.shape[1]) / peak).astype(np.float32)
    return counts


@lru_cache(maxsize=16)
def _cumulative(peak: float) -> NDArray[np.float64]:
    """Probability of at most 0, 1, 2, ... counts at each brightness, a row each."""
    means = np.arange(_STEPS + 1) / _STEPS * peak
    # The exponential of the arithmetic library is rounded correctly, that of the processor's need not be.
    chance = np.array([float((-Decimal(float(mean))).exp()) for mean in means])
    length = math.ceil(peak + 10 * math.sqrt(peak) + 20)
    chances = [chance]
    for count in range(1, length):
        chances.append(chances[-1] * means / count)
    cumulative: NDArray[np.float64] = np.minimum(np.cumsum(np.stack(chances, axis=1), axis=1), 1.0 - 2.0**-40)
    return cumulative
