"""DATFuse: residual attention in space and over channels, around a transformer.

Reference:
    W. Tang, F. He, Y. Liu, Y. Duan, T. Si: "DATFuse: Infrared and Visible Image Fusion via Dual Attention
    Transformer", IEEE Transactions on Circuits and Systems for Video Technology 33(7), 2023.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn.functional import relu

from fusionbench.contracts import MethodCard, Uint8Image, WeightsFile
from fusionbench_methods.luma_chroma import grey_pillow
from fusionbench_methods.official_network import OfficialNetwork
from fusionbench_methods.reinterpreted_tokens import TokenLayer, without_attention

WIDTH, ATTENTION_WIDTH = 16, 4
"""Feature maps everywhere, and between the two layers of an attention."""


class Stem(nn.Module):
    """A convolution of both images, normalised and rectified; edge pixels repeat beyond the border."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, WIDTH, 5, padding=2, padding_mode="replicate")
        self.bn = nn.BatchNorm2d(WIDTH)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """`(N, 2, H, W)` to `(N, 16, H, W)`."""
        return relu(self.bn(self.conv(images)))


class FeatureExtraction(nn.Module):
    """One normalised convolution applied twice, rectified in between."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(WIDTH, WIDTH, 3, padding=1, padding_mode="replicate")
        self.bn = nn.BatchNorm2d(WIDTH)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, 16, H, W)`, same shape."""
        extracted: torch.Tensor = self.bn(self.conv(relu(self.bn(self.conv(features)))))
        return extracted


class ChannelAttention(nn.Module):
    """A factor for each feature map, from the means of all."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Sequential(
            nn.Conv2d(WIDTH, ATTENTION_WIDTH, 1),
            nn.ReLU(),
            nn.Conv2d(ATTENTION_WIDTH, WIDTH, 1),
            nn.Sigmoid(),
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, 16, H, W)` to `(N, 16, 1, 1)` in [0, 1]."""
        factors: torch.Tensor = self.fc(features.mean(dim=(2, 3), keepdim=True))
        return factors


class SpatialAttention(nn.Module):
    """A factor for each pixel, from the features around it."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(WIDTH, ATTENTION_WIDTH, 3, padding=1),
            nn.BatchNorm2d(ATTENTION_WIDTH),
            nn.ReLU(),
            nn.Conv2d(ATTENTION_WIDTH, 1, 3, padding=1),
            nn.BatchNorm2d(1),
            nn.Sigmoid(),
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, 16, H, W)` to `(N, 1, H, W)` in [0, 1]."""
        factors: torch.Tensor = self.body(features)
        return factors


class DATFuseNet(nn.Module):
    """Attended features of both images, a transformer, and attended features of what it returns."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutional = Stem()
        self.fem = FeatureExtraction()
        self.cam = ChannelAttention()
        self.sam = SpatialAttention()
        self.basicLayer = TokenLayer(WIDTH)
        self.convolutional_out = nn.Conv2d(WIDTH, 1, 1)

    def forward(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Both `(N, 1, H, W)` in [0, 1]; the fused image within [-1, 1]."""
        stem = self.convolutional(torch.cat([infrared, visible], dim=1))
        encoded = self.basicLayer(relu(self._attended(self.fem(stem)) + stem))
        extracted = self.fem(encoded)
        fused: torch.Tensor = self.convolutional_out(self._attended(extracted) + extracted).tanh()
        return fused

    def _attended(self, features: torch.Tensor) -> torch.Tensor:
        attended: torch.Tensor = features * self.cam(features) + features * self.sam(features)
        return attended


class DATFuse(OfficialNetwork):
    """DATFuse with its authors' weights."""

    card = MethodCard(
        name="datfuse",
        title="DATFuse",
        venue="IEEE TCSVT",
        year=2023,
        paper="https://doi.org/10.1109/TCSVT.2023.3234340",
        code="https://github.com/tthinking/DATFuse",
        licence="Apache-2.0 (this implementation); authors' code: no licence file; weights: none stated",
        parameters=9_464,
        official_output="grey; values are cut to integers",
        training_data="not stated in their repository",
        summary="attention over space and channels around a transformer of two blocks",
        needs="its authors' weights: fusionbench weights get datfuse",
        official_weights=(
            WeightsFile(
                name="model_10.pth",
                size=65_189,
                sha256="075b636954cbd425fc29be808bcfb42232e29b203f054c2a637ed301300d5a1d",
                licence="none stated",
                url=(
                    "https://raw.githubusercontent.com/tthinking/DATFuse/"
                    "0cd93f15fb5552c7aef79b7be56726c863d6c5ba/model_10.pth"
                ),
            ),
        ),
    )

    @staticmethod
    def build() -> nn.Module:
        """The network, without its weights."""
        return DATFuseNet()

    @staticmethod
    def renamed(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Without what has no effect, and the last convolution without the module around it."""
        return {
            name.replace("convolutional_out.conv.", "convolutional_out."): tensor
            for name, tensor in without_attention(tensors).items()
        }

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Fuse luminances, `(N, 1, H, W)` in [0, 1]; black may come out slightly below 0."""
        fused: torch.Tensor = self._network(visible, infrared)
        return fused

    def official(self, visible: Uint8Image, infrared: Uint8Image) -> Uint8Image:
        """The grey image of the authors' test script; values below 0 are black."""
        fused = self.fuse_levels(grey_pillow(visible), infrared)
        image: Uint8Image = (np.float32(255) * fused.clip(0.0, 1.0)).astype(np.uint8)
        return image
