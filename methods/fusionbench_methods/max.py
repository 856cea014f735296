"""Pixelwise maximum of the two luminances: no fusion in any clever sense, yet strong on many metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fusionbench.contracts import MethodCard

if TYPE_CHECKING:
    import torch


class Maximum:
    """Fuse by the brighter of both images at every pixel."""

    card = MethodCard(
        name="max",
        title="Maximum",
        licence="Apache-2.0",
        summary="max(visible, infrared) at every pixel",
    )

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Fuse a batch.

        Args:
            visible: Luminance `(N, 1, H, W)` in [0, 1].
            infrared: `(N, 1, H, W)` in [0, 1].

        Returns:
            `(N, 1, H, W)` in [0, 1].
        """
        return visible.maximum(infrared)
