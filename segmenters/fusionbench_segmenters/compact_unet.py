"""A U-Net of .2 million parameters that a processor can train.

Reference:
    O. Ronneberger, P. Fischer, T. Brox: "U-Net: Convolutional networks for biomedical image segmentation",
    MICCAI 2015. Here with normalised layers, padded borders, a first step to half the size, and few channels.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import interpolate

STEPS = (1, 2, 3, 4)
"""Channels of each level, in widths; each level is half the size of the one before."""


class Block(nn.Module):
    """Two convolutions, each normalised and rectified; the first can halve the size."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, inputs, H, W)` to `(N, outputs, H / stride, W / stride)`."""
        found: torch.Tensor = self.layers(features)
        return found


class CompactUNet(nn.Module):
    """Four levels down to a sixteenth of the size, and up again beside what was seen on the way down.

    Args:
        classes: How many.
        width: Channels at half the size.
    """

    def __init__(self, classes: int, width: int) -> None:
        super().__init__()
        channels = [width * step for step in STEPS]
        self.down = nn.ModuleList(
            Block(inputs, outputs, stride=2)
            for inputs, outputs in zip([3, *channels[:-1]], channels, strict=True)
        )
        self.up = nn.ModuleList(
            Block(below + beside, beside)
            for below, beside in zip(channels[:0:-1], channels[-2::-1], strict=True)
        )
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """`(N, 3, H, W)`, sides multiples of 16, to logits `(N, classes, H, W)`."""
        levels = []
        features = images
        for block in self.down:
            features = block(features)
            levels.append(features)
        for block, beside in zip(self.up, levels[-2::-1], strict=True):
            larger = interpolate(features, scale_factor=2.0, mode="bilinear", align_corners=False)
            features = block(torch.cat([larger, beside], dim=1))
        return interpolate(self.head(features), scale_factor=2.0, mode="bilinear", align_corners=False)
