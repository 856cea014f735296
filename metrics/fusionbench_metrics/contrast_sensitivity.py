"""The eye's contrast sensitivity as a filter of frequencies, and the stretch before it, for Qcb and Qcv."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from fusionbench.contracts import Uint8Image

Array = NDArray[np.float64]


def stretched(image: Uint8Image) -> Uint8Image:
    """Stretch the grey levels so that they reach from 0 to 255, rounded (a half up).

    A constant image, for which the stretch is 0 / 0, becomes black: its level is its lowest.

    Args:
        image: uint8, any shape.
    """
    lowest, highest = int(image.min()), int(image.max())
    if (lowest, highest) == (0, 255):
        return image
    span = max(highest - lowest, 1)
    # Integers only, so that a half is a half.
    levels = (510 * (np.arange(256) - lowest) + span) // (2 * span)
    return np.clip(levels, 0, 255).astype(np.uint8)[image]


def cycles_per_degree(length: int, visual_angle: float) -> Array:
    """Frequencies of the discrete Fourier transform along one axis, the zero frequency first.

    Args:
        length: Pixels.
        visual_angle: Degrees under which they are seen.
    """
    cycles = np.fft.fftfreq(length, 1 / length)
    return np.asarray(cycles / visual_angle, dtype=np.float64)


def filtered(image: NDArray[np.uint8] | Array, sensitivity: Array) -> Array:
    """Multiply the spectrum of an image; beyond its border, the image repeats.

    Args:
        image: `(H, W)`.
        sensitivity: `(H, W // 2 + 1)`, even in both frequencies, as `scipy.fft.rfft2` lays them out.

    Returns:
        `(H, W)`.
    """
    spectrum = fft.rfft2(image.astype(np.float64))
    spectrum *= sensitivity
    result: Array = fft.irfft2(spectrum, s=image.shape)
    return result
