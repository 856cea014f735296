"""Grey-level histograms of 8-bit images, alone and of two together, and the entropy of a histogram.

A joint histogram is counted once for a source and a fused image: MI, NMI and Qncie take their entropies from
it, CC, SCD, MSE and PSNR their power sums (`moments`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import MeasuredImage, Uint8Image

LEVELS = 256
"""Grey levels of an 8-bit image; one bin each."""

Counts = NDArray[np.int64]
"""Pixels per bin."""

_PIXELS_AT_ONCE = 1 << 18
"""Pixels counted in one go: bounds the 64-bit indices in memory, whatever the size of the image."""


def histogram(image: Uint8Image) -> Counts:
    """Count the pixels of every grey level.

    Args:
        image: uint8, any shape.

    Returns:
        `(256,)`.
    """
    return _count(image.ravel(), LEVELS)


def joint_histogram(first: Uint8Image, second: Uint8Image) -> Counts:
    """Count the pixels of every pair of grey levels.

    Args:
        first: uint8, any shape.
        second: uint8, the same shape.

    Returns:
        `(65536,)`, the bin of a pair being `256 first + second`.
    """
    pairs = np.left_shift(first.ravel(), 8, dtype=np.uint16)
    pairs |= second.ravel()
    return _count(pairs, LEVELS * LEVELS)


def entropy_bits(counts: Counts) -> float:
    """Shannon entropy of a histogram in bits; empty bins contribute nothing.

    Args:
        counts: Pixels per bin, at least one in all.

    Returns:
        From 0 (one bin holds everything) to log2 of the number of bins.
    """
    occupied = counts[counts > 0]
    if occupied.size == 1:
        return 0.0
    probability = occupied / occupied.sum()
    return float(-(probability * np.log2(probability)).sum())


def kept_histogram(image: MeasuredImage) -> Counts:
    """Histogram of a measured image's luminance, counted once."""
    return image.once("histogram", lambda: histogram(image.grey))


def kept_joint_histogram(first: MeasuredImage, second: MeasuredImage) -> Counts:
    """Joint histogram of two measured images, counted once and kept with the second.

    Args:
        first: A source; the visible image where `second` is the infrared one.
        second: The fused image, or the infrared one.
    """
    return second.once(("histogram.joint", first), lambda: joint_histogram(first.grey, second.grey))


def _count(bins: NDArray[np.unsignedinteger], number: int) -> Counts:
    counts = np.zeros(number, dtype=np.int64)
    for start in range(0, bins.size, _PIXELS_AT_ONCE):
        counts += np.bincount(bins[start : start + _PIXELS_AT_ONCE], minlength=number)
    return counts
