"""Airlight: the light that haze scatters towards the camera, estimated from the pair."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import ImagePair, Uint8Image
from fusionbench.degrading import is_monochrome, srgb_to_linear
from fusionbench_degradations.filters import gaussian, nearest_rank

_FRACTION = 16
"""Fixed point of the blurred luminance: sixteenths of a level."""

_GAIN, _RANK = 1.05, 0.99
_DARKEST, _BRIGHTEST = 0.25, 0.95
_TINT = (0.985, 1.0, 1.01)
_GREY = (1.0, 1.0, 1.0)


def visible_airlight(pair: ImagePair, luma: Uint8Image) -> NDArray[np.float32]:
    """Airlight of the visible image, `(3,)` in linear light.

    In sRGB: 1.05 times the 99th percentile of the luminance blurred by a sixteenth of the height, within
    [0.25, 0.95], slightly bluish (neutral for a grey camera).

    Args:
        pair: The clean pair.
        luma: Its luminance, `(H, W)`.
    """
    blurred = gaussian(luma.astype(np.int32) * _FRACTION, pair.size[0] / 16)
    bright = _GAIN * nearest_rank(blurred, _RANK) / (_FRACTION * 255.0)
    level = min(max(bright, _DARKEST), _BRIGHTEST)
    tint = _GREY if is_monochrome(pair.visible) else _TINT
    return np.array([srgb_to_linear(level * channel) for channel in tint], dtype=np.float32)


def infrared_airlight(pair: ImagePair) -> float:
    """Level towards which haze veils the infrared image, in [0, 1]: its mean.

    The path emits at the temperature of the air, which automatic gain control does not reveal; the mean of
    the scene is its nearest stand-in.
    """
    total = int(pair.infrared.sum(dtype=np.int64))
    return total / (pair.infrared.size * 255.0)
