"""The common mixture adapter (figure 2): narrow experts after a convolution, gated at every pixel."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import leaky_relu

from fusionbench_methods.sgafusion.configuration import SGAFusionConfiguration
from fusionbench_methods.sgafusion.shallow_experts import SLOPE, convolution, mixed

ADAPTER_SLOPE = 0.2
"""Of the leaky rectifier after the sum, and of those of the decoder."""


class CommonExpert(nn.Sequential):
    """C -> C / reduction -> C."""

    def __init__(self, width: int, narrow: int) -> None:
        super().__init__(
            convolution(width, narrow, 3),
            nn.LeakyReLU(SLOPE),
            convolution(narrow, width, 3),
            nn.LeakyReLU(SLOPE),
        )

    @property
    def convolutions(self) -> tuple[nn.Module, nn.Module]:
        """The narrowing and the widening one."""
        return self[0], self[2]


class CommonAdapter(nn.Module):
    """Several common experts, summed by a softmax gate; no residual, as released and drawn."""

    def __init__(self, width: int, configuration: SGAFusionConfiguration) -> None:
        super().__init__()
        narrow = width // configuration.reduction
        self.experts = nn.ModuleList(CommonExpert(width, narrow) for _ in range(configuration.experts))
        self.gating_network = convolution(width, configuration.experts, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, C, H, W)` to `(N, C, H, W)`."""
        gate = self.gating_network(features).softmax(dim=1)
        return leaky_relu(mixed([expert(features) for expert in self.experts], gate), ADAPTER_SLOPE)


def common_adapter(width: int, configuration: SGAFusionConfiguration) -> nn.Module:
    """The adapter, or nothing in its place where the configuration has no experts."""
    return CommonAdapter(width, configuration) if configuration.experts else nn.Identity()
