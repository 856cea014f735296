"""SeAFusion: gradient residual dense blocks, trained under a segmentation loss.

Reference:
    L. Tang, J. Yuan, J. Ma: "Image Fusion in the Loop of High-Level Vision Tasks: A Semantic-Aware Real-Time
    Infrared and Visible Image Fusion Network", Information Fusion 82, 2022, section 3.3.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn.functional import leaky_relu

from fusionbench.contracts import MethodCard, Uint8Image, WeightsFile
from fusionbench_methods.luma_chroma import join_luma_chroma, split_luma_chroma
from fusionbench_methods.official_network import OfficialNetwork

SLOPE, BLOCK_SLOPE = 0.2, 0.1
"""Of the leaky rectifiers: everywhere, and after a block's sum."""


class Convolution(nn.Module):
    """A convolution, and a leaky rectifier."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, inputs, H, W)` to `(N, outputs, H, W)`."""
        return leaky_relu(self.conv(features), SLOPE)


class Linear(nn.Module):
    """A convolution that is not rectified."""

    def __init__(self, inputs: int, outputs: int, side: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, side, padding=side // 2)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, inputs, H, W)` to `(N, outputs, H, W)`."""
        mixed: torch.Tensor = self.conv(features)
        return mixed


class DenseBlock(nn.Module):
    """Two convolutions, each output behind its input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = Convolution(width, width)
        self.conv2 = Convolution(2 * width, width)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, width, H, W)` to `(N, 3 width, H, W)`."""
        more = torch.cat([features, self.conv1(features)], dim=1)
        return torch.cat([more, self.conv2(more)], dim=1)


class Gradients(nn.Module):
    """Sobel filters of each channel, trained further by the authors."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convx = nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False)
        self.convy = nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Sum of both absolute values, same shape."""
        magnitude: torch.Tensor = self.convx(features).abs() + self.convy(features).abs()
        return magnitude


class GradientResidualDenseBlock(nn.Module):
    """A dense block beside the gradients of its input (figure 4)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.dense = DenseBlock(inputs)
        self.convdown = Linear(3 * inputs, outputs)
        self.sobelconv = Gradients(inputs)
        self.convup = Linear(inputs, outputs)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, inputs, H, W)` to `(N, outputs, H, W)`."""
        total = self.convdown(self.dense(features)) + self.convup(self.sobelconv(features))
        return leaky_relu(total, BLOCK_SLOPE)


class SeAFusionNet(nn.Module):
    """Two streams of the same build, and a decoder of their features."""

    def __init__(self) -> None:
        super().__init__()
        for stream in ("vis", "inf"):
            self.add_module(f"{stream}_conv", Convolution(1, 16))
            self.add_module(f"{stream}_rgbd1", GradientResidualDenseBlock(16, 32))
            self.add_module(f"{stream}_rgbd2", GradientResidualDenseBlock(32, 48))
        self.decode4 = Convolution(96, 64)
        self.decode3 = Convolution(64, 32)
        self.decode2 = Convolution(32, 16)
        self.decode1 = Linear(16, 1, side=3)

    def forward(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Both `(N, 1, H, W)` in [0, 1]; the fused luminance within [0, 1]."""
        features = torch.cat([self._encoded("vis", visible), self._encoded("inf", infrared)], dim=1)
        decoded = self.decode1(self.decode2(self.decode3(self.decode4(features))))
        fused: torch.Tensor = decoded.tanh() / 2 + 0.5
        return fused

    def _encoded(self, stream: str, image: torch.Tensor) -> torch.Tensor:
        features = image
        for part in ("conv", "rgbd1", "rgbd2"):
            features = self.get_submodule(f"{stream}_{part}")(features)
        return features


class SeAFusion(OfficialNetwork):
    """SeAFusion with its authors' weights."""

    card = MethodCard(
        name="seafusion",
        title="SeAFusion",
        venue="Information Fusion",
        year=2022,
        paper="https://doi.org/10.1016/j.inffus.2021.12.004",
        code="https://github.com/Linfeng-Tang/SeAFusion",
        licence="Apache-2.0 (this implementation); authors' code: no licence file; weights: MIT",
        training_data="MSRS",
        parameters=166_657,
        official_output="the RGB image is stretched from its minimum to its maximum, then cut to integers",
        summary="two streams of dense blocks beside Sobel gradients, trained under a segmentation loss",
        needs="its authors' weights: fusionbench weights get seafusion",
        official_weights=(
            WeightsFile(
                name="SeAFusion.pth",
                size=682_043,
                sha256="8d65a7f9a50f36349803368cf9920f40420776995e7e8cc8a56d8d30e499431d",
                licence="MIT (the author's own collection of methods)",
                url=(
                    "https://raw.githubusercontent.com/Linfeng-Tang/VIF-Benchmark/"
                    "23f2e51fc1b084310d998999222ce02dc364b6eb/Checkpoint/SeAFusion/SeAFusion.pth"
                ),
            ),
        ),
    )

    @staticmethod
    def build() -> nn.Module:
        """The network, without its weights."""
        return SeAFusionNet()

    @staticmethod
    def renamed(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Without the batch normalisations of the decoder, which the file holds and nothing applies."""
        return {name: value for name, value in tensors.items() if ".bn." not in name}

    def official(self, visible: Uint8Image, infrared: Uint8Image) -> Uint8Image:
        """The RGB image of the authors' test script for a pair by itself."""
        luma, red, blue = split_luma_chroma(visible)
        fused = self.fuse_plane(luma, infrared.astype(np.float32) / np.float32(255))
        rgb = join_luma_chroma(fused, red, blue)
        stretched = (rgb - rgb.min()) / (rgb.max() - rgb.min())
        image: Uint8Image = (np.float32(255) * stretched).astype(np.uint8)
        return image
