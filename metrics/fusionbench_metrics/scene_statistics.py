"""Natural scene statistics: what BRISQUE, NIQE and PIQE know of an image.

Luminance from which the local mean is taken away and which is divided by the local deviation looks much like
Gaussian noise in a good photograph, and less so the more it is distorted. Here are these normalised values,
and the distributions fitted to them and to products of neighbours.

References:
    D. L. Ruderman: "The statistics of natural images", Network 5(4), 1994 (normalisation).
    A. Mittal, A. K. Moorthy, A. C. Bovik: "No-reference image quality assessment in the spatial domain",
    IEEE Transactions on Image Processing 21(12), 2012, equations 1 to 14.
    N.-E. Lasmar, Y. Stitou, Y. Berthoumieu: "Multiscale skewed heavy tailed model for texture analysis",
    ICIP 2009 (asymmetric fit).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from fusionbench_metrics.gaussian_window import Array, gaussian_taps, local_means, row_bands

WINDOW = 7
"""Side of the Gaussian window in pixels."""

SIGMA = 7 / 6
"""Its standard deviation in pixels."""

STABILISER = 1.0
"""Added to the local deviation, in grey levels."""

FLAT = 1e-9
"""Distances from the local mean below this are rounding and count as zero: the fits below count signs."""

NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (-1, 1))
"""The neighbour each value is multiplied with, as a shift of rows and columns: horizontal, vertical, both
diagonals."""

Border = Literal["zero", "edge"]
"""What lies beyond the edge of the image: zeros, or its outermost pixels repeated."""

Grey = NDArray[np.uint8] | NDArray[np.float64]
"""An image at some scale, 0..255."""

_TAPS = gaussian_taps(WINDOW, SIGMA)
_HALVING_TAPS = np.array([-3, -9, 29, 111, 111, 29, -9, -3]) / 256
_SHAPES: Array = 0.2 + 0.001 * np.arange(9801, dtype=np.float64)


def _ratio(shape: Array) -> Array:
    """Squared mean magnitude over mean square of a generalised Gaussian: rises with its shape."""
    ratio: Array = np.exp(2 * gammaln(2 / shape) - gammaln(1 / shape) - gammaln(3 / shape))
    return ratio


_RATIOS = _ratio(_SHAPES)


def normalised(image: Grey, border: Border) -> Array:
    """Luminance minus its local mean, over its local deviation plus 1 (mean-subtracted, contrast-normalised).

    Args:
        image: `(H, W)`, 0..255.
        border: What the window sees beyond the edge.

    Returns:
        `(H, W)`; exactly 0 where a pixel equals its local mean, as in flat areas and even ramps. Common
        implementations leave rounding of 1e-14 there, of which the fits then count the signs.
    """
    reach = WINDOW // 2
    padded = np.pad(image, reach, mode="edge" if border == "edge" else "constant")
    result = np.empty(image.shape)
    for band in row_bands(*image.shape):
        part = padded[band.start : band.stop + 2 * reach].astype(np.float64)
        mean, mean_square = local_means(np.stack([part, part * part]), _TAPS)
        deviation = np.sqrt(np.abs(mean_square - mean * mean))
        difference = image[band] - mean
        difference[np.abs(difference) < FLAT] = 0.0
        result[band] = difference / (deviation + STABILISER)
    return result


def half_size(image: Grey) -> Array:
    """Image of half the height and width, rounded up, as MATLAB's `imresize(image, 0.5)` makes it.

    That is bicubic interpolation (a = -0.5) with a kernel stretched to twice its width against aliasing, and
    mirroring at the edge. Its eight taps are multiples of 1/256, so nothing is rounded.

    Args:
        image: `(H, W)`, at least 4x4.
    """
    halved: Array = _halve_columns(_halve_columns(image).T).T
    return halved


def _halve_columns(image: Grey) -> Array:
    columns = (image.shape[1] + 1) // 2
    padded = np.pad(image, ((0, 0), (3, 4)), mode="symmetric")
    halved = np.zeros((image.shape[0], columns))
    for offset, tap in enumerate(_HALVING_TAPS):
        halved += tap * padded[:, offset : offset + 2 * columns - 1 : 2]
    return halved


class Moments(NamedTuple):
    """Sums over values, or over the values of each of many blocks: all that the fits need."""

    total: Array
    """Number of values, zeros included."""
    magnitudes: Array
    """Sum of absolute values."""
    negatives: Array
    """Number of values below zero."""
    positives: Array
    negative_squares: Array
    """Sum of squares of the values below zero."""
    positive_squares: Array

    def plus(self, other: Moments) -> Moments:
        """Sums over the values of both."""
        return Moments(*(mine + others for mine, others in zip(self, other, strict=True)))


class SymmetricFit(NamedTuple):
    """Generalised Gaussian `exp(-|x / scale|^shape)` with mean zero; NaN where all values are zero."""

    shape: Array
    variance: Array


class AsymmetricFit(NamedTuple):
    """Generalised Gaussian of different width below and above zero; NaN where either side has no values."""

    shape: Array
    mean: Array
    left: Array
    """Standard deviation of the values below zero, about zero."""
    right: Array


def moments(values: Array, axis: int | tuple[int, ...] | None = None) -> Moments:
    """Sums over the given axes, or over all."""
    negative, positive = np.minimum(values, 0.0), np.maximum(values, 0.0)
    magnitudes = np.asarray(positive.sum(axis=axis) - negative.sum(axis=axis))
    negatives, positives = (np.count_nonzero(side, axis=axis) for side in (negative, positive))
    return Moments(
        total=np.full(magnitudes.shape, values.size / magnitudes.size),
        magnitudes=magnitudes,
        negatives=np.asarray(negatives, dtype=np.float64),
        positives=np.asarray(positives, dtype=np.float64),
        negative_squares=np.square(negative, out=negative).sum(axis=axis),
        positive_squares=np.square(positive, out=positive).sum(axis=axis),
    )


def fit_symmetric(of: Moments) -> SymmetricFit:
    """Match mean square and mean magnitude; the shape to the nearest thousandth from 0.2 to 10."""
    squares = of.negative_squares + of.positive_squares
    undefined = squares == 0
    ratio = of.magnitudes**2 / np.where(undefined, 1.0, of.total * squares)
    return SymmetricFit(
        shape=np.where(undefined, np.nan, _nearest_shape(ratio)),
        variance=np.where(undefined, np.nan, squares / of.total),
    )


def fit_asymmetric(of: Moments) -> AsymmetricFit:
    """Match the mean squares of both sides and the mean magnitude; the shape as in `fit_symmetric`.

    Zeros, which only flat areas have, belong to neither side.
    """
    undefined = (of.negatives == 0) | (of.positives == 0)
    left, right = (
        np.where(undefined, 1.0, np.sqrt(squares / np.maximum(count, 1.0)))
        for squares, count in ((of.negative_squares, of.negatives), (of.positive_squares, of.positives))
    )
    squares = np.where(undefined, 1.0, of.negative_squares + of.positive_squares)
    skew = left / right
    ratio = of.magnitudes**2 / (of.total * squares)
    shape = _nearest_shape(ratio * (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2)
    mean = (right - left) * np.sqrt(_ratio(shape))
    return AsymmetricFit(*(np.where(undefined, np.nan, part) for part in (shape, mean, left, right)))


def _nearest_shape(ratio: Array) -> Array:
    above = np.clip(np.searchsorted(_RATIOS, ratio), 1, len(_RATIOS) - 1)
    nearer_below = ratio - _RATIOS[above - 1] <= _RATIOS[above] - ratio
    nearest: Array = _SHAPES[above - nearer_below]
    return nearest
