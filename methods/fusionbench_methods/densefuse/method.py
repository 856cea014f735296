"""DenseFuse as a method of the registry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fusionbench.contracts import MethodCard, Recipe
from fusionbench.errors import InputError
from fusionbench.weight_files import load_exactly, read_tensors

if TYPE_CHECKING:
    import torch


class DenseFuse:
    """Fuse by the mean of an autoencoder's features.

    Args:
        weights: The authors' `densefuse_gray.model`, or what `fusionbench train densefuse` writes.

    Raises:
        InputError: If there are none, or they are another network's.
    """

    card = MethodCard(
        name="densefuse",
        title="DenseFuse",
        year=2019,
        paper="https://doi.org/10.1109/TIP.2018.2887342",
        code="https://github.com/hli1221/densefuse-pytorch",
        licence="Apache-2.0 (this implementation); the authors' weights state no licence",
        summary="autoencoder with a dense block; the mean of both images' features is decoded",
        needs="weights: train them (`fusionbench train densefuse`) or give the authors' densefuse_gray.model",
    )

    def __init__(self, weights: Path | None = None) -> None:
        if weights is None:
            raise InputError(
                "method densefuse needs weights; give the authors' densefuse_gray.model with --weights "
                "(eval: --weights densefuse=FILE), or train it: fusionbench train densefuse"
            )
        from fusionbench_methods.densefuse.network import DenseFuseNet

        self._network = DenseFuseNet()
        load_exactly(self._network, read_tensors(weights).tensors, weights)
        self._network.eval()

    @classmethod
    def recipe(cls) -> Recipe:
        """How it is trained."""
        from fusionbench_methods.densefuse.recipe import DenseFuseRecipe

        return DenseFuseRecipe()

    def to(self, device: str) -> DenseFuse:
        """Move the network to a device."""
        self._network.to(device)
        return self

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Fuse a batch.

        Args:
            visible: Luminance `(N, 1, H, W)` in [0, 1].
            infrared: `(N, 1, H, W)` in [0, 1].

        Returns:
            `(N, 1, H, W)`, from 0 to about 1.
        """
        return self._network.fuse(visible, infrared)
