"""Horizontal and vertical grey-level differences of an image: central differences and the Sobel window."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import Uint8Image
from fusionbench_metrics.gaussian_window import row_bands

Border = Literal["replicate", "reflect", "zero"]
"""What a window sees beyond the image: the edge pixel again, the pixel behind the edge pixel, or black."""

Differences = NDArray[np.int32]
"""Grey-level differences, exact."""

_PAD_MODES: dict[Border, Literal["edge", "reflect", "constant"]] = {
    "replicate": "edge",
    "reflect": "reflect",
    "zero": "constant",
}


def central_differences(image: Uint8Image) -> Iterator[tuple[Differences, Differences]]:
    """Twice the gradient, by bands of rows: `f(x + 1) - f(x - 1)` inside, `2 (f(1) - f(0))` at the border.

    Args:
        image: `(H, W)`, at least 2x2.

    Yields:
        Horizontal and vertical differences of the same pixels, -510 to 510.
    """
    # The image continued in a straight line turns the central difference at the border into the one-sided.
    continued = np.pad(image.astype(np.int16), 1, mode="reflect", reflect_type="odd")
    for band in row_bands(*image.shape):
        part = continued[band.start : band.stop + 2].astype(np.int32, order="C")
        yield part[1:-1, 2:] - part[1:-1, :-2], part[2:, 1:-1] - part[:-2, 1:-1]


def sobel_differences(image: Uint8Image, border: Border) -> Iterator[tuple[Differences, Differences]]:
    """Sobel window (1 2 1 across, -1 0 1 along), not divided by its sum of 8, by bands of rows.

    Args:
        image: `(H, W)`, at least 2x2.
        border: What lies beyond the image.

    Yields:
        Horizontal (right minus left) and vertical (lower minus upper) differences, -1020 to 1020.
    """
    padded = np.pad(image, 1, mode=_PAD_MODES[border])
    for band in row_bands(*image.shape):
        horizontal, vertical = sobel_inside(padded[band.start : band.stop + 2])
        yield horizontal.astype(np.int32), vertical.astype(np.int32)


def sobel_inside(image: Uint8Image) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """As `sobel_differences`, `(H - 2, W - 2)`: only where the window lies inside the image."""
    # Sums of 8-bit levels reach 4 * 255, so 16 bits hold them exactly.
    part = image.astype(np.int16, order="C")
    by_rows = part[:-2] + 2 * part[1:-1] + part[2:]
    by_columns = part[:, :-2] + 2 * part[:, 1:-1] + part[:, 2:]
    return by_rows[:, 2:] - by_rows[:, :-2], by_columns[2:] - by_columns[:-2]


def magnitude_sum(differences: Iterator[tuple[Differences, Differences]]) -> float:
    """Sum of `sqrt(horizontal^2 + vertical^2)` over all pixels."""
    return sum(
        float(np.sqrt(horizontal * horizontal + vertical * vertical).sum())
        for horizontal, vertical in differences
    )
