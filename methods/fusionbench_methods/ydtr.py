"""YDTR: dynamic features and a transformer with the same weights on either image, and on their sum.

Reference:
    W. Tang, F. He, Y. Liu: "YDTR: Infrared and Visible Image Fusion via Y-Shape Dynamic Transformer", IEEE
    Transactions on Multimedia 25, 2023.
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

WIDTH, BRANCH_WIDTH = 64, 8
"""Feature maps everywhere, and between the two layers of a branch."""


class Stem(nn.Module):
    """A convolution of an image, normalised and rectified; edge pixels repeat beyond the border."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, WIDTH, 3, padding=1, padding_mode="replicate")
        self.bn = nn.BatchNorm2d(WIDTH)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """`(N, 1, H, W)` to `(N, 64, H, W)`."""
        return relu(self.bn(self.conv(image)))


class ChannelBranch(nn.Module):
    """A factor for each feature map, from the means of all."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Sequential(
            nn.Conv2d(WIDTH, BRANCH_WIDTH, 1), nn.ReLU(), nn.Conv2d(BRANCH_WIDTH, WIDTH, 1)
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, 64, H, W)` to `(N, 64, 1, 1)`."""
        factors: torch.Tensor = self.fc(features.mean(dim=(2, 3), keepdim=True))
        return factors


class SpatialBranch(nn.Module):
    """A factor for each pixel, linear in the features around it."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(WIDTH, BRANCH_WIDTH, 3, padding=1), nn.Conv2d(BRANCH_WIDTH, 1, 3, padding=1)
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, 64, H, W)` to `(N, 1, H, W)`."""
        factors: torch.Tensor = self.body(features)
        return factors


class DynamicFeatures(nn.Module):
    """Features times the factors of their maps, and times those of their pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.spatial_branch = SpatialBranch()
        self.channel_branch = ChannelBranch()

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, 64, H, W)`, same shape."""
        by_channel, by_pixel = self.channel_branch(features), self.spatial_branch(features)
        filtered: torch.Tensor = features * by_channel + features * by_pixel
        return filtered


class YDTRNet(nn.Module):
    """Three times the same dynamic feature block and transformer: on either image, and on the sum."""

    def __init__(self) -> None:
        super().__init__()
        self.convInput = Stem()
        self.DDF = DynamicFeatures()
        self.basicLayer = TokenLayer(WIDTH)
        self.convolutional_out = nn.Conv2d(WIDTH, 1, 1)

    def forward(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Both `(N, 1, H, W)` in [0, 1]; the fused image within [-1, 1]."""
        streams = self._encoded(self.convInput(infrared)) + self._encoded(self.convInput(visible))
        fused: torch.Tensor = self.convolutional_out(self._encoded(streams)).tanh()
        return fused

    def _encoded(self, features: torch.Tensor) -> torch.Tensor:
        encoded: torch.Tensor = self.basicLayer(self.DDF(features))
        return encoded


class YDTR(OfficialNetwork):
    """YDTR with its authors' weights."""

    card = MethodCard(
        name="ydtr",
        title="YDTR",
        venue="IEEE TMM",
        year=2023,
        paper="https://doi.org/10.1109/TMM.2022.3192661",
        code="https://github.com/tthinking/YDTR",
        licence="Apache-2.0 (this implementation); authors' code: no licence file; weights: none stated",
        parameters=89_946,
        official_output="grey; values are cut to integers",
        training_data="not stated in their repository",
        summary="two streams of shared weights, dynamic filters and a transformer of two blocks",
        needs="its authors' weights: fusionbench weights get ydtr",
        official_weights=(
            WeightsFile(
                name="model_10.pth",
                size=893_678,
                sha256="183c31a103ada74063e644b300d6708ed567dcc231a9d0f8d52e098c6c2a0d32",
                licence="none stated",
                url=(
                    "https://raw.githubusercontent.com/tthinking/YDTR/"
                    "b1f01b4ba7b2f40e4fcaec620f29640960db7e98/models/model_10.pth"
                ),
            ),
        ),
    )

    @staticmethod
    def build() -> nn.Module:
        """The network, without its weights."""
        return YDTRNet()

    @staticmethod
    def renamed(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Without what has no effect or is never applied, and the last convolution without its module."""
        return {
            name.replace("convolutional_out.conv.", "convolutional_out."): tensor
            for name, tensor in without_attention(tensors).items()
            if not name.startswith(("conv64.", "conv."))
        }

    def official(self, visible: Uint8Image, infrared: Uint8Image) -> Uint8Image:
        """The grey image of the authors' test script; values below 0 are black."""
        fused = self.fuse_levels(grey_pillow(visible), infrared)
        image: Uint8Image = (np.float32(255) * fused.clip(0.0, 1.0)).astype(np.uint8)
        return image
