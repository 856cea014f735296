"""Convolutions of images that are mirrored at their edges, for images of any size.

torch's own reflection refuses images that are not larger than the rim; here they are mirrored to and fro, and
an image one pixel wide is repeated.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn


class Rim(nn.Module):
    """Adds a rim of mirrored pixels.

    Args:
        left: Columns before the first; the other three sides likewise.
        right: Columns behind the last.
        top: Rows above the first.
        bottom: Rows below the last.
    """

    def __init__(self, left: int, right: int, top: int, bottom: int) -> None:
        super().__init__()
        self.sides = (left, right, top, bottom)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """`(N, C, H, W)` to `(N, C, top + H + bottom, left + W + right)`."""
        return reflected(image, *self.sides)


class ReflectedConvolution(nn.Module):
    """A 3x3 convolution that keeps the size."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv2d = nn.Conv2d(inputs, outputs, 3)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, inputs, H, W)` to `(N, outputs, H, W)`."""
        convolved: torch.Tensor = self.conv2d(reflected(features, 1, 1, 1, 1))
        return convolved


def reflected(image: torch.Tensor, left: int, right: int, top: int, bottom: int) -> torch.Tensor:
    """An image `(N, C, H, W)` with a rim of mirrored pixels; the edge itself is not repeated."""
    height, width = image.shape[-2:]
    if max(left, right) < width and max(top, bottom) < height:
        return nn.functional.pad(image, (left, right, top, bottom), mode="reflect")
    rows = reflected_order(height, top, bottom, image.device)
    return image.index_select(-2, rows).index_select(-1, reflected_order(width, left, right, image.device))


def reflected_order(size: int, before: int, behind: int, device: torch.device) -> torch.Tensor:
    """Numbers of the pixels along one side of an image with a mirrored rim."""
    # numpy mirrors to and fro as often as it takes.
    return torch.from_numpy(np.pad(np.arange(size), (before, behind), mode="reflect")).to(device)
