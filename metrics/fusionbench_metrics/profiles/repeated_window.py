"""The Yang index as IVIF_ZOO computes it: with a window that sums to seven.

The code base means the 7x7 Gaussian of the Yang index, but its window has the normalised one-dimensional
Gaussian in each of seven rows. It is flat from top to bottom, and sums to 7 instead of 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import MeasuredImage, SourceImages
from fusionbench_metrics.gaussian_window import Array, Grey, framed, gaussian_taps, row_bands
from fusionbench_metrics.grey_images import check_grey
from fusionbench_metrics.qy import AGREEMENT, YANG

LUMINANCE_CONSTANT, CONTRAST_CONSTANT = 1e-4, 9e-4
"""C1 and C2 for L = 1, though levels are 0..255."""

MINIMUM_SIZE = 1
"""Windows reach over the border."""

_TAPS = gaussian_taps(YANG.size, YANG.sigma)


class _Sums(NamedTuple):
    """What stands for the local mean and variance of an image, `(H, W)` each."""

    image: Grey
    """With three rows and columns of black around it."""
    mean: Array
    """Seven times a mean, `sum w x`."""
    variance: Array
    """`sum w x^2 - (sum w x)^2`: negative unless nearly everything in the window is black."""


class _Comparison(NamedTuple):
    """What no fused image changes, `(H, W)` each."""

    weight: Array
    """Of the visible image."""
    redundant: NDArray[np.bool_]
    """Whether the sources are similar to each other."""


def yang_index_of_repeated_window(fused: MeasuredImage, sources: SourceImages) -> float:
    """Mean over all pixels of the similarity of the fused image to what the sources show there.

    With w the window, m = sum w x, v = sum w x^2 - m^2 and c = sum w x y - m n, the similarity of x and y is

        (2 m n + C1) (2 c + C2) / ((m^2 + n^2 + C1) (v + u + C2))

    Since w sums to 7, m^2 is mostly far above sum w x^2, and both factors compare little but the mean levels.
    What is made of similarities is as in the Yang index (`qy`): where that of the sources is at least 0.75,
    the mean of both weighted by v, elsewhere the greater one. Where both sources are black in the whole
    window the weights, 0 / 0 there, are halves.

    Args:
        fused: Grey, any size; beyond the border of all images is black.
        sources: The images it is compared with.

    Returns:
        1 for three equal images, and hardly more for others; there is no bound, as v + u + C2 can come close
        to zero. NaN if it is zero.

    Raises:
        ValueError: If an image is not grey uint8, is empty, or the sizes differ.
    """
    visible, infrared = sources.visible, sources.infrared
    check_grey(MINIMUM_SIZE, fused=fused.grey, visible=visible.grey, infrared=infrared.grey)
    weight, redundant = _kept_comparison(visible, infrared)
    of_fused = _sums(fused)
    total = 0.0
    for band in row_bands(*weight.shape):
        first, second = (_similarity(_kept_sums(source), of_fused, band) for source in (visible, infrared))
        mean = weight[band] * first + (1 - weight[band]) * second
        total += float(np.where(redundant[band], mean, np.maximum(first, second)).sum())
    return total / weight.size


def _sums(image: MeasuredImage) -> _Sums:
    shape = image.grey.shape
    sums = _Sums(framed(image.grey, YANG.size, "zero"), np.empty(shape), np.empty(shape))
    for band in row_bands(*shape):
        part = _seen(sums, band)
        sums.mean[band] = _window_sums(part)
        sums.variance[band] = _window_sums(part * part) - sums.mean[band] ** 2
    return sums


def _kept_sums(source: MeasuredImage) -> _Sums:
    return source.once("ivif_zoo.window_sums", lambda: _sums(source))


def _kept_comparison(visible: MeasuredImage, infrared: MeasuredImage) -> _Comparison:
    """What no fused image changes; kept with the infrared image."""

    def compute() -> _Comparison:
        first, second = _kept_sums(visible), _kept_sums(infrared)
        total = first.variance + second.variance
        comparison = _Comparison(np.full_like(total, 0.5), np.empty(total.shape, dtype=np.bool_))
        np.divide(first.variance, total, out=comparison.weight, where=total != 0)
        for band in row_bands(*total.shape):
            comparison.redundant[band] = _similarity(first, second, band) >= AGREEMENT
        return comparison

    return infrared.once(("ivif_zoo.comparison", visible), compute)


def _similarity(first: _Sums, second: _Sums, band: slice) -> Array:
    one, other = first.mean[band], second.mean[band]
    product = one * other
    covariance = _window_sums(_seen(first, band) * _seen(second, band)) - product
    above = (2 * product + LUMINANCE_CONSTANT) * (2 * covariance + CONTRAST_CONSTANT)
    below = first.variance[band] + second.variance[band] + CONTRAST_CONSTANT
    below *= one * one + other * other + LUMINANCE_CONSTANT
    similarity = np.full_like(below, np.nan)
    np.divide(above, below, out=similarity, where=below != 0)
    return similarity


def _seen(sums: _Sums, band: slice) -> Array:
    """What the windows of a band of rows see."""
    return sums.image[band.start : band.stop + YANG.size - 1].astype(np.float64)


def _window_sums(image: Array) -> Array:
    """Weighted sum of every window that lies wholly inside."""
    height, width = (side - YANG.size + 1 for side in image.shape)
    by_rows = image[:height].copy()
    for row in range(1, YANG.size):
        by_rows += image[row : height + row]
    total: Array = by_rows[:, :width] * _TAPS[0]
    for column in range(1, YANG.size):
        total += by_rows[:, column : width + column] * _TAPS[column]
    return total
