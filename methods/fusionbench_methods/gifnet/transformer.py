"""The transformer of GIFNet, of which one branch is for infrared-visible and one for multi-focus fusion.

Both see the same features. The fused image comes out of the second, which looks at the first.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from fusionbench_methods.gifnet.windows import WINDOW, attended, strips

WIDTH = 98
"""Channels of the features."""

HEADS = 2
"""Of the attention."""

RADIUS = 2
"""Of the convolution beside the attention."""

SMALLEST_VARIANCE = 1e-5
"""Added to the variance of an image."""


class RescaledNormalisation(nn.Module):
    """Normalisation of an image by one mean and one deviation over all channels, which it gets back afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, WIDTH, 1, 1))
        self.bias = nn.Parameter(torch.zeros(1, WIDTH, 1, 1))
        self.meta1 = nn.Conv2d(1, WIDTH, 1)
        self.meta2 = nn.Conv2d(1, WIDTH, 1)

    def forward(self, features: torch.Tensor) -> Normalised:
        """Of `(N, 98, H, W)`."""
        variance, mean = torch.var_mean(features, dim=(1, 2, 3), unbiased=False, keepdim=True)
        deviation = (variance + SMALLEST_VARIANCE).sqrt()
        scale = self.weight / deviation
        return Normalised(features, scale, self.bias - mean * scale, self.meta1(deviation), self.meta2(mean))


class Normalised:
    """Normalised features, computed where they are looked at.

    Args:
        features: `(N, 98, H, W)`.
        scale: What they are multiplied by, `(N, 98, 1, 1)`.
        offset: What is added, `(N, 98, 1, 1)`.
        rescale: What undoes the scale of what is made of them, `(N, 98, 1, 1)`.
        rebias: Likewise the offset.
    """

    def __init__(
        self,
        features: torch.Tensor,
        scale: torch.Tensor,
        offset: torch.Tensor,
        rescale: torch.Tensor,
        rebias: torch.Tensor,
    ) -> None:
        self.features, self._scale, self._offset = features, scale, offset
        self._rescale, self._rebias = rescale, rebias

    def at(self, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
        """Those of some rows and columns, by their numbers."""
        chosen = self.features.index_select(-2, rows).index_select(-1, columns)
        return torch.addcmul(self._offset, chosen, self._scale)

    def rescaled(self, update: torch.Tensor) -> torch.Tensor:
        """What was made of normalised features, in the features' own range."""
        return torch.addcmul(self._rebias, update, self._rescale)


class PositionBias(nn.Module):
    """What the attention of a pixel to another of its window gains by where they are."""

    def __init__(self) -> None:
        super().__init__()
        pixels = WINDOW * WINDOW
        self.register_buffer("relative_positions", torch.zeros(pixels, pixels, 2))
        self.meta = nn.Sequential(nn.Linear(2, 256), nn.ReLU(inplace=True), nn.Linear(256, HEADS))

    def forward(self) -> torch.Tensor:
        """`(heads, 64, 64)`."""
        bias: torch.Tensor = self.meta(self.get_buffer("relative_positions"))
        return bias.permute(2, 0, 1)


class Branch(nn.Module):
    """What a block does to the features of one branch."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = RescaledNormalisation()
        self.key = nn.Conv2d(WIDTH, WIDTH, 1)
        self.value = nn.Conv2d(WIDTH, WIDTH, 1)
        self.conv = nn.Conv2d(WIDTH, WIDTH, 2 * RADIUS + 1, groups=WIDTH)
        self.proj = nn.Conv2d(WIDTH, WIDTH, 1)
        self.mlp = nn.Sequential(
            nn.Conv2d(WIDTH, 2 * WIDTH, 1), nn.ReLU(inplace=True), nn.Conv2d(2 * WIDTH, WIDTH, 1)
        )


class Block(nn.Module):
    """A block of the transformer.

    Args:
        branches: Those that it has.
        shift: By how many pixels its windows are moved up and left.
    """

    def __init__(self, *branches: Literal["ivif", "mfif"], shift: int) -> None:
        super().__init__()
        self.shift = shift
        self.branches = nn.ModuleDict({name: Branch() for name in branches})
        self.query = nn.Conv2d(WIDTH, WIDTH, 1)
        self.position = PositionBias()

    def forward(
        self, name: Literal["ivif", "mfif"], features: torch.Tensor, asking: torch.Tensor
    ) -> torch.Tensor:
        """The next features of a branch.

        Args:
            name: Of the branch.
            features: Of the branch, `(N, 98, H, W)`.
            asking: Those of the branch mfif, which asks for both.
        """
        branch, bias = self.branches[name], self.position()
        seen, asks = branch.norm(features), self.branches["mfif"].norm(asking)
        result = torch.empty_like(features)
        for strip in strips(*features.shape[-2:], self.shift, RADIUS, features.device):
            within = seen.at(*strip.windows)
            attention = attended(
                self.query(asks.at(*strip.windows)), branch.key(within), branch.value(within), bias
            )
            around = branch.conv(branch.value(seen.at(*strip.surroundings)))
            update = seen.rescaled(branch.proj(around + attention[(..., *strip.inner)]))
            rows = features[..., strip.rows, :] + update
            result[..., strip.rows, :] = rows + branch.mlp(rows)
        return result
