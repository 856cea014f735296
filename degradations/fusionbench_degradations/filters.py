"""Box, Gaussian and guided filters on integers, identical to the bit on every CPU.

Window sums come from cumulative sums of integers, so no rounding depends on the order of addition; what
follows them are single IEEE operations, which `numpy` never fuses.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int32] | NDArray[np.int64]
"""Fixed-point image `(H, W)`."""

_SLOPE_SCALE = np.float32(2**12)
_OFFSET_SCALE = np.float32(2**4)
"""Fixed point of a guided filter's slope and offset: an eighth of a unit at worst, and sums within int32."""


def box_sum(values: Integers, radius: int) -> Integers:
    """Sum over the (2 radius + 1)-square window round each pixel, cut off at the image's edges.

    Args:
        values: `(H, W)`.
        radius: In pixels, at least 0.

    Returns:
        `(H, W)`: int32 where no window can overflow it (cumulative sums may wrap round: their differences
        come out right all the same), else int64.
    """
    height, width = values.shape
    window = min(2 * radius + 1, height) * min(2 * radius + 1, width)
    peak = max(int(values.max()), -int(values.min()))
    dtype = np.int32 if peak * window < 2**31 else np.int64
    columns = _running_sum(values.astype(dtype, copy=False), radius, axis=0)
    return _running_sum(columns, radius, axis=1)


def _running_sum(values: Integers, radius: int, axis: Literal[0, 1]) -> Integers:
    """Sum over 2 radius + 1 neighbours along one axis."""
    length = values.shape[axis]
    shape = [values.shape[0], values.shape[1]]
    shape[axis] += 2 * radius + 1
    padded = np.zeros(shape, dtype=values.dtype)
    before = np.moveaxis(padded, axis, 0)
    totals = before[radius + 1 : radius + 1 + length]
    np.cumsum(np.moveaxis(values, axis, 0), axis=0, dtype=values.dtype, out=totals)
    before[radius + 1 + length :] = totals[-1]
    summed: Integers = np.moveaxis(before[2 * radius + 1 :] - before[:length], 0, axis)
    return summed


def window_sizes(shape: tuple[int, int], radius: int) -> NDArray[np.float32]:
    """Number of pixels in each window of `box_sum`, `(H, W)`."""
    rows, columns = (
        np.minimum(np.arange(n) + radius, n - 1) - np.maximum(np.arange(n) - radius, 0) + 1 for n in shape
    )
    return np.multiply.outer(rows.astype(np.float32), columns.astype(np.float32))


def box_mean(values: Integers, radius: int) -> NDArray[np.float32]:
    """Mean over each window, `(H, W)` float32."""
    means: NDArray[np.float32] = box_sum(values, radius).astype(np.float32) / window_sizes(
        values.shape, radius
    )
    return means


def gaussian(values: Integers, sigma: float, passes: int = 3) -> NDArray[np.int32]:
    """Approximate a Gaussian by box filters, rounding half up after each.

    A window of width 2r + 1 has the variance r (r + 1) / 3, so with n of them r is the rounded value of
    (sqrt(1 + 12 sigma^2 / n) - 1) / 2 (Wells, "Efficient synthesis of Gaussian filters by cascaded uniform
    filters", IEEE TPAMI 1986).

    Args:
        values: `(H, W)`, not negative, with fraction bits enough that rounding does not matter.
        sigma: In pixels.
        passes: Number of box filters.
    """
    radius = math.floor((math.sqrt(1.0 + 12.0 * sigma * sigma / passes) - 1.0) / 2.0 + 0.5)
    smooth = values.astype(np.int32, copy=False)
    for _ in range(passes):
        smooth = rounded(box_mean(smooth, radius))
    return smooth


def rounded(values: NDArray[np.float32]) -> NDArray[np.int32]:
    """Round half up to int32."""
    whole: NDArray[np.int32] = np.floor(values + np.float32(0.5)).astype(np.int32)
    return whole


def guided_filter(guide: Integers, values: Integers, radius: int, epsilon: float) -> NDArray[np.float32]:
    """Edge-preserving smoothing of `values` along the edges of `guide`.

    He, Sun, Tang, "Guided image filtering", IEEE TPAMI 2013, equations 5, 6 and 8.

    Args:
        guide: `(H, W)` 8-bit levels, 0..255.
        values: `(H, W)`, within +-2^15.
        radius: Of the window, in pixels.
        epsilon: Regularisation, as variance of the guide scaled to [0, 1].

    Returns:
        `(H, W)` in the unit of `values`.
    """
    guide_mean = box_mean(guide, radius)
    values_mean = box_mean(values, radius)
    variance = box_mean(guide * guide, radius) - guide_mean * guide_mean
    covariance = box_mean(guide * values, radius) - guide_mean * values_mean
    slope = covariance / (variance + np.float32(epsilon * 255.0**2))
    offset = values_mean - slope * guide_mean
    mean_slope = box_mean(rounded(slope * _SLOPE_SCALE), radius) / _SLOPE_SCALE
    mean_offset = box_mean(rounded(offset * _OFFSET_SCALE), radius) / _OFFSET_SCALE
    smoothed: NDArray[np.float32] = mean_slope * guide.astype(np.float32) + mean_offset
    return smoothed


def dilated(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Spread a mask `(H, W)` over (2 radius + 1)-square windows."""
    grown = mask
    for _ in range(radius):
        wide = grown.copy()
        wide[1:] |= grown[:-1]
        wide[:-1] |= grown[1:]
        grown = wide.copy()
        grown[:, 1:] |= wide[:, :-1]
        grown[:, :-1] |= wide[:, 1:]
    return grown


def eroded(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Shrink a mask `(H, W)` by (2 radius + 1)-square windows; beyond the edge counts as inside."""
    return ~dilated(~mask, radius)


def nearest_rank(values: Integers, fraction: float) -> int:
    """Smallest value that at least this fraction of an integer array does not exceed.

    Args:
        values: Any shape, not empty, not negative.
        fraction: In (0, 1].
    """
    counts = np.bincount(values.ravel())
    rank = math.ceil(fraction * values.size)
    return int(np.searchsorted(np.cumsum(counts), max(rank, 1)))
