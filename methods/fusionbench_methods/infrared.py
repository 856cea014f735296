"""The infrared image alone: a reference row that shows what a metric says where nothing was fused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fusionbench.contracts import MethodCard

if TYPE_CHECKING:
    import torch

_RGB_CHANNELS = 3


class InfraredOnly:
    """Return the infrared image as grey."""

    card = MethodCard(
        name="infrared",
        title="Infrared only",
        # Under a `luma` card the harness would tint the thermal image with the visible chroma.
        colour="rgb",
        licence="Apache-2.0",
        summary="the infrared image as grey, unchanged",
        reference=True,
        source="infrared",
    )

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        """Return the infrared batch with three equal channels.

        Args:
            visible: RGB `(N, 3, H, W)`, not looked at.
            infrared: `(N, 1, H, W)` in [0, 1].

        Returns:
            `(N, 3, H, W)` in [0, 1].
        """
        return infrared.repeat(1, _RGB_CHANNELS, 1, 1)
