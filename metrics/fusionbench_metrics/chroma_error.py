"""Chroma error: how far the colours of the fused image are from those of the clean visible image.

Reference:
    ITU-R BT.601 (luminance and colour difference), full range as in ITU-T T.871 (JPEG), equation for Cb, Cr.
"""

from __future__ import annotations

import math

import numpy as np

from fusionbench.contracts import MeasuredImage, MetricCard, SourceImages, Uint8Image
from fusionbench_metrics.gaussian_window import Array, row_bands

RED, GREEN, BLUE = 0.299, 0.587, 0.114
"""Weights of luminance (BT.601)."""

CB_DIVISOR, CR_DIVISOR = 2 * (1 - BLUE), 2 * (1 - RED)
"""1.772 and 1.402: what scales B - Y and R - Y to 255 levels."""

LARGEST = 510 * GREEN * math.hypot(1 / CB_DIVISOR, 1 / CR_DIVISOR)
"""Distance of green and magenta, 272.28. The colours fill a hexagon about grey, symmetric, so that its two
farthest points lie opposite each other; green is the corner farthest from grey."""

MINIMUM_SIZE = 1


def chroma_error(fused: Uint8Image, visible: Uint8Image) -> float:
    """Mean distance of two images in the plane of Cb and Cr.

    `Cb = (B - Y) / 1.772` and `Cr = (R - Y) / 1.402` with `Y = 0.299 R + 0.587 G + 0.114 B`: full-range
    BT.601, neither rounded nor shifted. A method that leaves colour alone gets exactly 0, except where its
    luminance drives a channel out of 0..255, because adding one number to R, G and B moves neither Cb nor Cr.

    It is not a colour difference such as CIEDE2000: those count lightness, which fusion changes by design,
    and their hue and chroma terms too change when lightness does. Cb and Cr are also what the field holds
    fixed when it fuses luminance alone.

    Args:
        fused: `(H, W, 3)` RGB or `(H, W)` grey uint8, any size; grey has no chroma.
        visible: The clean visible image, likewise.

    Returns:
        Grey levels, from 0 to 272.28 (green for magenta, everywhere).

    Raises:
        ValueError: If an image is not uint8 of these shapes, is empty, or the sizes differ.
    """
    _check(fused=fused, visible=visible)
    total = 0.0
    for band in row_bands(*fused.shape[:2]):
        # Differences of integers, so that equal chroma is exactly zero.
        red = _over_green(fused[band], 0) - _over_green(visible[band], 0)
        blue = _over_green(fused[band], 2) - _over_green(visible[band], 2)
        cb = ((1 - BLUE) * blue - RED * red) / CB_DIVISOR
        cr = ((1 - RED) * red - BLUE * blue) / CR_DIVISOR
        total += float(np.sqrt(cb * cb + cr * cr).sum())
    pixels: int = fused.shape[0] * fused.shape[1]
    return total / pixels


def _over_green(image: Uint8Image, channel: int) -> Array:
    """A channel minus green; zero in a grey image."""
    if image.ndim == 2:
        return np.zeros(image.shape)
    return np.subtract(image[..., channel], image[..., 1], dtype=np.float64)


def _check(**images: Uint8Image) -> None:
    first_name, first = next(iter(images.items()))
    for name, image in images.items():
        colour = image.ndim == 3 and image.shape[2] == 3
        if image.dtype != np.uint8 or not (colour or image.ndim == 2) or image.size == 0:
            raise ValueError(
                f"{name}: expected a uint8 image (H, W, 3) or (H, W), got {image.dtype} {image.shape}"
            )
        if image.shape[:2] != first.shape[:2]:
            raise ValueError(
                f"{name}: is {image.shape[1]}x{image.shape[0]} but {first_name} is "
                f"{first.shape[1]}x{first.shape[0]}; crop or resize them to one size"
            )


class ChromaError:
    """Chroma error of the fused image against the clean visible image."""

    card = MetricCard(
        name="chroma_error",
        title="Chroma error",
        label="Chroma err.",
        direction="lower",
        compares="clean",
        value_range=(0.0, LARGEST),
        minimum_size=MINIMUM_SIZE,
        summary="mean distance to the clean visible image in the (Cb, Cr) plane, full-range BT.601, 0..255",
        reference="ITU-R BT.601, full range as in ITU-T T.871",
        version="1",
        flat="a constant grey image has the mean chroma of the visible image",
        won_by="the visible image, and every image that keeps its chroma",
        example=15.9743,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image, in colour; see `chroma_error`."""
        return chroma_error(fused.rgb, sources.visible.rgb)
