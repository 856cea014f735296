"""The transformer of GIFNet, of which one branch is for infrared-visible and one for multi-focus fusion.

Both see the same features. The fused image comes out of the second, which looks at the first.
"""

from __future__ import annotations

from typing import Literal, cast

import torch
from torch import nn

from fusionbench_methods.gifnet.windows import WINDOW, Strip, attended, strips

BranchName = Literal["ivif", "mfif"]
"""Infrared-visible, and multi-focus fusion."""

WIDTH = 98
"""Channels of the features."""

HEADS = 2
"""Of the attention."""

RADIUS = 2
"""Of the convolution beside the attention."""

SMALLEST_VARIANCE = 1e-5
"""Added to the variance of an image."""


class RescaledNormalisation(nn.Module):
    """Normalisation of an image by one mean and one deviation of all channels, which it gets back."""

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

    def forward(
        self, normalised: Normalised, query: torch.Tensor, bias: torch.Tensor, strip: Strip
    ) -> torch.Tensor:
        """The next features in a strip.

        Args:
            normalised: The features so far.
            query: Of all that is in the windows of the strip, `(N, 98, ...)`.
            bias: Of the attention, `(heads, 64, 64)`.
            strip: Which it is.

        Returns:
            `(N, 98, rows of the strip, W)`.
        """
        within = normalised.at(*strip.windows)
        attention = attended(query, self.key(within), self.value(within), bias)
        inner_rows, inner_columns = strip.inner
        around = self.conv(self.value(normalised.at(*strip.surroundings)))
        update = self.proj(around + attention[..., inner_rows, inner_columns])
        moved = normalised.features[..., strip.rows, :] + normalised.rescaled(update)
        following: torch.Tensor = moved + self.mlp(moved)
        return following


class Block(nn.Module):
    """A block of the transformer.

    Args:
        branches: Those that it has.
        shift: By how many pixels its windows are moved up and left.
    """

    def __init__(self, *branches: BranchName, shift: int) -> None:
        super().__init__()
        self.shift = shift
        self.branches = nn.ModuleDict({name: Branch() for name in branches})
        self.query = nn.Conv2d(WIDTH, WIDTH, 1)
        self.position = PositionBias()

    def forward(self, name: BranchName, features: torch.Tensor, asking: torch.Tensor) -> torch.Tensor:
        """The next features of a branch.

        Args:
            name: Of the branch.
            features: Of the branch, `(N, 98, H, W)`.
            asking: Those of the branch mfif, which asks for both.
        """
        branch, asker = (cast(Branch, self.branches[each]) for each in (name, "mfif"))
        normalised, questions = branch.norm(features), asker.norm(asking)
        bias, result = self.position(), torch.empty_like(features)
        height, width = features.shape[-2:]
        for strip in strips(height, width, self.shift, RADIUS, features.device):
            query = self.query(questions.at(*strip.windows))
            result[..., strip.rows, :] = branch(normalised, query, bias, strip)
        return result
