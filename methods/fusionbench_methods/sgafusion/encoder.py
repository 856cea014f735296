"""The encoder (figure 1): four convolutions with adapters, one set of weights for visible and infrared.

Only the visible image passes the shallow mixture of experts.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn.functional import leaky_relu

from fusionbench_methods.sgafusion.common_adapter import common_adapter
from fusionbench_methods.sgafusion.configuration import SGAFusionConfiguration
from fusionbench_methods.sgafusion.precision import full_precision
from fusionbench_methods.sgafusion.shallow_experts import SLOPE, ShallowMixture, convolution


class Encoded(NamedTuple):
    """What the encoder makes of one image."""

    features: torch.Tensor
    """`(N, C4, H, W)`."""
    skip: torch.Tensor
    """Features after the third adapter, `(N, C3, H, W)`, for the decoder."""


class Convolution(nn.Module):
    """A 3x3 convolution and a leaky rectifier; the inner name is that of the released checkpoint."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = convolution(inputs, outputs, 3)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, inputs, H, W)` to `(N, outputs, H, W)`."""
        return leaky_relu(self.conv(features), SLOPE)


class Encoder(nn.Module):
    """Full resolution throughout: no pooling, no normalisation."""

    def __init__(self, configuration: SGAFusionConfiguration) -> None:
        super().__init__()
        first, second, third, fourth = configuration.widths
        self.conv1 = Convolution(3, first)
        self.moe1 = ShallowMixture(first, configuration) if configuration.experts else nn.Identity()
        self.conv2 = Convolution(first, second)
        self.moe2 = common_adapter(second, configuration)
        self.conv3 = Convolution(second, third)
        self.moe3 = common_adapter(third, configuration)
        self.conv4 = Convolution(third, fourth)
        self.moe4 = common_adapter(fourth, configuration)

    def encode_visible(self, visible: torch.Tensor) -> Encoded:
        """Encode RGB `(N, 3, H, W)` in [0, 1]."""
        shallow = self.conv1(visible)
        with full_precision(visible):
            mixed = self.moe1(shallow.float() if visible.dtype == torch.float32 else shallow)
        return self._deeper(mixed)

    def encode_infrared(self, infrared: torch.Tensor) -> Encoded:
        """Encode infrared `(N, 1, H, W)` in [0, 1], repeated to three channels."""
        return self._deeper(self.conv1(infrared.expand(-1, 3, -1, -1)))

    def _deeper(self, features: torch.Tensor) -> Encoded:
        skip = self.moe3(self.conv3(self.moe2(self.conv2(features))))
        return Encoded(self.moe4(self.conv4(skip)), skip)
