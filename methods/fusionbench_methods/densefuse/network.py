"""The autoencoder.

Reference:
    H. Li, X.-J. Wu: "DenseFuse: A Fusion Approach to Infrared and Visible Images", IEEE TIP 28(5), 2019,
    sections III-A and III-B. Tensors carry the names of the authors' torch checkpoint, so that it loads.
"""

from __future__ import annotations

import torch
from torch import nn

LEVELS = 255.0
"""The authors' network takes and gives grey levels."""


class ReflectedConvolution(nn.Module):
    """A 3x3 convolution over a mirrored border, and a rectifier; after the last layer as well."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        # An image of one row has nothing to mirror; the border is repeated in `DenseFuseNet` then.
        self.conv2d = nn.Conv2d(inputs, outputs, 3)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, inputs, H, W)` to `(N, outputs, H, W)`."""
        mirrors = min(features.shape[2:]) > 1
        padded = nn.functional.pad(features, (1, 1, 1, 1), mode="reflect" if mirrors else "replicate")
        rectified: torch.Tensor = self.conv2d(padded).relu()
        return rectified


class DenseConvolution(nn.Module):
    """A convolution whose output follows its input."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.dense_conv = ReflectedConvolution(inputs, outputs)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, C, H, W)` to `(N, C + outputs, H, W)`."""
        return torch.cat([features, self.dense_conv(features)], dim=1)


class DenseBlock(nn.Module):
    """Three dense convolutions."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.denseblock = nn.Sequential(*(DenseConvolution(width * count, width) for count in (1, 2, 3)))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, width, H, W)` to `(N, 4 width, H, W)`."""
        dense: torch.Tensor = self.denseblock(features)
        return dense


class DenseFuseNet(nn.Module):
    """Encoder and decoder for grey images; 74,193 weights."""

    WIDTH = 16

    def __init__(self) -> None:
        super().__init__()
        width = self.WIDTH
        self.conv1 = ReflectedConvolution(1, width)
        self.DB1 = DenseBlock(width)
        self.conv2 = ReflectedConvolution(4 * width, 4 * width)
        self.conv3 = ReflectedConvolution(4 * width, 2 * width)
        self.conv4 = ReflectedConvolution(2 * width, width)
        self.conv5 = ReflectedConvolution(width, 1)

    def encode(self, grey: torch.Tensor) -> torch.Tensor:
        """From `(N, 1, H, W)` in [0, 1] to features `(N, 64, H, W)`."""
        dense: torch.Tensor = self.DB1(self.conv1(grey * LEVELS))
        return dense

    def decode(self, features: torch.Tensor) -> torch.Tensor:
        """From features to `(N, 1, H, W)`, from 0 to about 1."""
        decoded: torch.Tensor = self.conv5(self.conv4(self.conv3(self.conv2(features))))
        return decoded / LEVELS

    def forward(self, grey: torch.Tensor) -> torch.Tensor:
        """The image again, for training."""
        return self.decode(self.encode(grey))

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Decode the mean of both images' features (the strategy `addition`)."""
        return self.decode((self.encode(visible) + self.encode(infrared)) / 2)
