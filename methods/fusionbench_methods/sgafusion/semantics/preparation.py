"""From an image of any size to what the tower sees: one function, stored with the checkpoint."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, interpolate, pad


@dataclass(frozen=True)
class Preparation:
    """Resizing and normalisation. Stored with every checkpoint, so that training and use cannot differ."""

    size: int
    """Side in pixels; the whole image is squeezed into a square, as the authors do."""
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    deviation: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Of red, green and blue, subtracted and divided by."""
    texture: bool = False
    """Add what a small image no longer shows: how much fine detail there was in each of its cells."""

    @property
    def channels(self) -> int:
        """Of what it gives."""
        return 3 + (TEXTURES if self.texture else 0)

    def __call__(self, visible: torch.Tensor) -> torch.Tensor:
        """Prepare images.

        The resizing is bicubic with antialiasing, as that of Pillow, without its rounding to 8 bits.

        Args:
            visible: RGB `(N, 3, H, W)` in [0, 1].

        Returns:
            `(N, channels, size, size)`.
        """
        size = (self.size, self.size)
        resized = interpolate(visible, size, mode="bicubic", antialias=True, align_corners=False)
        mean, deviation = (
            visible.new_tensor(values)[:, None, None] for values in (self.mean, self.deviation)
        )
        prepared: torch.Tensor = (resized.clamp(0, 1) - mean) / deviation
        if not self.texture:
            return prepared
        return torch.cat([prepared, _textures(visible, self.size)], dim=1)


CLIP_PREPARATION = Preparation(
    224, mean=(0.48145466, 0.4578275, 0.40821073), deviation=(0.26862954, 0.26130258, 0.27577711)
)
"""As CLIP was trained (Radford et al., ICML 2021)."""

RELEASED_PREPARATION = Preparation(224)
"""As the released code feeds CLIP: without normalisation."""

COMPACT_PREPARATION = Preparation(64, mean=(0.5, 0.5, 0.5), deviation=(0.25, 0.25, 0.25), texture=True)
"""Averaged over 64 x 64 cells, noise is gone and blur cannot be seen; so their strength goes along."""

TEXTURES = 6
"""Channels of texture."""

LEAST_TEXTURE = 2.0**-10
"""A quarter of a grey level: less is none."""


def _textures(visible: torch.Tensor, size: int) -> torch.Tensor:
    """Mean absolute differences in each cell on a scale of octaves, `(N, 6, size, size)`, about in [-1, 1].

    Of the brightness along columns and rows, and of both crosswise (J. Immerkaer: "Fast Noise Variance
    Estimation", 1996: what edges leave and noise does not), at full and at half size.
    """
    grey = visible.mean(dim=1, keepdim=True)
    strengths = []
    for step in range(2):
        # The last row and column are repeated: an image of one pixel has no differences.
        padded = pad(grey, (1, 1, 1, 1), mode="replicate")
        down = padded[:, :, 1:] - padded[:, :, :-1]
        across = padded[:, :, :, 1:] - padded[:, :, :, :-1]
        second = padded[:, :, 2:] - 2 * padded[:, :, 1:-1] + padded[:, :, :-2]
        crosswise = second[:, :, :, 2:] - 2 * second[:, :, :, 1:-1] + second[:, :, :, :-2]
        strengths += [adaptive_avg_pool2d(each.abs(), size) for each in (down, across, crosswise)]
        if step == 0:
            grey = avg_pool2d(grey, 2, ceil_mode=True, count_include_pad=False)
    octaves = torch.log2(torch.cat(strengths, dim=1) + LEAST_TEXTURE)
    return octaves / 4.0 + 1.25
