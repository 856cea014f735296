"""The inner loop of a mixture of two experts, compiled; imported where used."""

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
