"""Between sRGB and linear light, and luminance (IEC 61966-2-1, ITU-R BT.601), in torch."""

from __future__ import annotations

import torch

LUMINANCE = (0.299, 0.587, 0.114)
"""Of red, green and blue, as every metric and method of the field weighs them."""

BLUE_SCALE, RED_SCALE = 1.772, 1.402
"""Cb is (B - Y) / 1.772, Cr is (R - Y) / 1.402."""

_TINY = 1e-6
"""Keeps the slope of powers finite at 0."""


def to_linear(display: torch.Tensor) -> torch.Tensor:
    """From sRGB in [0, 1] to linear light in [0, 1]."""
    bright = ((display + 0.055) / 1.055).clamp(min=_TINY) ** 2.4
    return torch.where(display <= 0.04045, display / 12.92, bright)


def to_display(linear: torch.Tensor) -> torch.Tensor:
    """From linear light to sRGB in [0, 1]; light outside [0, 1] is cut off."""
    light = linear.clamp(0.0, 1.0)
    bright = 1.055 * light.clamp(min=_TINY) ** (1 / 2.4) - 0.055
    return torch.where(light <= 0.0031308, 12.92 * light, bright)


def luminance(colour: torch.Tensor) -> torch.Tensor:
    """Y `(N, 1, H, W)` of RGB `(N, 3, H, W)`."""
    red, green, blue = colour.chunk(3, dim=1)
    weighted: torch.Tensor = LUMINANCE[0] * red + LUMINANCE[1] * green + LUMINANCE[2] * blue
    return weighted


def chroma(colour: torch.Tensor, luma: torch.Tensor) -> torch.Tensor:
    """Cb and Cr `(N, 2, H, W)` of RGB with luminance `luma`, centred at 0."""
    blue = (colour[:, 2:] - luma) / BLUE_SCALE
    red = (colour[:, :1] - luma) / RED_SCALE
    return torch.cat([blue, red], dim=1)


def from_luminance_and_chroma(luma: torch.Tensor, chroma_planes: torch.Tensor) -> torch.Tensor:
    """RGB `(N, 3, H, W)` of Y and centred Cb, Cr; not clamped."""
    blue = luma + BLUE_SCALE * chroma_planes[:, :1]
    red = luma + RED_SCALE * chroma_planes[:, 1:]
    green = (luma - LUMINANCE[0] * red - LUMINANCE[2] * blue) / LUMINANCE[1]
    return torch.cat([red, green, blue], dim=1)
