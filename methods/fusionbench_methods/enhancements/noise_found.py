"""How much noise an image has, for filters that need to know."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAST_SIDE = 8
"""Below it, an image has no wavelet coefficients to judge noise by."""


def noise_found(image: NDArray[np.float64]) -> float:
    """Standard deviation of the noise of RGB `(H, W, 3)` in [0, 1], mean over channels.

    From the median of the finest diagonal wavelet coefficients (D. L. Donoho, I. M. Johnstone: "Ideal
    spatial adaptation by wavelet shrinkage", Biometrika 81(3), 1994), computed by scikit-image. 0 for images
    too small or without detail.
    """
    from skimage.restoration import estimate_sigma

    if min(image.shape[:2]) < LEAST_SIDE:
        return 0.0
    if not (np.abs(np.diff(image, axis=0)).any() and np.abs(np.diff(image, axis=1)).any()):
        return 0.0
    found = float(estimate_sigma(image, average_sigmas=True, channel_axis=-1))
    return found if np.isfinite(found) else 0.0
