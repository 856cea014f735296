"""An image at half, a quarter, ... of its size, by averages of 2x2 pixels.

Reference:
    Z. Wang, E. P. Simoncelli, A. C. Bovik: "Multiscale structural similarity for image quality assessment",
    37th Asilomar Conference on Signals, Systems and Computers, 2003, section 3.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from fusionbench.contracts import MeasuredImage
from fusionbench_metrics.gaussian_window import Array, Grey
from fusionbench_metrics.local_similarity import View, grey


def halved(image: Grey) -> Array:
    """Averages of 2x2 pixels; the last row or column of an odd size is averaged with itself.

    Args:
        image: `(H, W)`.

    Returns:
        `(ceil(H / 2), ceil(W / 2))`.
    """
    even = np.pad(image, [(0, side % 2) for side in image.shape], mode="edge")
    by_rows = np.add(even[::2], even[1::2], dtype=np.float64)
    sums: Array = by_rows[:, ::2] + by_rows[:, 1::2]
    sums /= 4
    return sums


def smallest_side(at_last_scale: int, scales: int) -> int:
    """Smallest side of an image that has so many pixels a side at the last of some scales."""
    return ((at_last_scale - 1) << (scales - 1)) + 1


def scale_views(scales: int) -> tuple[View, ...]:
    """The luminance at full size, at half of it, and so on: each scale of an image is computed once."""
    return (grey, *_HALVED[: scales - 1])


def _kept(image: MeasuredImage, halvings: int) -> Grey:
    if halvings == 0:
        return image.grey
    return image.once(("half_scales", halvings), lambda: halved(_kept(image, halvings - 1)))


_HALVED = tuple(partial(_kept, halvings=halvings) for halvings in range(1, 5))
