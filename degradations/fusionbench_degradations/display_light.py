"""Display values (sRGB) as floating-point numbers, for published formulas that act on them.

Both directions are tables of 65,537 entries with linear interpolation, so that every CPU gives the same bits;
the error is below 1e-6, and the 256 levels of an image come back as they were.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import FloatImage
from fusionbench.degrading import srgb_to_linear

_CELLS = 65536


def to_display(linear: FloatImage) -> FloatImage:
    """Encode linear light, any shape, as sRGB in [0, 1]; values outside are clipped."""
    return _interpolated(_encoding(), linear)


def from_display(display: FloatImage) -> FloatImage:
    """Decode sRGB, any shape, to linear light in [0, 1]; values outside are clipped."""
    return _interpolated(_decoding(), display)


def _interpolated(table: NDArray[np.float32], values: FloatImage) -> FloatImage:
    scaled = np.clip(values, 0.0, 1.0).astype(np.float32, copy=False) * np.float32(_CELLS)
    cells = np.minimum(scaled.astype(np.int32), _CELLS - 1)
    fraction = scaled - cells.astype(np.float32)
    lower = table.take(cells)
    between: FloatImage = lower + (table.take(cells + 1) - lower) * fraction
    return between


@cache
def _decoding() -> NDArray[np.float32]:
    return np.array([srgb_to_linear(step / _CELLS) for step in range(_CELLS + 1)], dtype=np.float32)


@cache
def _encoding() -> NDArray[np.float32]:
    return np.array([_to_srgb(step / _CELLS) for step in range(_CELLS + 1)], dtype=np.float32)


def _to_srgb(linear: float) -> float:
    """IEC 61966-2-1."""
    return float(12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055)
