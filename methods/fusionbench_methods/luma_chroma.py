"""The conversions between RGB and luminance with chroma that published scripts use.

Each is as inexact as in the scripts that use it: official output repeats their rounding.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import Uint8Image

Plane = NDArray[np.float32]
"""One channel `(H, W)`."""


class LumaChroma(NamedTuple):
    """An image as the SeAFusion family of scripts has it, each plane in [0, 1]."""

    luma: Plane
    red: Plane
    """Cr, around 0.5."""
    blue: Plane
    """Cb, around 0.5."""


def split_luma_chroma(rgb: Uint8Image) -> LumaChroma:
    """From 8-bit RGB `(H, W, 3)`, in float32, cut off to [0, 1] (the scripts of SeAFusion, SHIP, ...)."""
    red, green, blue = (rgb.astype(np.float32) / np.float32(255)).transpose(2, 0, 1)
    luma = np.float32(0.299) * red + np.float32(0.587) * green + np.float32(0.114) * blue
    planes = (luma, (red - luma) * np.float32(0.713) + 0.5, (blue - luma) * np.float32(0.564) + 0.5)
    return LumaChroma(*(plane.clip(0.0, 1.0).astype(np.float32) for plane in planes))


def join_luma_chroma(luma: Plane, red: Plane, blue: Plane) -> NDArray[np.float32]:
    """RGB `(H, W, 3)` float32 in [0, 1]: the inverse of `split_luma_chroma` to about a grey level."""
    cr, cb = red - np.float32(0.5), blue - np.float32(0.5)
    channels = (
        luma + np.float32(1.403) * cr,
        luma - np.float32(0.714) * cr - np.float32(0.344) * cb,
        luma + np.float32(1.773) * cb,
    )
    joined: NDArray[np.float32] = np.stack(channels, axis=-1).clip(0.0, 1.0).astype(np.float32)
    return joined


def grey_pillow(rgb: Uint8Image) -> Uint8Image:
    """Grey `(H, W)` as Pillow's `convert("L")` rounds it."""
    from PIL import Image

    return np.asarray(Image.fromarray(rgb).convert("L"))


def grey_opencv(rgb: Uint8Image) -> Uint8Image:
    """Grey `(H, W)` as OpenCV's `cvtColor(..., COLOR_BGR2GRAY)` rounds it: 15-bit weights, half up."""
    weights, half = np.array([9798, 19235, 3735], dtype=np.int64), 1 << 14
    grey: Uint8Image = ((rgb.astype(np.int64) @ weights + half) >> 15).astype(np.uint8)
    return grey
