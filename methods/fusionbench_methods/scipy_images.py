"""What `scipy.misc` read and wrote images as, which published TensorFlow scripts use; SciPy 1.2 was its last.

Reference:
    SciPy 1.2, documentation of `scipy.misc.imread`, `bytescale` and `toimage`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import Uint8Image


def grey_unrounded(rgb: Uint8Image) -> NDArray[np.float32]:
    """Grey `(H, W)`, 0 to 255 with fractions, as `imread(..., mode="F")` gives it."""
    weighted = rgb.astype(np.int64) @ np.array([299, 587, 114], dtype=np.int64)
    grey: NDArray[np.float32] = weighted.astype(np.float32) / np.float32(1000)
    return grey


def stretched(image: NDArray[np.float32], low: float | None = None) -> Uint8Image:
    """An image as `imsave` writes it: its values from `low`, or their minimum, to their maximum as 0 to 255.

    Rounded half up; what is below `low` is cut off.
    """
    lowest = float(image.min()) if low is None else low
    extent = float(image.max()) - lowest
    levels = (image.astype(np.float64) - lowest) * (255.0 / (extent or 1.0))
    written: Uint8Image = (levels.clip(0.0, 255.0) + 0.5).astype(np.uint8)
    return written
