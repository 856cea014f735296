"""From an image of any size to what the tower sees: one function, stored with the checkpoint."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import interpolate


@dataclass(frozen=True)
class Preparation:
    """Resizing and normalisation. Stored with every checkpoint, so that training and use cannot differ."""

    size: int
    """Side in pixels; the whole image is squeezed into a square, as the authors do."""
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    deviation: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Of red, green and blue, subtracted and divided by."""

    def __call__(self, visible: torch.Tensor) -> torch.Tensor:
        """Prepare images.

        The resizing is bicubic with antialiasing, as that of Pillow, without its rounding to 8 bits.

        Args:
            visible: RGB `(N, 3, H, W)` in [0, 1].

        Returns:
            `(N, 3, size, size)`.
        """
        size = (self.size, self.size)
        resized = interpolate(visible, size, mode="bicubic", antialias=True, align_corners=False)
        mean, deviation = (
            visible.new_tensor(values)[:, None, None] for values in (self.mean, self.deviation)
        )
        prepared: torch.Tensor = (resized.clamp(0, 1) - mean) / deviation
        return prepared


CLIP_PREPARATION = Preparation(
    224, mean=(0.48145466, 0.4578275, 0.40821073), deviation=(0.26862954, 0.26130258, 0.27577711)
)
"""As CLIP was trained (Radford et al., ICML 2021)."""

RELEASED_PREPARATION = Preparation(224)
"""As the released code feeds CLIP: without normalisation."""

COMPACT_PREPARATION = Preparation(64, mean=(0.5, 0.5, 0.5), deviation=(0.25, 0.25, 0.25))
