"""Gaussian-weighted local means: over whole windows inside the image, or over a border around it.

The sums are plain additions in a fixed order (`compiled_windows`), so a value depends neither on a thread
count nor on a linear-algebra library. Who calls them works on bands of rows that fit into a processor's
cache, so that memory stays small whatever the size of the image.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

Grey = NDArray[np.uint8] | NDArray[np.float64]
"""A grey image: 8-bit, or what became of one at another scale."""

Border = Literal["inside", "replicate", "zero"]
"""Windows lie wholly inside the image; or at every pixel, with the border pixels repeated or zeros beyond."""

_BAND_PIXELS = 1 << 15
"""Output pixels in a band: a float64 map of it is 256 KiB, and a handful of them fit into a cache."""

_BAND_ROWS = 16
"""Fewest rows in a band: below this, most of the work would go into the rows that windows overlap."""


def gaussian_taps(size: int, sigma: float) -> Array:
    """Weights of a Gaussian window along one axis.

    Args:
        size: Number of taps, odd.
        sigma: Standard deviation in pixels; infinite for equal weights.

    Returns:
        `(size,)`, symmetric, sums to one; the two-dimensional window is its outer product with itself.
    """
    middle = (size - 1) / 2
    # Not numpy's exponential, whose last digit differs between processors and versions: it decides which
    # windows of a saturated area VIF takes for flat.
    weights = np.array([math.exp(-((tap - middle) ** 2) / (2 * sigma**2)) for tap in range(size)])
    normalised: Array = weights / weights.sum()
    return normalised


def row_bands(rows: int, columns: int) -> Iterator[slice]:
    """Cut the rows of an image into bands of about equal size, the same for every image of that size."""
    height = max(_BAND_ROWS, _BAND_PIXELS // columns)
    for start in range(0, rows, height):
        yield slice(start, min(start + height, rows))


def framed(image: Grey, size: int, border: Border) -> Grey:
    """The image with what windows of a size see beyond its edge: after it, all windows lie inside.

    Args:
        image: `(H, W)`.
        size: Side of the windows, odd.
        border: `inside` leaves the image as it is.
    """
    if border == "inside":
        return image
    mode: Literal["edge", "constant"] = "edge" if border == "replicate" else "constant"
    return cast("Grey", np.pad(image, size // 2, mode=mode))


def local_means(maps: Iterable[Array], taps: Array, step: int = 1) -> list[Array]:
    """Weighted means of several maps; see `local_mean`."""
    return [local_mean(each, taps, step) for each in maps]


def local_mean(image: Array, taps: Array, step: int = 1) -> Array:
    """Weighted mean of every window that lies wholly inside.

    Args:
        image: `(H, W)`, at least as high and wide as there are taps.
        taps: Weights along one axis, an odd number; symmetric ones are faster.
        step: Keep every step-th row and column of the result.

    Returns:
        `(ceil((H - taps + 1) / step), ceil((W - taps + 1) / step))`.
    """
    from fusionbench_metrics.compiled_windows import general_means, symmetric_means

    reach = len(taps) - 1
    means = np.empty(tuple(-(-(side - reach) // step) for side in image.shape))
    filtered = symmetric_means if np.array_equal(taps, taps[::-1]) and len(taps) % 2 else general_means
    filtered(np.ascontiguousarray(image), taps, step, means)
    return means
