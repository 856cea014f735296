"""The innermost loop of every windowed metric, compiled: weighted means of all windows of an image.

Written with array operations, each tap of a window reads and writes a whole map; here a row is added up while
it is in the processor's nearest cache, which is several times faster. Nothing runs in parallel and nothing is
reordered, so a value depends on the image alone.

Imported where it is used, because importing the compiler takes half a second. The machine code is kept beside
this file, or in the user's cache folder, and made on first use (two seconds).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusionbench.compilation import compiled

Array = NDArray[np.float64]

MAP = "float64[:, ::1]"
"""How the compiler writes a map: two axes, rows one after the other."""


@compiled("void(float64[::1], float64[::1], int64, float64[::1])")
def _slide_symmetric(line: Array, taps: Array, step: int, means: Array) -> None:
    last = taps.size - 1
    half = last // 2
    if step == 1:
        # The same as below; without a step the compiler adds several columns at once.
        tap = taps[half]
        for column in range(means.size):
            means[column] = line[column + half] * tap
        for offset in range(half):
            tap, other = taps[offset], last - offset
            for column in range(means.size):
                means[column] += (line[column + offset] + line[column + other]) * tap
        return
    for column in range(means.size):
        first = column * step
        total = line[first + half] * taps[half]
        for offset in range(half):
            total += (line[first + offset] + line[first + last - offset]) * taps[offset]
        means[column] = total


@compiled(f"void({MAP}, float64[::1], int64, {MAP})")
def symmetric_means(image: Array, taps: Array, step: int, means: Array) -> None:
    """Weighted mean of every window inside an image, for weights that are the same from either end.

    Each sum begins with the middle tap and goes on with pairs of taps from the outside in.

    Args:
        image: `(H, W)`.
        taps: `(n,)` weights along one axis, n odd.
        step: Keep every step-th row and column.
        means: `(ceil((H - n + 1) / step), ceil((W - n + 1) / step))`, written.
    """
    last = taps.size - 1
    half = last // 2
    weighed = np.empty(image.shape[1])
    for row in range(means.shape[0]):
        first = row * step
        middle, tap = image[first + half], taps[half]
        for column in range(weighed.size):
            weighed[column] = middle[column] * tap
        for offset in range(half):
            above, below, tap = image[first + offset], image[first + last - offset], taps[offset]
            for column in range(weighed.size):
                weighed[column] += (above[column] + below[column]) * tap
        _slide_symmetric(weighed, taps, step, means[row])


@compiled(f"void({MAP}, float64[::1], int64, {MAP})")
def general_means(image: Array, taps: Array, step: int, means: Array) -> None:
    """As `symmetric_means`, for any weights, of any number; each sum goes from the first tap to the last."""
    weighed = np.empty(image.shape[1])
    for row in range(means.shape[0]):
        weighed[:] = 0.0
        for offset in range(taps.size):
            shifted, tap = image[row * step + offset], taps[offset]
            for column in range(weighed.size):
                weighed[column] += shifted[column] * tap
        for column in range(means.shape[1]):
            total = 0.0
            for offset in range(taps.size):
                total += weighed[column * step + offset] * taps[offset]
            means[row, column] = total


@compiled(f"float64({MAP}, {MAP}, {MAP}, {MAP}, {MAP}, float64, float64, {MAP})")
def compare(
    source_mean: Array,
    source_variance: Array,
    fused_mean: Array,
    fused_variance: Array,
    covariance: Array,
    luminance_constant: float,
    contrast_constant: float,
    result: Array,
) -> float:
    """Index of SSIM of every window from local moments (Wang et al. 2004, equation 13).

    Args:
        source_mean: `(h, w)`, like all others.
        source_variance: Local variance of the source.
        fused_mean: Local mean of the fused image.
        fused_variance: Its local variance.
        covariance: Local covariance of the two.
        luminance_constant: C1.
        contrast_constant: C2.
        result: Written: the product of both factors.

    Returns:
        The sum of the second factor, which compares contrast and structure.
    """
    contrasts = np.zeros(result.shape[1])
    for row in range(result.shape[0]):
        for column in range(result.shape[1]):
            first, second = source_mean[row, column], fused_mean[row, column]
            contrast = (2 * covariance[row, column] + contrast_constant) / (
                source_variance[row, column] + fused_variance[row, column] + contrast_constant
            )
            luminance = (2 * (first * second) + luminance_constant) / (
                first * first + second * second + luminance_constant
            )
            result[row, column] = luminance * contrast
            contrasts[column] += contrast
    total: float = contrasts.sum()
    return total


@compiled(f"void({MAP}, {MAP}, {MAP}, float64, float64, {MAP}, {MAP})")
def channel(
    source_variance: Array,
    fused_variance: Array,
    covariance: Array,
    noise_variance: float,
    flat: float,
    gain: Array,
    ratio: Array,
) -> None:
    """Gain of VIF's channel and its signal-to-noise ratio in every window (Sheikh & Bovik 2006, equation 16).

    Args:
        source_variance: `(h, w)`, like all others; zero where the source is flat.
        fused_variance: Likewise for the fused image.
        covariance: Local covariance of the two.
        noise_variance: Variance of the internal noise.
        flat: Smallest divisor.
        gain: Written: covariance / variance, zero where it would be negative or an image is flat.
        ratio: Written: `gain^2 source_variance / (noise + distortion)`.
    """
    for row in range(gain.shape[0]):
        for column in range(gain.shape[1]):
            variance, fused = source_variance[row, column], fused_variance[row, column]
            factor = max(covariance[row, column] / (variance + flat), 0.0)
            if variance == 0.0 or fused == 0.0:
                factor = 0.0
            distortion = max(fused - factor * covariance[row, column], flat)
            gain[row, column] = factor
            ratio[row, column] = factor * factor * variance / (distortion + noise_variance)
