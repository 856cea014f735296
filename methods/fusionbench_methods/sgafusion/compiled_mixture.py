"""Inner loops of inference, compiled; imported where used. Each is one pass over memory instead of many."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusionbench.compilation import compiled


@compiled("void(float32[:, ::1], float32[:, ::1], float32[::1], float32, float32, float32[:, ::1])")
def mix_two(
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    share: NDArray[np.float32],
    inner_slope: float,
    outer_slope: float,
    mixed: NDArray[np.float32],
) -> None:
    """Rectify both experts `(pixels, C)`, add them by the first one's share `(pixels,)`, rectify the sum."""
    for pixel in range(mixed.shape[0]):
        one = share[pixel]
        other = np.float32(1) - one
        for channel in range(mixed.shape[1]):
            a, b = first[pixel, channel], second[pixel, channel]
            rectified_a = a if a > 0 else a * inner_slope
            rectified_b = b if b > 0 else b * inner_slope
            total = one * rectified_a + other * rectified_b
            mixed[pixel, channel] = total if total > 0 else total * outer_slope


@compiled("void(float32[:, ::1], float32[:, ::1], float32, boolean, float32[:, ::1])")
def follow_curve(
    features: NDArray[np.float32],
    steps: NDArray[np.float32],
    offset: float,
    limited: bool,
    brightened: NDArray[np.float32],
) -> None:
    """Apply the low-light curve's steps `(pixels, 8)` to features `(pixels, C)`, and add the features.

    Args:
        features: What to brighten.
        steps: Of the curve.
        offset: Added to `y^2 - y`.
        limited: Whether every step is cut off to [0, 1], as released; else only the start is.
        brightened: To be filled.
    """
    for pixel in range(features.shape[0]):
        for channel in range(features.shape[1]):
            value = features[pixel, channel]
            brightened[pixel, channel] = value if limited else min(max(value, np.float32(0)), np.float32(1))
        for step in range(steps.shape[1]):
            strength = steps[pixel, step]
            for channel in range(features.shape[1]):
                value = brightened[pixel, channel]
                value = value + strength * (value * value - value + offset)
                brightened[pixel, channel] = (
                    min(max(value, np.float32(0)), np.float32(1)) if limited else value
                )
        for channel in range(features.shape[1]):
            brightened[pixel, channel] += features[pixel, channel]
