"""OpenCV's 8-bit conversions between RGB and luminance with chroma, which several published scripts use.

Integers with 14 fractional bits, rounded half up: the definitions are in OpenCV's documentation of `cvtColor`
(RGB to YCrCb), the rounding was measured.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import Uint8Image

BITS = 14
MIDDLE = 128
"""Of Cr and Cb."""


def split_opencv(rgb: Uint8Image) -> Uint8Image:
    """8-bit Y, Cr, Cb `(H, W, 3)` of RGB, as `cvtColor(..., COLOR_RGB2YCrCb)` gives them."""
    channels = rgb.astype(np.int64)
    luma = _rounded(channels @ np.array([_fixed(weight) for weight in (0.299, 0.587, 0.114)]))
    red, blue = channels[..., 0] - luma, channels[..., 2] - luma
    planes = (luma, _rounded(red * _fixed(0.713)) + MIDDLE, _rounded(blue * _fixed(0.564)) + MIDDLE)
    return _saturated(np.stack(planes, axis=-1))


def join_opencv(planes: Uint8Image) -> Uint8Image:
    """8-bit RGB `(H, W, 3)` of Y, Cr, Cb, as `cvtColor(..., COLOR_YCrCb2RGB)` gives it."""
    luma, red, blue = np.moveaxis(planes.astype(np.int64), -1, 0)
    red, blue = red - MIDDLE, blue - MIDDLE
    channels = (
        luma + _rounded(red * _fixed(1.403)),
        luma + _rounded(blue * _fixed(-0.344) + red * _fixed(-0.714)),
        luma + _rounded(blue * _fixed(1.773)),
    )
    return _saturated(np.stack(channels, axis=-1))


def _fixed(weight: float) -> int:
    return round(weight * (1 << BITS))


def _rounded(values: NDArray[np.int64]) -> NDArray[np.int64]:
    rounded: NDArray[np.int64] = (values + (1 << (BITS - 1))) >> BITS
    return rounded


def _saturated(values: NDArray[np.int64]) -> Uint8Image:
    image: Uint8Image = values.clip(0, 255).astype(np.uint8)
    return image
