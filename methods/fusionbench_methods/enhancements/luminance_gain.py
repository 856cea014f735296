"""Change the luminance of an image and keep the ratios of its colours."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import Uint8Image
from fusionbench.images import luminance, quantise

Luma = NDArray[np.float64]
"""Luminance `(H, W)` in [0, 1]."""


def with_luminance(visible: Uint8Image, change: Callable[[Luma], Luma]) -> Uint8Image:
    """Give an image the luminance that `change` makes of its own.

    Channels are multiplied by the ratio of both, so hue and saturation stay; where a channel would exceed
    white the pixel loses saturation as in a photograph. Black becomes grey of the new luminance.

    Args:
        visible: RGB `(H, W, 3)`.
        change: From luminance in [0, 1] to luminance in [0, 1].
    """
    image = visible.astype(np.float64) / 255
    before = luminance(image).clip(0.0, 1.0)
    after = change(before)[..., None]
    dark = before[..., None] < 0.5 / 255
    scaled = image * (after / np.where(dark, 1.0, before[..., None]))
    return quantise(255 * np.where(dark, after, scaled))
