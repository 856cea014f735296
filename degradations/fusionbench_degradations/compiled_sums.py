"""The inner loops of blurs and rain, compiled; imported where used, since importing the compiler is slow."""

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


@compiled(
    "void(int64[::1], int64[::1], int64[::1], float32[::1], int64[:, ::1], int64[::1], float32[::1],"
    " float32[:, ::1])"
)
def let_through(
    down: NDArray[np.int64],
    right: NDArray[np.int64],
    kind: NDArray[np.int64],
    opacities: NDArray[np.float32],
    offsets: NDArray[np.int64],
    starts: NDArray[np.int64],
    weights: NDArray[np.float32],
    through: NDArray[np.float32],
) -> None:
    """Lay strokes over `through`, the share of light that passes, one after the other in the order given.

    Args:
        down: Row of each stroke's middle; it may lie outside the image.
        right: Its column.
        kind: Which of the stencils it is: those from `starts[kind]` to before `starts[kind + 1]`.
        opacities: Its opacity in [0, 1].
        offsets: Down and right from the middle, `(N, 2)`, of the stencils' pixels.
        starts: Where each stencil begins, and one end more.
        weights: Share of the opacity at each of the stencils' pixels.
        through: `(H, W)`, changed in place.
    """
    one = np.float32(1)
    for stroke in range(down.size):
        for pixel in range(starts[kind[stroke]], starts[kind[stroke] + 1]):
            row = down[stroke] + offsets[pixel, 0]
            column = right[stroke] + offsets[pixel, 1]
            if 0 <= row < through.shape[0] and 0 <= column < through.shape[1]:
                through[row, column] *= one - opacities[stroke] * weights[pixel]
