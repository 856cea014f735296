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

_NEGLIGIBLE = 1e-9
"""Weights below this are rounding errors of a 0."""


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


def line_kernel(length: float, angle: float, width: float = 1.0) -> Kernel:
    """A straight stroke through the middle with soft edges.

    A pixel weighs 1 on the middle line and less with its distance, down to 0 at one width (at least a pixel)
    from it: at width 1 the kernel of MATLAB's `fspecial("motion")`. A stroke narrower than a pixel weighs
    less throughout. The weights across add up to `width`, to within an eighth where the line is slanted;
    none is above 1.

    Args:
        length: In pixels; 1 or less is a point, which (at width 1) leaves an image as it is.
        angle: In degrees, counter-clockwise from pointing right.
        width: In pixels, positive.
    """
    half = max(length - 1, 0.0) / 2
    fade = max(width, 1.0)
    right_step, down_step = math.cos(math.radians(angle)), -math.sin(math.radians(angle))
    right_reach = math.ceil(half * abs(right_step) + fade)
    down_reach = math.ceil(half * abs(down_step) + fade)
    kernel: dict[tuple[int, int], float] = {}
    for down in range(-down_reach, down_reach + 1):
        for right in range(-right_reach, right_reach + 1):
            across = right * down_step - down * right_step
            beyond = max(abs(right * right_step + down * down_step) - half, 0.0)
            weight = (1 - math.sqrt(across * across + beyond * beyond) / fade) * min(width, 1.0)
            if weight > _NEGLIGIBLE:
                kernel[down, right] = weight
    return kernel


def disk_kernel(radius: float) -> Kernel:
    """A uniform disk: each pixel weighs the share of its area that the disk covers.

    Args:
        radius: In pixels, positive; 1/2 or less leaves an image as it is.
    """
    reach = max(math.ceil(radius - 0.5), 0)
    offsets = range(-reach, reach + 1)
    coverage = {(down, right): _covered(down, right, radius) for down in offsets for right in offsets}
    return {offset: share for offset, share in coverage.items() if share > _NEGLIGIBLE}


def _covered(down: int, right: int, radius: float) -> float:
    """Area of a unit pixel inside a circle about the origin."""
    top, left = down - 0.5, right - 0.5
    bottom, end = top + 1, left + 1
    return (
        _corner_area(end, bottom, radius)
        - _corner_area(left, bottom, radius)
        - _corner_area(end, top, radius)
        + _corner_area(left, top, radius)
    )


def _corner_area(x: float, y: float, radius: float) -> float:
    """Signed area of the rectangle from the origin to (x, y) inside a circle about the origin."""
    width, height = min(abs(x), radius), min(abs(y), radius)
    # Up to `flat` the circle lies beyond the rectangle's height, then it falls along its arc.
    flat = min(math.sqrt(radius * radius - height * height), width)
    area = flat * height + _arc_area(width, radius) - _arc_area(flat, radius)
    return math.copysign(area, x * y)


def _arc_area(x: float, radius: float) -> float:
    """Area below a circle's arc from 0 to x: the integral of sqrt(radius^2 - x^2)."""
    return (x * math.sqrt(radius * radius - x * x) + radius * radius * math.asin(x / radius)) / 2


def _on_grid(weights: NDArray[np.float64]) -> NDArray[np.float32]:
    """Weights in steps of 2^-20 that add up to exactly 1: the rest goes to the largest."""
    steps = np.floor(weights / math.fsum(weights) * _WEIGHT_STEPS + 0.5).astype(np.int64)
    steps[np.argmax(steps)] += _WEIGHT_STEPS - steps.sum()
    normalised: NDArray[np.float32] = steps.astype(np.float32) / np.float32(_WEIGHT_STEPS)
    return normalised
