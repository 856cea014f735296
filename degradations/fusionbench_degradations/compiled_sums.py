"""The inner loop of every blur, compiled; imported where it is used, since importing the compiler is slow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusionbench.compilation import compiled


@compiled("void(float32[:, ::1], int64[::1], int64[::1], float32[::1], float32[:, ::1])")
def add_taps(
    padded: NDArray[np.float32],
    down: NDArray[np.int64],
    right: NDArray[np.int64],
    weights: NDArray[np.float32],
    sums: NDArray[np.float32],
) -> None:
    """Add shifted copies of a padded image to `sums`, row by row, taps in the order given."""
    for row in range(sums.shape[0]):
        total = sums[row]
        for tap in range(weights.size):
            weight = weights[tap]
            line = padded[row + down[tap], right[tap] : right[tap] + total.size]
            for column in range(total.size):
                total[column] += weight * line[column]
