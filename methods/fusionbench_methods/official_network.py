"""A published network with its authors' weights, as a method of the registry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fusionbench.official_weights import official_tensors
from fusionbench.weight_files import load_exactly

if TYPE_CHECKING:
    import torch
    from torch import nn

    from fusionbench.contracts import MethodCard, Uint8Image


class OfficialNetwork:
    """Base of the methods whose weights are their authors'.

    Args:
        weights: A file or folder of them; None looks in FUSIONBENCH_WEIGHTS and in the user's cache.

    Raises:
        InputError: If they are not to be found, are others than the card says, or do not fit the network.
    """

    card: ClassVar[MethodCard]

    def __init__(self, weights: Path | None = None) -> None:
        tensors = self.renamed(official_tensors(self.card, weights))
        self._network: Any = self.build()
        load_exactly(self._network, tensors, weights or Path(self.card.name))
        self._network.eval()

    @staticmethod
    def build() -> nn.Module:
        """The network, without its weights."""
        raise NotImplementedError

    @staticmethod
    def renamed(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The authors' tensors by the names of `build`'s module, without those that fusing does not use."""
        return tensors

    def to(self, device: str) -> OfficialNetwork:
        """Move the network to a device."""
        self._network.to(device)
        return self

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Fuse a batch.

        Args:
            visible: Luminance `(N, 1, H, W)` in [0, 1] (RGB `(N, 3, H, W)` where the card says so).
            infrared: `(N, 1, H, W)` in [0, 1].

        Returns:
            The network's output, brought from its own range to [0, 1] by a fixed linear map, and otherwise as
            it is: `(N, 1, H, W)`, or `(N, 3, H, W)` where the card says RGB.
        """
        fused: torch.Tensor = self._network(visible, infrared)
        return fused

    def official(self, visible: Uint8Image, infrared: Uint8Image) -> Uint8Image:
        """What the authors' script writes for a pair, with its own conversions and rounding.

        Args:
            visible: RGB `(H, W, 3)`.
            infrared: `(H, W)`.

        Returns:
            RGB `(H, W, 3)`, or `(H, W)` where the script writes grey images.
        """
        raise NotImplementedError

    def fuse_plane(self, visible: NDArray[np.float32], infrared: NDArray[np.float32]) -> NDArray[np.float32]:
        """`fuse` for one pair of planes `(H, W)`, without gradients, for `official`."""
        import torch

        device = next(self._network.parameters()).device
        pair = [torch.from_numpy(np.ascontiguousarray(plane))[None, None] for plane in (visible, infrared)]
        with torch.no_grad():
            fused = self.fuse(*(plane.float().to(device) for plane in pair))
        plane: NDArray[np.float32] = fused[0, 0].cpu().numpy()
        return plane

    def fuse_levels(self, visible: Uint8Image, infrared: Uint8Image) -> NDArray[np.float32]:
        """`fuse_plane` for grey levels `(H, W)` of 8 bits, brought to [0, 1]."""
        pair = (plane.astype(np.float32) / np.float32(255) for plane in (visible, infrared))
        return self.fuse_plane(*pair)
