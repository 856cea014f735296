"""Pixelwise mean of the two luminances: the least any fusion method has to beat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fusionbench.contracts import MethodCard

if TYPE_CHECKING:
    import torch


class Average:
    """Fuse by the mean of both images at every pixel."""

    card = MethodCard(
        name="average",
        title="Average",
        licence="Apache-2.0",
        summary="(visible + infrared) / 2 at every pixel",
    )

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Fuse a batch.

        Args:
            visible: Luminance `(N, 1, H, W)` in [0, 1].
            infrared: `(N, 1, H, W)` in [0, 1].

        Returns:
            `(N, 1, H, W)` in [0, 1].
        """
        return (visible + infrared) / 2
