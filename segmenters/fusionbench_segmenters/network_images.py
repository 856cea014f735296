"""Images as networks see them: normalised, with sides that are multiples of the network's largest stride."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from fusionbench.contracts import Uint8Image

if TYPE_CHECKING:
    import torch

MEAN = (0.485, 0.456, 0.406)
SPREAD = (0.229, 0.224, 0.225)
"""Of ImageNet, in RGB from 0 to 1. The same for every method: statistics of its own would favour each."""

SIDE = 16
"""Sides of what a network sees are multiples of it."""


def padded_size(height: int, width: int) -> tuple[int, int]:
    """The smallest height and width that hold an image and are multiples of `SIDE`."""
    return -(-height // SIDE) * SIDE, -(-width // SIDE) * SIDE


def normalised(images: torch.Tensor) -> torch.Tensor:
    """`(N, H, W, 3)` uint8 to `(N, 3, H, W)` float32."""
    planes = images.permute(0, 3, 1, 2).contiguous().float() / 255.0
    mean, spread = (planes.new_tensor(values).view(1, 3, 1, 1) for values in (MEAN, SPREAD))
    return (planes - mean) / spread


def segmented(image: Uint8Image, logits: Callable[[torch.Tensor], torch.Tensor], device: str) -> Uint8Image:
    """The likeliest class of every pixel, at the image's own size.

    Args:
        image: RGB `(H, W, 3)`; its last row and column are repeated where sides have to grow.
        logits: The network, from `(N, 3, H, W)` normalised images to `(N, classes, H, W)`.
        device: Where it is.

    Returns:
        `(H, W)`: places of classes, the first of equals.
    """
    import torch

    height, width = image.shape[:2]
    rows, columns = padded_size(height, width)
    grown = np.pad(image, ((0, rows - height), (0, columns - width), (0, 0)), mode="edge")
    with torch.inference_mode():
        found = logits(normalised(torch.from_numpy(grown)[None].to(device)))[0, :, :height, :width]
        places: Uint8Image = found.argmax(dim=0).to(torch.uint8).cpu().numpy()
    return places
