"""SAGE: a small student of a network that saw with the Segment Anything Model.

Reference:
    G. Wu, H. Liu, H. Fu, Y. Peng, J. Liu, X. Fan, R. Liu: "Every SAM Drop Counts: Embracing Semantic Priors
    for Multi-Modality Image Fusion and Beyond", CVPR 2025. This is the sub-network, which needs no SAM.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn.functional import interpolate, max_pool2d

from fusionbench.contracts import MethodCard, Uint8Image, WeightsFile
from fusionbench_methods.luma_chroma import join_luma_chroma
from fusionbench_methods.official_network import OfficialNetwork
from fusionbench_methods.opencv_luma_chroma import split_opencv

WIDTH = 32
"""Channels of every level."""


class SAGENet(nn.Module):
    """Encoder of three resolutions, and a decoder that joins each with the next finer one."""

    def __init__(self) -> None:
        super().__init__()
        self.module1 = _block(2)
        self.module2 = _block(WIDTH)
        self.module3 = _block(WIDTH)
        self.adjust_channels4 = nn.Sequential(*_layers(2 * WIDTH, side=1))
        self.module4 = _block(WIDTH)
        self.adjust_channels5 = nn.Sequential(*_layers(2 * WIDTH, side=1))
        self.module5 = _block(WIDTH)
        self.final_decoder = nn.Sequential(nn.Conv2d(WIDTH, 1, 3, padding=1), nn.Tanh())

    def forward(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Both `(N, 1, H, W)` in [0, 1]; the fused luminance within [-1, 1], hardly ever below 0."""
        fine = self.module1(torch.cat([visible, infrared], dim=1))
        middle = self.module2(_halved(fine))
        coarse = self.module3(_halved(middle))
        middle = self.module4(self.adjust_channels4(_joined(coarse, middle)))
        fine = self.module5(self.adjust_channels5(_joined(middle, fine)))
        fused: torch.Tensor = self.final_decoder(fine)
        return fused


class SAGE(OfficialNetwork):
    """SAGE with its authors' weights."""

    card = MethodCard(
        name="sage",
        title="SAGE",
        venue="CVPR",
        year=2025,
        paper="https://arxiv.org/abs/2503.01210",
        code="https://github.com/RollingPlain/SAGE_IVIF",
        licence="Apache-2.0 (this implementation); authors' code: MIT; weights: MIT",
        training_data="FMB",
        parameters=135_617,
        official_output="the RGB image is cut off at 0 and 255, then rounded",
        summary="small U-shaped network distilled from one that uses Segment Anything",
        needs="its authors' weights: fusionbench weights get sage",
        official_weights=(
            WeightsFile(
                name="checkpoints.pt",
                size=579_020,
                sha256="ecfde477ca4cd65401f207d5dc91ce6c475a49891d768dbdb7a66366255ee836",
                licence="MIT",
                url=(
                    "https://raw.githubusercontent.com/RollingPlain/SAGE_IVIF/"
                    "377fdbef6b8b6ccbd1139358ad66bb41ea084dc1/checkpoints/checkpoints.pt"
                ),
            ),
        ),
    )

    @staticmethod
    def build() -> nn.Module:
        """The network, without its weights."""
        return SAGENet()

    def official(self, visible: Uint8Image, infrared: Uint8Image) -> Uint8Image:
        """The RGB image of the authors' test script."""
        luma, red, blue = (split_opencv(visible).astype(np.float32) / np.float32(255)).transpose(2, 0, 1)
        fused = self.fuse_plane(luma, infrared.astype(np.float32) / np.float32(255))
        rgb = join_luma_chroma(fused, red, blue)
        image: Uint8Image = (rgb * np.float32(255) + np.float32(0.5)).astype(np.uint8)
        return image


def _layers(inputs: int, side: int = 3) -> list[nn.Module]:
    return [nn.Conv2d(inputs, WIDTH, side, padding=side // 2), nn.BatchNorm2d(WIDTH), nn.LeakyReLU(0.01)]


def _block(inputs: int) -> nn.Sequential:
    return nn.Sequential(*_layers(inputs), *_layers(WIDTH), *_layers(WIDTH))


def _halved(features: torch.Tensor) -> torch.Tensor:
    """Maximum of 2x2 pixels; an axis of a single pixel stays."""
    height, width = features.shape[2:]
    return max_pool2d(features, (min(2, height), min(2, width)))


def _joined(coarse: torch.Tensor, fine: torch.Tensor) -> torch.Tensor:
    """The coarse features at the fine ones' size, and the fine ones behind them."""
    enlarged = interpolate(coarse, size=fine.shape[2:], mode="bilinear", align_corners=False)
    return torch.cat([enlarged, fine], dim=1)
