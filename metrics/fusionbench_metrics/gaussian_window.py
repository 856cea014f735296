"""Gaussian-weighted local means, as SSIM and VIF take them: only where the whole window lies inside.

The sums are plain additions of shifted arrays in a fixed order, so a value depends neither on a thread count
nor on a linear-algebra library; and they run over bands of rows that fit into a processor's cache, so that
memory stays small whatever the size of the image.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_BAND_PIXELS = 1 << 14
"""Output pixels in a band: four float64 maps of it are 512 KiB."""

_BAND_ROWS = 16
"""Fewest rows in a band: below this, most of the work would go into the rows that windows overlap."""


def gaussian_taps(size: int, sigma: float) -> Array:
    """Weights of a Gaussian window along one axis.

    Args:
        size: Number of taps, odd.
        sigma: Standard deviation in pixels.

    Returns:
        `(size,)`, symmetric, sums to one; the two-dimensional window is its outer product with itself.
    """
    offset = np.arange(size) - (size - 1) / 2
    weights = np.exp(-(offset**2) / (2 * sigma**2))
    normalised: Array = weights / weights.sum()
    return normalised


def row_bands(rows: int, columns: int) -> Iterator[slice]:
    """Cut the rows of an image into bands of about equal size, the same for every image of that size."""
    height = max(_BAND_ROWS, _BAND_PIXELS // columns)
    for start in range(0, rows, height):
        yield slice(start, min(start + height, rows))


def local_means(maps: Array, taps: Array, step: int = 1) -> Array:
    """Weighted mean of every window that lies wholly inside.

    Args:
        maps: `(..., H, W)`, at least as high and wide as there are taps.
        taps: Symmetric weights along one axis, an odd number.
        step: Keep every step-th row and column of the result.

    Returns:
        `(..., ceil((H - taps + 1) / step), ceil((W - taps + 1) / step))`.
    """
    by_rows = _weighted_sum(np.moveaxis(maps, -2, 0), taps, step)
    by_columns = _weighted_sum(np.moveaxis(np.moveaxis(by_rows, 0, -2), -1, 0), taps, step)
    return np.moveaxis(by_columns, 0, -1)


def _weighted_sum(maps: Array, taps: Array, step: int) -> Array:
    """Slide the taps along the first axis."""
    reach = len(taps) - 1
    positions = maps.shape[0] - reach

    def shifted(offset: int) -> Array:
        return maps[offset : offset + positions : step]

    total: Array = shifted(reach // 2) * taps[reach // 2]
    for offset in range(reach // 2):
        pair = shifted(offset) + shifted(reach - offset)
        pair *= taps[offset]
        total += pair
    return total
