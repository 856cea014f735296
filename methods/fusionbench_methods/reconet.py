"""ReCoNet: three passes through the same small network, each attending to what the last one made.

Reference:
    Z. Huang, J. Liu, X. Fan, R. Liu, W. Zhong, Z. Luo: "ReCoNet: Recurrent Correction Network for Fast and
    Efficient Multi-modality Image Fusion", ECCV 2022, section 3.2. This is the fusion of the authors' first
    release, without the registration of unaligned pairs.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn.functional import conv2d

from fusionbench.contracts import MethodCard, Uint8Image, WeightsFile
from fusionbench_methods.luma_chroma import grey_opencv
from fusionbench_methods.official_network import OfficialNetwork

WIDTH, PASSES = 64, 3
"""Channels of each dilation, and how often the network runs."""


class ReCoNetFuser(nn.Module):
    """Attention to both images, and dilated convolutions beside each other; 7,527 weights."""

    def __init__(self) -> None:
        super().__init__()
        self.att_a_conv = nn.Conv2d(2, 1, 3, padding=1, bias=False)
        self.att_b_conv = nn.Conv2d(2, 1, 3, padding=1, bias=False)
        self.dil_conv_1 = _dilated(1)
        self.dil_conv_2 = _dilated(2)
        self.dil_conv_3 = _dilated(3)
        self.fus_conv = nn.Sequential(nn.Conv2d(3 * WIDTH, 1, 3, padding=1), nn.BatchNorm2d(1), nn.Tanh())

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """Both `(N, 1, H, W)` in [0, 1]; the fused image within [-1, 1], black at 0."""
        fused = torch.maximum(infrared, visible)
        for _ in range(PASSES):
            hot = infrared * _attention(self.att_a_conv, infrared, fused)
            lit = visible * _attention(self.att_b_conv, visible, fused)
            fused = self._mixed(torch.cat([hot, fused, lit], dim=1))
        return fused

    def _mixed(self, images: torch.Tensor) -> torch.Tensor:
        """`(N, 3, H, W)` to `(N, 1, H, W)`."""
        weight, bias = (self.fus_conv.get_parameter(name) for name in ("0.weight", "0.bias"))
        total = bias.view(1, 1, 1, 1)
        # One dilation after the other: all at once would hold six times as much of a large image.
        dilations = (self.dil_conv_1, self.dil_conv_2, self.dil_conv_3)
        for dilated, kernel in zip(dilations, weight.chunk(len(dilations), dim=1), strict=True):
            total = total + conv2d(dilated(images), kernel, padding=1)
        fused: torch.Tensor = self.fus_conv[1:](total)
        return fused


class ReCoNet(OfficialNetwork):
    """ReCoNet with its authors' weights."""

    card = MethodCard(
        name="reconet",
        title="ReCoNet",
        venue="ECCV",
        year=2022,
        paper="https://doi.org/10.1007/978-3-031-19797-0_31",
        code="https://github.com/dlut-dimt/ReCoNet",
        licence="Apache-2.0 (this implementation); authors' code: MIT; weights: MIT",
        parameters=7_527,
        official_output="cut off at 0 and 255, then rounded",
        training_data="not stated in their repository",
        summary="attention and dilated convolutions, run three times over with the same weights",
        needs="its authors' weights: fusionbench weights get reconet",
        official_weights=(
            WeightsFile(
                name="params.pth",
                size=40_395,
                sha256="d4f013c85e48d10d4f6c8b6574f16e4fe9cb5df48c77fc17c1e524f04bb3c290",
                licence="MIT",
                url=(
                    "https://raw.githubusercontent.com/dlut-dimt/ReCoNet/"
                    "0870f5f37852ace85850d9fd2d4570eb57682d22/archive/params.pth"
                ),
            ),
        ),
    )

    @staticmethod
    def build() -> nn.Module:
        """The network, without its weights."""
        return ReCoNetFuser()

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Fuse luminances, `(N, 1, H, W)` in [0, 1]; dark pixels come out below 0."""
        fused: torch.Tensor = self._network(infrared, visible)
        return fused

    def official(self, visible: Uint8Image, infrared: Uint8Image) -> Uint8Image:
        """The grey image of the authors' script."""
        levels = np.float32(255) * self.fuse_levels(grey_opencv(visible), infrared)
        image: Uint8Image = levels.round().clip(0.0, 255.0).astype(np.uint8)
        return image


def _dilated(dilation: int) -> nn.Sequential:
    convolution = nn.Conv2d(3, WIDTH, 3, padding=dilation, dilation=dilation)
    return nn.Sequential(convolution, nn.BatchNorm2d(WIDTH), nn.ReLU())


def _attention(convolution: nn.Module, image: torch.Tensor, fused: torch.Tensor) -> torch.Tensor:
    """Weights `(N, 1, H, W)` within [0, 1] of an image's pixels, seen beside the fused ones."""
    seen = torch.cat([torch.maximum(image, fused), (image + fused) / 2], dim=1)
    weights: torch.Tensor = convolution(seen).sigmoid()
    return weights
