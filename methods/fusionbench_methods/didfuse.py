"""DIDFuse: an autoencoder that decomposes an image into background and detail.

Reference:
    Z. Zhao, S. Xu, C. Zhang, J. Liu, J. Zhang, P. Li: "DIDFuse: Deep Image Decomposition for Infrared and
    Visible Image Fusion", IJCAI 2020, section 3. Features are fused by summation.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from fusionbench.contracts import MethodCard, Uint8Image, WeightsFile
from fusionbench_methods.luma_chroma import grey_pillow
from fusionbench_methods.official_network import OfficialNetwork
from fusionbench_methods.reflected_edges import Rim

WIDTH = 64
"""Channels of all features."""

FOLDER = (
    "https://raw.githubusercontent.com/Zhaozixiang1228/IVIF-DIDFuse/"
    "5f287300dce7cbc90b9e08e6872455af6baa279f/Models"
)


class Encoder(nn.Module):
    """The first four layers; the last two stand beside each other."""

    def __init__(self) -> None:
        super().__init__()
        self.cov1 = nn.Sequential(_mirrored(), nn.Conv2d(1, WIDTH, 3), nn.BatchNorm2d(WIDTH), nn.PReLU())
        self.cov2 = _layer(WIDTH, nn.PReLU())
        self.cov3 = _layer(WIDTH, nn.Tanh())
        self.cov4 = _layer(WIDTH, nn.Tanh())


class Decoder(nn.Module):
    """The last three layers, two of which see the encoder's first two again."""

    def __init__(self) -> None:
        super().__init__()
        self.cov5 = _layer(2 * WIDTH, nn.PReLU())
        self.cov6 = _layer(2 * WIDTH, nn.PReLU())
        self.cov7 = nn.Sequential(_mirrored(), nn.Conv2d(2 * WIDTH, 1, 3), nn.BatchNorm2d(1), nn.Sigmoid())


class DIDFuseNet(nn.Module):
    """Encodes each image, and decodes the sums; 260,935 weights."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.decoder = Decoder()

    def forward(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Both `(N, 1, H, W)` in [0, 1]; the fused image within [0, 1]."""
        # Layer by layer, letting go of features as soon as their sum is there: they fill memory.
        first = [self.encoder.cov1(image) for image in (infrared, visible)]
        second = [self.encoder.cov2(features) for features in first]
        shallow = first.pop() + first.pop()
        background, detail = (
            layer(second[0]) + layer(second[1]) for layer in (self.encoder.cov3, self.encoder.cov4)
        )
        deep = second.pop() + second.pop()
        decoded = self.decoder.cov5(torch.cat([background, detail], dim=1))
        del background, detail
        decoded = self.decoder.cov6(torch.cat([decoded, deep], dim=1))
        fused: torch.Tensor = self.decoder.cov7(torch.cat([decoded, shallow], dim=1))
        return fused


class DIDFuse(OfficialNetwork):
    """DIDFuse with its authors' weights."""

    card = MethodCard(
        name="didfuse",
        title="DIDFuse",
        venue="IJCAI",
        year=2020,
        paper="https://doi.org/10.24963/ijcai.2020/135",
        code="https://github.com/Zhaozixiang1228/IVIF-DIDFuse",
        licence="Apache-2.0 (this implementation); authors' code: no licence file; weights: no licence file",
        training_data="FLIR (180 pairs)",
        parameters=260_935,
        official_output="rounded",
        summary="autoencoder of background and detail, features fused by summation",
        needs="its authors' weights: fusionbench weights get didfuse",
        official_weights=(
            WeightsFile(
                name="Encoder_weight_IJCAI.pkl",
                size=454_838,
                sha256="4d84a4e64e58469d3d4591f83c6683ead3e422498519db99bb617cb29d268471",
                licence="no licence file",
                url=f"{FOLDER}/Encoder_weight_IJCAI.pkl",
                part="encoder",
            ),
            WeightsFile(
                name="Decoder_weight_IJCAI.pkl",
                size=600_772,
                sha256="c6974e2a7c66ab579a77bacb086023237a229e769d459783bad8ff43e52e9986",
                licence="no licence file",
                url=f"{FOLDER}/Decoder_weight_IJCAI.pkl",
                part="decoder",
            ),
        ),
    )

    @staticmethod
    def build() -> nn.Module:
        """The network, without its weights."""
        return DIDFuseNet()

    @staticmethod
    def renamed(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """`encoder.cov1.cov1.1.weight` becomes `encoder.cov1.1.weight`, and so on."""
        parts = {name: name.split(".") for name in tensors}
        return {".".join([part, *rest]): tensors[name] for name, (part, _, *rest) in parts.items()}

    def official(self, visible: Uint8Image, infrared: Uint8Image) -> Uint8Image:
        """The grey image of the authors' script."""
        image: Uint8Image = (
            (np.float32(255) * self.fuse_levels(grey_pillow(visible), infrared)).round().astype(np.uint8)
        )
        return image


def _mirrored() -> Rim:
    return Rim(1, 1, 1, 1)


def _layer(inputs: int, activation: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, WIDTH, 3, padding=1), nn.BatchNorm2d(WIDTH), activation)
