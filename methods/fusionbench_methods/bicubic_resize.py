"""Images in another size, as Octave's `imresize` brings them there, and MATLAB's nearly.

Reference:
    R. Keys: "Cubic Convolution Interpolation for Digital Image Processing", IEEE Transactions on
    Acoustics, Speech, and Signal Processing 29(6), 1981.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusionbench_methods.per_image import Array

REACH = 2.0
"""The kernel is zero at this distance and beyond."""


def resized(image: Array, height: int, width: int) -> Array:
    """Interpolate, smoothing first along a side that shrinks; the image is mirrored about its borders.

    Args:
        image: `(H, W)`.
        height: Of the result.
        width: Of the result.

    Returns:
        `(height, width)`, not cut off: the kernel overshoots.
    """
    rows, columns = interpolation(image.shape[0], height), interpolation(image.shape[1], width)
    # In one order in memory: the last bit of a product of matrices depends on it.
    result: Array = rows @ np.ascontiguousarray(image) @ columns.T
    return result


def interpolation(length: int, wanted: int) -> Array:
    """The matrix that resizes a line.

    Args:
        length: Samples of the line.
        wanted: Samples of the result.

    Returns:
        `(wanted, length)`. Where a line shrinks, rows add up to about one only: Octave widens the kernel and
        does not normalise its samples.
    """
    scale = wanted / length
    shrink = min(scale, 1.0)
    taps = int(np.ceil(REACH / shrink))
    centres = (np.arange(wanted) + 0.5) / scale - 0.5
    positions = np.floor(centres).astype(np.int64)[:, None] + np.arange(1 - taps, taps + 1)
    weights = shrink * keys_cubic(shrink * (positions - centres[:, None]))
    matrix = np.zeros((wanted, length))
    np.add.at(matrix, (np.arange(wanted)[:, None], _mirrored(positions, length)), weights)
    return matrix


def keys_cubic(distance: Array) -> Array:
    """Keys' interpolating kernel with a = -1/2.

    Args:
        distance: In samples, any shape.

    Returns:
        Weights, same shape.
    """
    near = np.abs(distance)
    inside = (1.5 * near - 2.5) * near**2 + 1
    outside = ((-0.5 * near + 2.5) * near - 4) * near + 2
    return np.where(near <= 1, inside, np.where(near < REACH, outside, 0.0))


def _mirrored(positions: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """Positions inside a line that goes on mirrored, edge samples repeated."""
    folded = positions % (2 * length)
    return np.minimum(folded, 2 * length - 1 - folded)
