"""What is wrong with a frame, and how much of it: read off a thumbnail of the whole frame.

A crop lacks what tells haze from a pale wall, or dusk from a lens cap; networks that learn transmission on
crops get worse at it. So the dehaze and the low-light expert (figure 3) have their estimating half here, on
64 x 48 cells of the whole frame, and their physical half in `restoration`, on the image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import adaptive_avg_pool2d, pixel_shuffle, pixel_unshuffle, relu

from fusionbench_methods.sgafusion.fixed.configuration import FixedConfiguration
from fusionbench_methods.sgafusion.fixed.light import luminance, to_display, to_linear

THUMBNAIL = (48, 64)
"""Rows and columns of the thumbnail, whatever the image's shape."""

LARGEST_EXPOSURE = 6.0
"""Stops the low-light expert can give back."""

GATES = ("haze", "low_light", "damaged")

DEAD_ZONE = 0.15
"""A gate is 0 below this probability and 1 above 1 minus it, so that a clean frame stays untouched."""

SMALLEST_LIGHT = 1e-3

LOW_LIGHT_PRIOR, AIRLIGHT_PRIOR, TRANSMISSION_PRIOR = -0.5, 1.0, 1.0
"""Logits the heads start from: some two stops, a light grey, a thin haze."""


@dataclass(frozen=True)
class Thumbnail:
    """A pair averaged over the cells of a grid, in linear light."""

    visible: torch.Tensor
    """`(N, 3, 48, 64)` linear light."""
    infrared: torch.Tensor
    """`(N, 1, 48, 64)`."""

    @classmethod
    def of(cls, visible: torch.Tensor, infrared: torch.Tensor) -> Thumbnail:
        """Average images `(N, 3, H, W)` sRGB and `(N, 1, H, W)` over the grid."""
        light = adaptive_avg_pool2d(to_linear(visible), THUMBNAIL)
        return cls(light, adaptive_avg_pool2d(infrared, THUMBNAIL))


@dataclass(frozen=True)
class FrameEstimate:
    """What the experts say of frames; one a sample."""

    gates: torch.Tensor
    """`(N, 3)` in [0, 1]: how sure it is of haze, of darkness, of any damage at all."""
    exposure: torch.Tensor
    """`(N,)`: stops of light that are missing, should it be dark."""
    airlight: torch.Tensor
    """`(N, 3)` linear light, should there be haze."""
    transmission: torch.Tensor
    """`(N, 1, h, w)` in (0, 1), should there be haze: of the thumbnail, or of an image."""

    def gate(self, name: str) -> torch.Tensor:
        """One of `GATES`, `(N, 1, 1, 1)`."""
        return self.gates[:, GATES.index(name), None, None, None]


class FrameExperts(nn.Module):
    """Estimates of haze and darkness from thumbnails and the embedding."""

    def __init__(self, configuration: FixedConfiguration) -> None:
        super().__init__()
        embedding, width = configuration.embedding_width, configuration.transmission_width
        self.gating = nn.Linear(embedding, len(GATES))
        self.scene = SceneNetwork(embedding)
        self.dehaze = TransmissionNetwork(embedding, width)

    def forward(
        self, thumbnail: Thumbnail, embedding: torch.Tensor, gates: torch.Tensor | None = None
    ) -> FrameEstimate:
        """Estimate.

        Args:
            thumbnail: Of the whole frames.
            embedding: Of the visible images, `(N, E)`.
            gates: Taken instead of its own, `(N, 3)`: for training, where they are known.
        """
        exposure, airlight = self.scene(thumbnail, embedding)
        chosen = self.gates(embedding) if gates is None else gates
        # What haze there is shows in the light there was.
        gain = torch.exp2(chosen[:, GATES.index("low_light")] * exposure)[:, None, None, None]
        brightened = Thumbnail(thumbnail.visible * gain.detach(), thumbnail.infrared)
        return FrameEstimate(chosen, exposure, airlight, self.dehaze(brightened, embedding))

    def gates(self, embedding: torch.Tensor) -> torch.Tensor:
        """The gates by the embedding alone, `(N, 3)`."""
        probability = self.gating(embedding).sigmoid()
        gates: torch.Tensor = ((probability - DEAD_ZONE) / (1.0 - 2 * DEAD_ZONE)).clamp(0.0, 1.0)
        return gates


class SceneNetwork(nn.Module):
    """Missing stops of light and airlight: one number and one colour a frame."""

    WIDTHS = (24, 40, 48)

    def __init__(self, embedding: int) -> None:
        super().__init__()
        first, second, third = self.WIDTHS
        self.layers = nn.Sequential(
            nn.Conv2d(5, first, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(first, second, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(second, third, 3, stride=2, padding=1),
            nn.ReLU(),
        )
        self.hidden = nn.Linear(2 * third, 64)
        self.told = nn.Linear(embedding, 64, bias=False)
        self.head = nn.Linear(64, 4)
        with torch.no_grad():
            self.head.bias.copy_(torch.tensor([LOW_LIGHT_PRIOR] + 3 * [AIRLIGHT_PRIOR]))

    def forward(self, thumbnail: Thumbnail, embedding: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Stops `(N,)` and airlight `(N, 3)` in linear light."""
        features = self.layers(_colours(thumbnail))
        pooled = torch.cat([features.mean(dim=(2, 3)), features.amax(dim=(2, 3))], dim=1)
        values = self.head(relu(self.hidden(pooled) + self.told(embedding))).sigmoid()
        return LARGEST_EXPOSURE * values[:, 0], to_linear(values[:, 1:])


class TransmissionNetwork(nn.Module):
    """Transmission of every cell: residual convolutions at half its size, dilated to see the whole frame."""

    DILATIONS = (1, 2, 4, 8, 4, 2)

    def __init__(self, embedding: int, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(4 * 8, width, 3, padding=1)
        self.told = nn.Linear(embedding, width)
        self.layers = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation) for dilation in self.DILATIONS
        )
        self.last = nn.Conv2d(width, 4, 3, padding=1)
        nn.init.constant_(self.last.bias, TRANSMISSION_PRIOR)  # type: ignore[arg-type]

    def forward(self, thumbnail: Thumbnail, embedding: torch.Tensor) -> torch.Tensor:
        """`(N, 1, 48, 64)` in (0, 1)."""
        seen = torch.cat([_colours(thumbnail), _darkest(thumbnail), _coordinates(thumbnail)], dim=1)
        features = relu(self.first(pixel_unshuffle(seen, 2)) + self.told(embedding)[:, :, None, None])
        for layer in self.layers:
            features = features + relu(layer(features))
        transmission: torch.Tensor = pixel_shuffle(self.last(features), 2).sigmoid()
        return transmission


def _colours(thumbnail: Thumbnail) -> torch.Tensor:
    """sRGB, infrared, and luminance on a scale of stops, `(N, 5, 48, 64)`."""
    light = luminance(thumbnail.visible).clamp(min=0.0)
    stops = torch.log2(light + SMALLEST_LIGHT) / 5.0 + 1.0
    return torch.cat([to_display(thumbnail.visible), thumbnail.infrared, stops], dim=1)


def _darkest(thumbnail: Thumbnail) -> torch.Tensor:
    """The darkest channel, which haze lightens (He, Sun, Tang, CVPR 2009), `(N, 1, 48, 64)`."""
    return to_display(thumbnail.visible).amin(dim=1, keepdim=True)


def _coordinates(thumbnail: Thumbnail) -> torch.Tensor:
    """Row in [-1, 1] and distance from the middle column, `(N, 2, 48, 64)`."""
    count, _, height, width = thumbnail.infrared.shape
    device = thumbnail.infrared.device
    rows = torch.linspace(-1, 1, height, device=device)[:, None].expand(height, width)
    columns = torch.linspace(-1, 1, width, device=device).abs().expand(height, width)
    return torch.stack([rows, columns]).expand(count, 2, height, width)


def stops_missing(exposure: float) -> float:
    """From a factor of light to stops: what the low-light expert is to say of it."""
    return -math.log2(exposure)
