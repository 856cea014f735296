"""Weighted sums of shifted images, the same to the bit on every CPU.

The weights are multiples of 2^-20 that add up to 1, the additions float32 in a fixed order. Beyond its edges
an image continues with its outermost pixels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import FloatImage

_WEIGHT_STEPS = 2**20

Kernel = Mapping[tuple[int, int], float]
"""Weight by offset (down, right) in pixels; not negative, and normalised where it is used."""


def convolve(image: FloatImage, kernel: Kernel) -> FloatImage:
    """Weighted mean of each pixel's surroundings.

    Args:
        image: `(H, W)` or `(H, W, C)`.
        kernel: Weights by offset.

    Returns:
        The same shape, float32.
    """
    from fusionbench_degradations.compiled_sums import add_taps

    offsets = np.array(sorted(kernel), dtype=np.int64)
    weights = _on_grid(np.array([kernel[down, right] for down, right in sorted(kernel)]))
    reach = np.abs(offsets).max(axis=0)
    channels = image.shape[2] if image.ndim == 3 else 1
    border = [(int(reach[0]),) * 2, (int(reach[1]),) * 2, (0, 0)]
    padded = np.pad(image, border[: image.ndim], mode="edge").astype(np.float32, copy=False)
    rows = np.ascontiguousarray(padded).reshape(padded.shape[0], -1)
    sums = np.zeros((image.shape[0], image.shape[1] * channels), dtype=np.float32)
    add_taps(rows, offsets[:, 0] + reach[0], (offsets[:, 1] + reach[1]) * channels, weights, sums)
    return sums.reshape(image.shape)


def gaussian_blur(image: FloatImage, sigma: float) -> FloatImage:
    """Blur by a sampled Gaussian, cut off at four standard deviations.

    Args:
        image: `(H, W)` or `(H, W, C)`.
        sigma: In pixels, positive.
    """
    radius = max(math.ceil(4 * sigma), 1)
    taps = {offset: math.exp(-0.5 * (offset / sigma) ** 2) for offset in range(-radius, radius + 1)}
    down = convolve(image, {(offset, 0): weight for offset, weight in taps.items()})
    return convolve(down, {(0, offset): weight for offset, weight in taps.items()})


def line_kernel(length: float, angle: float) -> Kernel:
    """A straight line through the middle, spread bilinearly over the pixels it passes.

    Args:
        length: In pixels; 1 or less leaves an image as it is.
        angle: In degrees, counter-clockwise from pointing right.
    """
    kernel: dict[tuple[int, int], float] = {}
    steps = max(math.ceil(4 * (length - 1)), 0)
    half = (length - 1) / 2
    for step in range(steps + 1):
        along = -half + (length - 1) * step / steps if steps else 0.0
        right, down = along * math.cos(math.radians(angle)), -along * math.sin(math.radians(angle))
        _spread(kernel, down, right)
    return kernel


def _spread(kernel: dict[tuple[int, int], float], down: float, right: float) -> None:
    row, column = math.floor(down), math.floor(right)
    below, beside = down - row, right - column
    for offset_row, share_row in ((0, 1 - below), (1, below)):
        for offset_column, share_column in ((0, 1 - beside), (1, beside)):
            share = share_row * share_column
            if share > 1e-9:
                at = (row + offset_row, column + offset_column)
                kernel[at] = kernel.get(at, 0.0) + share


def _on_grid(weights: NDArray[np.float64]) -> NDArray[np.float32]:
    """Weights in steps of 2^-20 that add up to exactly 1: the rest goes to the largest."""
    steps = np.floor(weights / weights.sum() * _WEIGHT_STEPS + 0.5).astype(np.int64)
    steps[np.argmax(steps)] += _WEIGHT_STEPS - steps.sum()
    normalised: NDArray[np.float32] = steps.astype(np.float32) / np.float32(_WEIGHT_STEPS)
    return normalised
