"""MFEIF: features of three levels and three dilations, under the guidance of an attention to edges.

Only a part of the published weights does anything. Training drove those of the second and third level, of the
third dilation and of the attention so close to zero that, for any images in [0, 1], they change the output by
less than 1e-13 (by interval arithmetic through the layers). What remains gives the authors' output: the first
level, how it is fused, and the constructor. The rest is built after the names and shapes of its weights and
the authors' number of operations; how exactly the attention guides, and how much the deeper levels weigh, no
output of theirs can tell.

Reference:
    J. Liu, X. Fan, J. Jiang, R. Liu, Z. Luo: "Learning a Deep Multi-Scale Feature Ensemble and an
    Edge-Attention Guidance for Image Fusion", IEEE Transactions on Circuits and Systems for Video Technology
    32(1), 2022 (online 2021).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn.functional import max_pool2d, relu

from fusionbench.contracts import MethodCard, Uint8Image, WeightsFile
from fusionbench_methods.luma_chroma import grey_pillow
from fusionbench_methods.official_network import OfficialNetwork
from fusionbench_methods.reflected_edges import reflected
from fusionbench_methods.stripes import in_stripes

WIDTHS = (16, 32, 48, 64)
"""Channels of the extractor's first layer and of its levels."""
DILATIONS = {"a": 1, "b": 2, "c": 3}
"""Of the extractor's branches."""
LEVEL_WEIGHTS = (1.0, 0.1, 0.1)
"""From the shallowest level to the deepest."""
REACH = 14
"""Rows above and below one of the fused image that it depends on."""


class Unit(nn.Module):
    """A convolution, a batch normalisation and a rectifier."""

    def __init__(self, inputs: int, outputs: int, dilation: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, inputs, H, W)` to `(N, outputs, H, W)`."""
        return relu(self.bn(self.conv(features)))


class Extractor(nn.Module):
    """Three branches of one build, with different dilations, over a common first layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_1 = Unit(1, WIDTHS[0])
        for branch, dilation in DILATIONS.items():
            for level in range(1, len(WIDTHS)):
                unit = Unit(WIDTHS[level - 1], WIDTHS[level], dilation)
                self.add_module(f"conv_{branch}{level}", unit)

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        """Of `(N, 1, H, W)` the weighted sums of the branches at each level: 32, 48 and 64 channels."""
        common = self.conv_1(image)
        ensemble = self._levels("a", common)
        for branch in ("b", "c"):
            ensemble = [
                total + more for total, more in zip(ensemble, self._levels(branch, common), strict=True)
            ]
        return [weight * total for weight, total in zip(LEVEL_WEIGHTS, ensemble, strict=True)]

    def _levels(self, branch: str, features: torch.Tensor) -> list[torch.Tensor]:
        levels = []
        for level in range(1, len(WIDTHS)):
            features = self.get_submodule(f"conv_{branch}{level}")(features)
            levels.append(features)
        return levels


class TwoConvolutions(nn.Module):
    """Two rectified convolutions."""

    def __init__(self, inputs: int, between: int, outputs: int) -> None:
        super().__init__()
        self.conv_1 = nn.Conv2d(inputs, between, 3, padding=1)
        self.conv_2 = nn.Conv2d(between, outputs, 3, padding=1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, inputs, H, W)` to `(N, outputs, H, W)`."""
        return relu(self.conv_2(relu(self.conv_1(features))))


class EdgeAttention(nn.Module):
    """A map of where an image has edges that matter."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_1 = TwoConvolutions(1, 32, 32)
        self.conv_2 = TwoConvolutions(32, 64, 128)
        self.conv_3 = TwoConvolutions(128, 64, 32)
        self.conv_4 = nn.Conv2d(32, 1, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """`(N, 1, H, W)` to a map of the same shape."""
        attention: torch.Tensor = self.conv_4(self.conv_3(self.conv_2(self.conv_1(edges(image)))))
        return attention


class Constructor(nn.Module):
    """The fused image of the fused features, from the deepest level to the shallowest."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_1 = Unit(64, 16)
        self.conv_2 = Unit(16 + 48, 32)
        self.conv_3 = Unit(32 + 32, 16)
        self.conv_4 = Unit(16, 1)

    def forward(self, levels: list[torch.Tensor]) -> torch.Tensor:
        """Features as from `Extractor` to `(N, 1, H, W)`, not below zero."""
        shallow, middle, deep = levels
        features = torch.cat([self.conv_1(deep), middle], dim=1)
        features = torch.cat([self.conv_2(features), shallow], dim=1)
        fused: torch.Tensor = self.conv_4(self.conv_3(features))
        return fused


class MFEIFNet(nn.Module):
    """Extractor and attention of each image, and a constructor of both's features; 371,140 weights."""

    def __init__(self) -> None:
        super().__init__()
        self.att = EdgeAttention()
        self.ext = Extractor()
        self.con = Constructor()

    def forward(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Both `(N, 1, H, W)` in [0, 1]; the fused image, not below zero and about within [0, 1]."""
        pairs = zip(self._guided(infrared), self._guided(visible), strict=True)
        fused: torch.Tensor = self.con([_fused(*pair) for pair in pairs])
        return fused

    def _guided(self, image: torch.Tensor) -> list[torch.Tensor]:
        attention = self.att(image)
        *shallower, deepest = self.ext(image)
        return [*shallower, deepest * (deepest * attention).softmax(dim=1)]


class MFEIF(OfficialNetwork):
    """MFEIF with its authors' weights."""

    card = MethodCard(
        name="mfeif",
        title="MFEIF",
        venue="TCSVT",
        year=2021,
        paper="https://doi.org/10.1109/TCSVT.2021.3056725",
        code="https://github.com/JinyuanLiu-CV/MFEIF",
        licence="Apache-2.0 (this implementation); authors' code: no licence file; weights: no licence file",
        parameters=371_140,
        official_output="grey, rounded, cut off to 255",
        training_data="not stated in their repository",
        summary="features of three levels and dilations, and attention to edges",
        needs="its authors' weights: fusionbench weights get mfeif",
        official_weights=(
            WeightsFile(
                name="default.pth",
                size=1_523_983,
                sha256="de730170d4e7c794c476bdf1ace00b3f949ce12fe332dec4d83aa0a961d809b6",
                licence="no licence file",
                url=(
                    "https://raw.githubusercontent.com/JinyuanLiu-CV/MFEIF/"
                    "07906adf34beb3de396aaf76a858a16887d547a4/weights/default.pth"
                ),
            ),
        ),
    )

    @staticmethod
    def build() -> nn.Module:
        """The network, without its weights."""
        return MFEIFNet()

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Fuse luminances, `(N, 1, H, W)` in [0, 1]."""
        return in_stripes(self._network, (visible, infrared), REACH, channels=1)

    def official(self, visible: Uint8Image, infrared: Uint8Image) -> Uint8Image:
        """The grey image of the authors' test script."""
        levels = (np.float32(255) * self.fuse_levels(grey_pillow(visible), infrared)).round().clip(0, 255)
        image: Uint8Image = levels.astype(np.uint8)
        return image


def edges(image: torch.Tensor) -> torch.Tensor:
    """Gradient magnitudes of `(N, 1, H, W)` by central differences, the largest around each pixel."""
    mirrored = reflected(image, 1, 1, 1, 1)
    across = mirrored[..., 1:-1, 2:] - mirrored[..., 1:-1, :-2]
    down = mirrored[..., 2:, 1:-1] - mirrored[..., :-2, 1:-1]
    return max_pool2d((across.square() + down.square()).sqrt() / 2, 3, stride=1, padding=1)


def _fused(infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
    """The mean of both and of the smaller of both, feature by feature."""
    return (infrared + visible + torch.minimum(infrared, visible)) / 3
