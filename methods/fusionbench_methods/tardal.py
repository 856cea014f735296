"""TarDAL: a densely connected generator, trained against one critic of targets and one of details.

Reference:
    J. Liu, X. Fan, Z. Huang, G. Wu, R. Liu, W. Zhong, Z. Luo: "Target-aware Dual Adversarial Learning and a
    Multi-scenario Multi-Modality Benchmark to Fuse Infrared and Visible for Object Detection", CVPR 2022,
    section 3.2. The authors published three trainings of the same generator.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from fusionbench.contracts import MethodCard, Uint8Image, WeightsFile
from fusionbench_methods.luma_chroma import grey_opencv
from fusionbench_methods.official_network import OfficialNetwork
from fusionbench_methods.opencv_luma_chroma import join_opencv, split_opencv

WIDTH, DEPTH = 32, 3
"""Channels that each dense layer adds, and how many such layers there are."""


class TarDALNet(nn.Module):
    """Encoder, dense layers, and a fusion in four steps; 296,577 weights."""

    def __init__(self) -> None:
        super().__init__()
        whole = WIDTH * (DEPTH + 1)
        self.encoder = _normalised(2, WIDTH)
        self.dense = nn.ModuleList(_normalised(WIDTH * (index + 1), WIDTH) for index in range(DEPTH))
        self.fuse = nn.Sequential(
            nn.Sequential(nn.Conv2d(whole, whole, 3, padding=1), nn.ReLU(inplace=True)),
            _normalised(whole, whole // 2),
            _normalised(whole // 2, whole // 4),
            nn.Sequential(nn.Conv2d(whole // 4, 1, 3, padding=1), nn.Tanh()),
        )

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """Both `(N, 1, H, W)` in [0, 1]; the fused image within [-1, 1], black at 0."""
        features = self.encoder(torch.cat([infrared, visible], dim=1))
        for layer in self.dense:
            features = torch.cat([features, layer(features)], dim=1)
        fused: torch.Tensor = self.fuse(features)
        return fused


def _normalised(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


def _without_subnormal(tensor: torch.Tensor) -> torch.Tensor:
    if not tensor.is_floating_point():
        return tensor
    return tensor.where(tensor.abs() >= torch.finfo(tensor.dtype).tiny, 0.0)


def _card(name: str, title: str, size: int, sha256: str, purpose: str) -> MethodCard:
    folder = (
        "https://raw.githubusercontent.com/Linfeng-Tang/VIF-Benchmark/"
        "23f2e51fc1b084310d998999222ce02dc364b6eb/Checkpoint/TarDAL"
    )
    return MethodCard(
        family="tardal",
        name=name,
        title=title,
        venue="CVPR",
        year=2022,
        paper="https://arxiv.org/abs/2203.16220",
        code="https://github.com/JinyuanLiu-CV/TarDAL",
        licence="Apache-2.0 (this implementation); authors' code: GPL-3.0; weights: GPL-3.0",
        parameters=296_577,
        official_output="negative values become 0, then cut to integers",
        training_data="not stated in their repository",
        summary=f"dense generator trained against critics of targets and details, {purpose}",
        needs=f"its authors' weights: fusionbench weights get {name}",
        official_weights=(
            WeightsFile(
                name=f"{name}.pt",
                size=size,
                sha256=sha256,
                licence="GPL-3.0 (the authors'; the collection it is downloaded from says MIT)",
                url=f"{folder}/{name}.pt",
            ),
        ),
    )


class TarDAL(OfficialNetwork):
    """TarDAL with the weights that its authors trained for human eyes."""

    card = _card(
        name="tardal",
        title="TarDAL",
        size=1_203_451,
        sha256="e0fa61e25cffa9fb14ff17b47ea7ba237a6e8c6f37e1b9b115d63354ff0f13e1",
        purpose="for viewing",
    )

    @staticmethod
    def build() -> nn.Module:
        """The network, without its weights."""
        return TarDALNet()

    @staticmethod
    def renamed(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """With 0 for subnormal numbers.

        Four in five weights of a layer of TarDAL++ are subnormal. They change no output, and slow processors
        down twentyfold.
        """
        return {name: _without_subnormal(value) for name, value in tensors.items()}

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Fuse luminances, `(N, 1, H, W)` in [0, 1]; dark pixels come out below 0."""
        fused: torch.Tensor = self._network(infrared, visible)
        return fused

    def official(self, visible: Uint8Image, infrared: Uint8Image) -> Uint8Image:
        """The RGB image of the authors' script, which runs in half precision; this does not."""
        fused = self.fuse_levels(grey_opencv(visible), infrared).clip(0.0, 1.0)
        planes = split_opencv(visible)
        planes[..., 0] = fused * np.float32(255)
        return join_opencv(planes)


class TarDALPlus(TarDAL):
    """TarDAL+: the weights that the authors trained for a detector."""

    card = _card(
        name="tardal+",
        title="TarDAL+",
        size=1_201_819,
        sha256="cff3756548b511e3e415616debc557cdc85b3bb19393ca158cac8d08f232897c",
        purpose="for detection",
    )


class TarDALPlusPlus(TarDAL):
    """TarDAL++: the weights that the authors trained for both."""

    card = _card(
        name="tardal++",
        title="TarDAL++",
        size=1_201_819,
        sha256="7009d125e36db043d6918d9358e10c6dca7fdf2dd08ada09c5ecd294f45f98c5",
        purpose="for both",
    )
