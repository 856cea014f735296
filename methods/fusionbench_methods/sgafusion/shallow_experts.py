"""The shallow mixture of experts (figure 3): dehaze, low-light and base, on the visible image's features.

Equations:
    dehaze      (x - A) / t + A, the scattering model of Koschmieder solved for the scene, on features:
                transmission t a map, airlight A one number an image.
    low light   y <- y + r (y^2 - y), eight times, r a map each time: the curve of Zero-DCE (C. Guo et al.,
                CVPR 2020), plus the input.
    base        one convolution.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import adaptive_avg_pool2d, leaky_relu

from fusionbench_methods.sgafusion.configuration import Curve, SGAFusionConfiguration

TRANSMISSION_FLOOR = 0.1
"""A transmission below it would amplify features, and their noise, more than tenfold."""

SLOPE = 0.01
"""Of the leaky rectifiers of the encoder."""

CURVE_OFFSET = 1e-6
"""The released curve adds it to `y^2 - y`."""


def convolution(inputs: int, outputs: int, kernel: int) -> nn.Conv2d:
    """A convolution that keeps height and width, with zeros beyond the border."""
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)


class DehazeExpert(nn.Module):
    """Estimates transmission and airlight from the features, and takes the haze out of them.

    The layers carry the names of the released checkpoint.
    """

    def __init__(self, width: int, configuration: SGAFusionConfiguration) -> None:
        super().__init__()
        kernel, grid = configuration.dehaze_kernel, configuration.airlight_grid
        self.conv2 = convolution(width, 2 * width, 3)
        self.conv3 = convolution(2 * width, 4 * width, kernel)
        self.conv4 = convolution(4 * width, 2 * width, kernel)
        self.conv5 = convolution(2 * width, 1, 1)
        self.fc1 = nn.Linear(2 * width * grid * grid, configuration.airlight_hidden)
        self.fc2 = nn.Linear(configuration.airlight_hidden, 1)
        self.grid = grid
        self.collapses = configuration.airlight_collapses
        if not self.collapses:
            nn.init.normal_(self.fc1.weight)
            for start in (self.fc1.bias, self.fc2.weight, self.fc2.bias):
                nn.init.zeros_(start)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, C, H, W)` to `(N, C, H, W)`; values are not clamped."""
        haze = self.haze_features(leaky_relu(self.conv2(features), SLOPE))
        airlight = self.airlight(adaptive_avg_pool2d(haze, self.grid))
        return (features - airlight) / self.transmission(haze) + airlight

    def haze_features(self, first: torch.Tensor) -> torch.Tensor:
        """From the activated output of the first convolution, `(N, 2C, H, W)`, to `(N, 2C, H, W)`."""
        second = leaky_relu(self.conv3(first), SLOPE)
        return leaky_relu(self.conv4(second), SLOPE)

    def transmission(self, haze: torch.Tensor) -> torch.Tensor:
        """`(N, 1, H, W)`, from `TRANSMISSION_FLOOR` to 1."""
        transmission: torch.Tensor = self.conv5(haze).sigmoid().clamp(min=TRANSMISSION_FLOOR)
        return transmission

    def airlight(self, cells: torch.Tensor) -> torch.Tensor:
        """From haze features averaged over a grid of cells, `(N, 2C, G, G)`, to `(N, 1, 1, 1)` in (0, 1)."""
        values = cells.flatten(1)
        if self.collapses:
            logit = self.fc2(self.fc1(values).sigmoid())
        else:
            hidden = leaky_relu(self.fc1(values / self.fc1.in_features**0.5), SLOPE)
            logit = self.fc2(hidden / self.fc2.in_features**0.5)
        airlight: torch.Tensor = logit.sigmoid()[:, :, None, None]
        return airlight


class LowLightExpert(nn.Module):
    """Brightens the features by a curve with a parameter of its own at every pixel and step."""

    def __init__(self, width: int, configuration: SGAFusionConfiguration) -> None:
        super().__init__()
        self.conv3 = convolution(width, 2 * width, 3)
        self.conv4 = convolution(2 * width, width, 1)
        self.conv5 = convolution(width, configuration.curve_steps, 1)
        self.range: Curve = configuration.curve

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, C, H, W)` to `(N, C, H, W)`."""
        return self.brightened(features, self.steps(leaky_relu(self.conv3(features), SLOPE)))

    def steps(self, first: torch.Tensor) -> torch.Tensor:
        """The curve's steps `(N, 8, H, W)`, from the activated output of the first convolution."""
        raw = leaky_relu(self.conv5(leaky_relu(self.conv4(first), SLOPE)), SLOPE)
        return raw.sigmoid() if self.range == "sigmoid" else raw.tanh()

    def brightened(self, features: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
        """Apply the curve's steps `(N, 8, H, W)` to the features `(N, C, H, W)`."""
        curve = _released_curve if self.range == "sigmoid" else _curve
        return curve(features, steps)


def _released_curve(features: torch.Tensor, curves: torch.Tensor) -> torch.Tensor:
    """Steps in (0, 1) lower every value in (0, 1); every step is cut off to [0, 1], as released."""
    value = features
    for step in curves.chunk(curves.shape[1], dim=1):
        value = (value + step * (value * value - value + CURVE_OFFSET)).clamp(0, 1)
    return value + features


def _curve(features: torch.Tensor, curves: torch.Tensor) -> torch.Tensor:
    """Steps in (-1, 1) map [0, 1] onto itself, so the start alone is cut off."""
    value = features.clamp(0, 1)
    for step in curves.chunk(curves.shape[1], dim=1):
        value = value + step * (value * value - value)
    return value + features


class ShallowMixture(nn.Module):
    """The three shallow experts, weighted at every pixel by a softmax gate."""

    def __init__(self, width: int, configuration: SGAFusionConfiguration) -> None:
        super().__init__()
        self.dehazenet = DehazeExpert(width, configuration)
        self.lownet = LowLightExpert(width, configuration)
        self.experts = convolution(width, width, configuration.base_kernel)
        self.gating_network = convolution(width, 3, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, C, H, W)` to `(N, C, H, W)`.

        In the precision of its weights even under autocast: dividing by a transmission of 0.1 amplifies
        rounding tenfold.
        """
        with torch.autocast(features.device.type, enabled=False):
            features = features.to(self.gating_network.weight.dtype)
            gate = self.gating_network(features).softmax(dim=1)
            experts = (self.dehazenet(features), self.lownet(features), self.experts(features))
            return leaky_relu(mixed(experts, gate), SLOPE)


def mixed(experts: tuple[torch.Tensor, ...] | list[torch.Tensor], gate: torch.Tensor) -> torch.Tensor:
    """Sum of the experts' maps `(N, C, H, W)`, each weighted by its channel of the gate `(N, E, H, W)`."""
    first, *others = experts
    total = gate[:, :1] * first
    for index, expert in enumerate(others, start=1):
        total = torch.addcmul(total, gate[:, index : index + 1], expert)
    return total
