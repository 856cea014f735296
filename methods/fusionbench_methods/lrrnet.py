"""LRRNet: a low-rank representation, unrolled into a network.

Reference:
    H. Li, T. Xu, X.-J. Wu, J. Lu, J. Kittler: "LRRNet: A Novel Representation Learning Guided Fusion Network
    for Infrared and Visible Images", IEEE Transactions on Pattern Analysis and Machine Intelligence 45(9),
    2023, section 3.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from fusionbench.contracts import MethodCard, Uint8Image, WeightsFile
from fusionbench_methods.luma_chroma import grey_opencv
from fusionbench_methods.official_network import OfficialNetwork
from fusionbench_methods.reflected_edges import ReflectedConvolution, reflected
from fusionbench_methods.stripes import in_stripes

CODES, BLOCKS = 256, 4
"""Channels of an image's code, and how often it is refined."""

REACH = 1 + 2 * BLOCKS + 2
"""Rows around its own that a row of the output depends on: one for each 3x3 convolution in a chain."""

SMALLEST_SPAN = 1e-5
"""Added to the span of grey levels that an image is divided by."""


class Projection(nn.Module):
    """A 3x3 convolution of many channels to one, on an image mirrored at its edges."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.conv2d = nn.Conv2d(inputs, 1, 3)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, inputs, H, W)` to `(N, 1, H, W)`.

        The channels are mixed first, for each of the nine places of the kernel, so that nine planes are
        mirrored and shifted instead of a copy of the features.
        """
        height, width = features.shape[-2:]
        mixed = nn.functional.conv2d(features, self.conv2d.weight[0].flatten(1).T[..., None, None])
        places = reflected(mixed, 1, 1, 1, 1)
        projected = self.get_parameter("conv2d.bias")[:, None, None]
        for place in range(9):
            row, column = divmod(place, 3)
            projected = projected + places[:, place : place + 1, row : row + height, column : column + width]
        return projected


class CodeStep(nn.Module):
    """One step of learned iterative shrinkage: the code moves towards what it leaves unexplained."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_Wdz = Projection(CODES)
        self.conv_Wdtz = ReflectedConvolution(1, CODES)

    def forward(
        self, code: torch.Tensor, image: torch.Tensor, momentum: torch.Tensor, thresholds: torch.Tensor
    ) -> torch.Tensor:
        """A better code.

        Args:
            code: `(N, 256, H, W)`.
            image: `(N, 1, H, W)` that the code stands for.
            momentum: Share of the code that is kept, `(1, 1)`.
            thresholds: `(1, 256, 1, 1)`.
        """
        step: torch.Tensor = self.conv_Wdtz(image - self.conv_Wdz(code))
        return shrunk(step.addcmul_(code, momentum), thresholds)


class Coder(nn.Module):
    """The code of an image: one half is its low-rank part, the other its sparse part."""

    def __init__(self) -> None:
        super().__init__()
        self.lamj = nn.Parameter(torch.zeros(1, CODES))
        self.lamz = nn.Parameter(torch.ones(1, 1))
        self.conv_W00 = ReflectedConvolution(1, CODES)
        for index in range(BLOCKS):
            self.add_module(f"lrrblock{index}", CodeStep())

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """`(N, 1, H, W)` to `(N, 256, H, W)`."""
        thresholds = self.lamj[:, :, None, None]
        code = shrunk(self.conv_W00(image), thresholds)
        for index in range(BLOCKS):
            code = self.get_submodule(f"lrrblock{index}")(code, image, self.lamz, thresholds)
        return code


class Decoder(nn.Module):
    """Mixes the low-rank parts of both images, and their sparse parts; x is infrared and y visible."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_ReZx = Projection(CODES // 2)
        self.conv_ReUx = Projection(CODES // 2)
        self.conv_ReZy = Projection(CODES // 2)
        self.conv_ReUy = Projection(CODES // 2)
        self.conv_ReL = ReflectedConvolution(2, 1)
        self.conv_ReH = ReflectedConvolution(2, 1)

    def parts(self, code: torch.Tensor, image: str) -> tuple[torch.Tensor, torch.Tensor]:
        """The low-rank and the sparse part of an image (x or y) by its code, each `(N, 1, H, W)`."""
        low_rank, sparse = code.chunk(2, dim=1)
        return (
            self.get_submodule(f"conv_ReZ{image}")(low_rank),
            self.get_submodule(f"conv_ReU{image}")(sparse),
        )

    def forward(self, low_rank: torch.Tensor, sparse: torch.Tensor) -> torch.Tensor:
        """The parts of both images, each `(N, 2, H, W)`, to the fused image `(N, 1, H, W)`."""
        fused: torch.Tensor = self.conv_ReL(low_rank) + self.conv_ReH(sparse)
        return fused


class LRRNetwork(nn.Module):
    """A coder for each image, and a decoder of both codes."""

    def __init__(self) -> None:
        super().__init__()
        self.get_ls1 = Coder()
        self.get_ls2 = Coder()
        self.decoder = Decoder()

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """Both `(N, 1, H, W)`, stretched to [0, 1]; the output has no fixed range."""
        # The codes of a whole image would fill a gigabyte for each megapixel.
        return in_stripes(self._stripe, (infrared, visible), REACH, channels=1)

    def _stripe(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        # One code at a time: it is a hundred times as large as what the decoder keeps of it.
        parts = (
            self.decoder.parts(self.get_ls1(infrared), "x"),
            self.decoder.parts(self.get_ls2(visible), "y"),
        )
        fused: torch.Tensor = self.decoder(*(torch.cat(pair, dim=1) for pair in zip(*parts, strict=True)))
        return fused


class LRRNet(OfficialNetwork):
    """LRRNet with its authors' weights."""

    card = MethodCard(
        name="lrrnet",
        title="LRRNet",
        venue="TPAMI",
        year=2023,
        paper="https://doi.org/10.1109/TPAMI.2023.3268209",
        code="https://github.com/hli1221/imagefusion-LRRNet",
        licence="Apache-2.0 (this implementation); authors' code and weights: no licence file",
        parameters=49_204,
        official_output="minimum and maximum of the image are stretched to 0 and 255, then cut to integers",
        training_data="KAIST (20,000 pairs)",
        summary="low-rank and sparse codes by learned iterative shrinkage, decoded together",
        needs="its authors' weights: fusionbench weights get lrrnet",
        official_weights=(
            WeightsFile(
                name="final_lrr_net_lam2_1.5_wir_3.0_lam3_gram_2000_epoch_4_block_4.model",
                size=218_515,
                sha256="1de9dd8dee9b650ce69c74ea53e3b9a6b749222f1059a689aabf28f68ee63e29",
                licence="no licence file",
                url=(
                    "https://raw.githubusercontent.com/hli1221/imagefusion-LRRNet/"
                    "e489fc325ea6acb9b7327b1de2c0cc4a09172ba4/model/"
                    "final_lrr_net_lam2_1.5_wir_3.0_lam3_gram_2000_epoch_4_block_4.model"
                ),
            ),
        ),
    )

    @staticmethod
    def build() -> nn.Module:
        """The network, without its weights."""
        return LRRNetwork()

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Fuse luminances, `(N, 1, H, W)` in [0, 1]; the network takes each image stretched, by itself."""
        fused: torch.Tensor = self._network(stretched(infrared), stretched(visible))
        return fused

    def official(self, visible: Uint8Image, infrared: Uint8Image) -> Uint8Image:
        """The grey image of the authors' test script."""
        fused = self.fuse_levels(grey_opencv(visible), infrared)
        image: Uint8Image = (255 * (fused - fused.min()) / (fused.max() - fused.min())).astype(np.uint8)
        return image


def shrunk(code: torch.Tensor, thresholds: torch.Tensor) -> torch.Tensor:
    """Soft thresholds by channel, in the memory of the code; below a negative threshold values grow."""
    signs = code.sign()
    return code.abs_().sub_(thresholds).clamp_(min=0).mul_(signs)


def stretched(image: torch.Tensor) -> torch.Tensor:
    """Each image of `(N, 1, H, W)` in [0, 1] on its own: its minimum to 0, its maximum to (nearly) 1."""
    levels = image * 255
    low, high = levels.amin(dim=(1, 2, 3), keepdim=True), levels.amax(dim=(1, 2, 3), keepdim=True)
    return (levels - low) / (high - low + SMALLEST_SPAN)
