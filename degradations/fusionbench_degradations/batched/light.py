"""sRGB and linear light (IEC 61966-2-1) in torch."""

from __future__ import annotations

import torch


def to_linear(display: torch.Tensor) -> torch.Tensor:
    """Decode sRGB in [0, 1], any shape."""
    steep = ((display.clamp_min(0.04045) + 0.055) / 1.055) ** 2.4
    return torch.where(display <= 0.04045, display / 12.92, steep)


def to_display(linear: torch.Tensor) -> torch.Tensor:
    """Encode linear light, any shape, clipped to [0, 1]."""
    clipped = linear.clamp(0.0, 1.0)
    steep = 1.055 * clipped.clamp_min(0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(clipped <= 0.0031308, 12.92 * clipped, steep)


def rounded_to_levels(display: torch.Tensor) -> torch.Tensor:
    """Round values in [0, 1] half up to the 256 levels of an 8-bit image."""
    return torch.floor(display * 255.0 + 0.5) / 255.0
