"""IFCNN: features of any number of images, joined by a maximum, a mean or a sum.

Reference:
    Y. Zhang, Y. Liu, P. Sun, H. Yan, X. Zhao, L. Zhang: "IFCNN: A general image fusion framework based on
    convolutional neural network", Information Fusion 54, 2020, section 3. The first layer is that of a
    ResNet-101.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn.functional import pad

from fusionbench.contracts import MethodCard, Uint8Image, WeightsFile
from fusionbench_methods.luma_chroma import grey_opencv
from fusionbench_methods.official_network import OfficialNetwork

Rule = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""How the features of two images become one."""

WIDTH = 64
"""Channels of all features."""


class Block(nn.Module):
    """A convolution over a repeated edge, normalised and rectified."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(WIDTH, WIDTH, 3, bias=False)
        self.bn = nn.BatchNorm2d(WIDTH)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, 64, H, W)` to the same shape."""
        convolved: torch.Tensor = self.bn(self.conv(_repeated_edge(features, 1))).relu()
        return convolved


class IFCNNNet(nn.Module):
    """Two layers for each image, and two for the joined features; 83,587 weights.

    Args:
        rule: Joins the features.
    """

    def __init__(self, rule: Rule) -> None:
        super().__init__()
        self.rule = rule
        self.conv1 = nn.Conv2d(3, WIDTH, 7, bias=False)
        self.conv2 = Block()
        self.conv3 = Block()
        self.conv4 = nn.Conv2d(WIDTH, 3, 1)

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Both `(N, 3, H, W)` in [0, 1]; the fused image, about as much."""
        features = self.rule(self._encoded(first), self._encoded(second))
        fused: torch.Tensor = self.conv4(self.conv3(features))
        return fused

    def _encoded(self, image: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.conv2(self.conv1(_repeated_edge(image, 3)))
        return features


def _repeated_edge(image: torch.Tensor, margin: int) -> torch.Tensor:
    return pad(image, (margin,) * 4, mode="replicate")


def _mean(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    return (first + second) / 2


def _card(name: str, rule: str, size: int, sha256: str) -> MethodCard:
    file = f"IFCNN-{rule.upper()}.pth"
    return MethodCard(
        family="ifcnn",
        name=name,
        title=f"IFCNN-{rule.upper()}",
        colour="rgb",
        venue="Information Fusion",
        year=2020,
        paper="https://doi.org/10.1016/j.inffus.2019.07.011",
        code="https://github.com/uzeful/IFCNN",
        licence="Apache-2.0 (this implementation); authors' code: no licence file; weights: no licence file",
        training_data="multi-focus images made of NYU-D2",
        parameters=83_587,
        official_output="the RGB image is cut off at 0 and 255, cut to integers, and turned to grey",
        summary=f"two layers for each image, features joined by the {rule}, two layers more",
        needs=f"its authors' weights: fusionbench weights get {name}",
        official_weights=(
            WeightsFile(
                name=file,
                size=size,
                sha256=sha256,
                licence="no licence file",
                url=(
                    "https://raw.githubusercontent.com/uzeful/IFCNN/"
                    f"8fe59c2b1553e52acc793986208ca479d134a8da/Code/snapshots/{file}"
                ),
            ),
        ),
    )


class IFCNN(OfficialNetwork):
    """IFCNN with the maximum of features, which its authors use for infrared, and their weights for it."""

    card = _card(
        name="ifcnn",
        rule="max",
        size=337_094,
        sha256="6022b44c88a2f0367ba9b08fcdf0d663745d9a966fca0ee1f41867797b6ff53f",
    )

    @staticmethod
    def build() -> nn.Module:
        """The network, without its weights."""
        return IFCNNNet(torch.maximum)

    @staticmethod
    def renamed(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """With the batch counters of normalisations: only training reads them, and the file has none."""
        return tensors | {f"{block}.bn.num_batches_tracked": torch.tensor(0) for block in ("conv2", "conv3")}

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Fuse RGB `(N, 3, H, W)` and infrared `(N, 1, H, W)`, both in [0, 1]; RGB `(N, 3, H, W)`."""
        fused: torch.Tensor = self._network(visible, infrared.expand(-1, 3, -1, -1))
        return fused

    def official(self, visible: Uint8Image, infrared: Uint8Image) -> Uint8Image:
        """The grey image of the authors' notebook."""
        device = next(self._network.parameters()).device
        planes = np.concatenate([visible, infrared[..., None]], axis=-1).transpose(2, 0, 1)
        pair = torch.from_numpy(planes.astype(np.float32) / np.float32(255))[None].to(device)
        with torch.no_grad():
            fused = self.fuse(pair[:, :3], pair[:, 3:])[0].clamp(0.0, 1.0)
        rgb = (fused.permute(1, 2, 0).cpu().numpy() * np.float32(255)).astype(np.uint8)
        return grey_opencv(rgb)


class IFCNNMean(IFCNN):
    """IFCNN with the mean of features."""

    card = _card(
        name="ifcnn-mean",
        rule="mean",
        size=337_079,
        sha256="fd2ee9361f1d428fc9749e28e8a2c5c5ef6ce6528ab6f5ad8ef5def42e7ffa4b",
    )

    @staticmethod
    def build() -> nn.Module:
        """The network, without its weights."""
        return IFCNNNet(_mean)


class IFCNNSum(IFCNN):
    """IFCNN with the sum of features."""

    card = _card(
        name="ifcnn-sum",
        rule="sum",
        size=337_107,
        sha256="a8c1d293f1bf16a93e6244a4bf8f7a7bd300dc10555c8597ad7ef3320b0410cb",
    )

    @staticmethod
    def build() -> nn.Module:
        """The network, without its weights."""
        return IFCNNNet(torch.add)
