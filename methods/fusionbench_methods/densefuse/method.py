"""DenseFuse as a method of the registry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fusionbench.contracts import MethodCard, Recipe, Uint8Image, WeightsFile
from fusionbench.official_weights import official_tensors
from fusionbench.weight_files import load_exactly, read_tensors
from fusionbench_methods.luma_chroma import grey_pillow

if TYPE_CHECKING:
    import torch


class DenseFuse:
    """Fuse by the mean of an autoencoder's features.

    Args:
        weights: What `fusionbench train densefuse` writes, or the authors' `densefuse_gray.model`; None looks
            for the authors' in FUSIONBENCH_WEIGHTS and in the user's cache.

    Raises:
        InputError: If there are none, or they are another network's.
    """

    card = MethodCard(
        name="densefuse",
        title="DenseFuse",
        year=2019,
        paper="https://doi.org/10.1109/TIP.2018.2887342",
        code="https://github.com/hli1221/densefuse-pytorch",
        venue="IEEE TIP",
        licence="Apache-2.0 (this implementation); authors' code and weights: no licence file",
        training_data="MS COCO, grey",
        parameters=74_193,
        official_output="cut off to 0..255, then cut to integers; grey",
        summary="autoencoder with a dense block; the mean of both images' features is decoded",
        needs=(
            "its authors' weights: fusionbench weights get densefuse, or yours: fusionbench train densefuse"
        ),
        official_weights=(
            WeightsFile(
                name="densefuse_gray.model",
                size=300_413,
                sha256="b34cf3650f04161b31ac2467decfeedf7eba39165b7618f846e0f298ecd2ac65",
                licence="none stated",
                url=(
                    "https://raw.githubusercontent.com/hli1221/densefuse-pytorch/"
                    "4394b63e9295db1c6b7a5c3664551c90f0605f2b/models/densefuse_gray.model"
                ),
            ),
        ),
    )

    def __init__(self, weights: Path | None = None) -> None:
        from fusionbench_methods.densefuse.network import DenseFuseNet

        self._network = DenseFuseNet()
        if weights is not None and weights.is_file():
            tensors = read_tensors(weights).tensors
        else:
            tensors = official_tensors(self.card, weights)
        load_exactly(self._network, tensors, weights or Path(self.card.name))
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

    def official(self, visible: Uint8Image, infrared: Uint8Image) -> Uint8Image:
        """The grey image of the authors' script."""
        import torch

        device = next(self._network.parameters()).device
        pair = [
            torch.from_numpy(grey.astype(np.float32) / np.float32(255))[None, None].to(device)
            for grey in (grey_pillow(visible), infrared)
        ]
        with torch.no_grad():
            fused = self.fuse(*pair)[0, 0].cpu().numpy()
        image: Uint8Image = (fused * np.float32(255)).clip(0, 255).astype(np.uint8)
        return image
