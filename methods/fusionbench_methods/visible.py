"""The visible image alone: a reference row that shows what a metric says where nothing was fused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fusionbench.contracts import MethodCard

if TYPE_CHECKING:
    import torch


class VisibleOnly:
    """Return the visible image, colour included."""

    card = MethodCard(
        name="visible",
        title="Visible only",
        colour="rgb",
        licence="Apache-2.0",
        summary="the visible image, unchanged",
        reference=True,
        source="visible",
    )

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        """Return a copy of the visible batch.

        Args:
            visible: RGB `(N, 3, H, W)` in [0, 1].
            infrared: `(N, 1, H, W)`, not looked at.

        Returns:
            `(N, 3, H, W)`, a copy: whoever changes the result must not change the source.
        """
        return visible.clone()
