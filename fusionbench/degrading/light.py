"""sRGB to linear light and back by fixed tables, so that every CPU gives the same bits.

The curve is that of IEC 61966-2-1. `numpy`'s vectorised powers differ in the last bit between SIMD levels;
here 256 decoding values and 255 encoding thresholds are computed once, one by one, in double precision and
rounded to float32, and images only look them up.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import FloatImage, Uint8Image
from fusionbench.images import quantise

_BINS = 4096
"""Cells of the encoding table: narrower than the closest two thresholds (1 / (255 * 12.92) apart)."""


def srgb_to_linear(value: float) -> float:
    """Decode one sRGB value in [0, 1] to linear light in [0, 1] (IEC 61966-2-1)."""
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def decode_visible(visible: Uint8Image) -> FloatImage:
    """Decode 8-bit sRGB, any shape, to float32 linear light in [0, 1]."""
    return _decoding_table().take(visible)


def encode_visible(linear: FloatImage) -> Uint8Image:
    """Encode linear light, any shape, as 8-bit sRGB: clipped to [0, 1], rounded half up.

    Exact: level k is given to the values from the (k - 1/2)th to just below the (k + 1/2)th level's light.
    """
    lower, threshold = _encoding_tables()
    cells = (np.clip(linear, 0.0, 1.0) * np.float32(_BINS)).astype(np.int32)
    encoded: Uint8Image = lower.take(cells) + (linear >= threshold.take(cells))
    return encoded


def decode_infrared(infrared: Uint8Image) -> FloatImage:
    """Scale an 8-bit infrared image to float32 in [0, 1]; infrared levels follow no light curve."""
    scaled: FloatImage = infrared.astype(np.float32) / np.float32(255.0)
    return scaled


def encode_infrared(values: FloatImage) -> Uint8Image:
    """Encode infrared values as 8 bits: clipped to [0, 1], rounded half up."""
    return quantise(values * np.float32(255.0))


def is_monochrome(visible: Uint8Image) -> bool:
    """Tell whether a visible image `(H, W, 3)` comes from a grey camera (three equal channels)."""
    first = visible[..., 0]
    return bool(np.array_equal(first, visible[..., 1]) and np.array_equal(first, visible[..., 2]))


@cache
def _decoding_table() -> NDArray[np.float32]:
    return np.array([srgb_to_linear(level / 255.0) for level in range(256)], dtype=np.float32)


@cache
def _encoding_tables() -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """For each cell of light: the level at its lower edge, and the one threshold that may lie inside it."""
    thresholds = np.array([srgb_to_linear((level + 0.5) / 255.0) for level in range(255)], dtype=np.float32)
    edges = np.arange(_BINS + 1, dtype=np.float32) / np.float32(_BINS)
    lower = np.searchsorted(thresholds, edges, side="right")
    inside = np.append(thresholds, np.float32(np.inf))[lower]
    # A threshold beyond the cell can never be reached by a value inside it, so it needs no special case.
    return lower.astype(np.uint8), inside
