"""PMGI: two streams, for gradients and for intensities, that exchange features.

The authors' test script restores no statistics, scales or offsets for its batch normalisations: each image is
normalised by its own means and variances, channel by channel.

Reference:
    H. Zhang, H. Xu, Y. Xiao, X. Guo, J. Ma: "Rethinking the Image Fusion: A Fast Unified Image Fusion Network
    based on Proportional Maintenance of Gradient and Intensity", AAAI 2020.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn.functional import leaky_relu

from fusionbench.contracts import MethodCard, Uint8Image, WeightsFile
from fusionbench_methods.official_network import OfficialNetwork
from fusionbench_methods.scipy_images import grey_unrounded, stretched
from fusionbench_methods.tensorflow_kernels import SEPARATOR, convolutions

SLOPE = 0.2
"""Of the leaky rectifiers."""
SMALLEST_VARIANCE = 1e-5
"""Added to each, so that a uniform image can be normalised."""
WIDTH = 16
"""Channels that each layer gives."""
STREAMS = ("", "_vi")
"""What the names of the layers end on: of the stream of mostly infrared, and of mostly visible input."""
NORMALISATION = f"{SEPARATOR}BatchNorm{SEPARATOR}"


class Layer(nn.Conv2d):
    """A convolution, normalised for each image by itself, and a leaky rectifier."""

    def __init__(self, inputs: int, side: int) -> None:
        super().__init__(inputs, WIDTH, side, padding=side // 2)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, inputs, H, W)` to `(N, 16, H, W)`."""
        convolved = super().forward(features)
        variance, mean = torch.var_mean(convolved, dim=(2, 3), correction=0, keepdim=True)
        return leaky_relu((convolved - mean) / (variance + SMALLEST_VARIANCE).sqrt(), SLOPE)


class PMGINet(nn.Module):
    """Two streams of four layers with two exchanges between them, and one layer that mixes all."""

    def __init__(self) -> None:
        super().__init__()
        for stream in STREAMS:
            self.add_module(f"layer1{stream}", Layer(3, 5))
            self.add_module(f"layer2{stream}", Layer(WIDTH, 3))
            self.add_module(f"layer2_3{stream}", Layer(2 * WIDTH, 1))
            self.add_module(f"layer3{stream}", Layer(3 * WIDTH, 3))
            self.add_module(f"layer3_4{stream}", Layer(2 * WIDTH, 1))
            self.add_module(f"layer4{stream}", Layer(4 * WIDTH, 3))
        self.layer5 = nn.Conv2d(8 * WIDTH, 1, 1)

    def forward(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Both `(N, 1, H, W)` in [-1, 1]; the fused image within [-1, 1]."""
        first = self._layer("layer1", [[infrared, infrared, visible], [visible, visible, infrared]])
        second = self._layer("layer2", [[features] for features in first])
        exchanged = self._layer("layer2_3", [second, second])
        third = self._layer("layer3", _beside(first, second, exchanged))
        exchanged = self._layer("layer3_4", [third, third])
        fourth = self._layer("layer4", _beside(first, second, third, exchanged))
        fused: torch.Tensor = self.layer5(torch.cat([*first, *second, *third, *fourth], dim=1)).tanh()
        return fused

    def _layer(self, name: str, inputs: list[list[torch.Tensor]]) -> list[torch.Tensor]:
        """Of both streams, from what each of them sees."""
        return [
            self.get_submodule(name + stream)(torch.cat(seen, dim=1))
            for stream, seen in zip(STREAMS, inputs, strict=True)
        ]


class PMGI(OfficialNetwork):
    """PMGI with its authors' weights."""

    card = MethodCard(
        name="pmgi",
        title="PMGI",
        venue="AAAI",
        year=2020,
        paper="https://doi.org/10.1609/aaai.v34i07.6975",
        code="https://github.com/HaoZhang1018/PMGI_AAAI2020",
        licence="Apache-2.0 (this implementation); authors' code: MIT; weights: MIT",
        parameters=41_633,
        official_output="grey; its minimum and maximum are stretched to 0 and 255",
        training_data="not stated in their repository",
        summary="streams for gradient and intensity that exchange features, normalised image by image",
        needs="its authors' weights: fusionbench weights get pmgi",
        official_weights=(
            WeightsFile(
                name="pmgi_irvi_tf.npz",
                size=192_074,
                sha256="b0c2c08764411f5f842eaa1f00f05ebff485323613d9ecc7f8adfff54501c471",
                licence="MIT",
                note=(
                    "the TensorFlow checkpoint for infrared and visible images of "
                    "github.com/HaoZhang1018/PMGI_AAAI2020 as arrays, with | for / in their names"
                ),
            ),
        ),
    )

    @staticmethod
    def build() -> nn.Module:
        """The network, without its weights."""
        return PMGINet()

    @staticmethod
    def renamed(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """`fusion_model|layer1|w1` becomes `layer1.weight`; without the tensors of the normalisations."""
        return convolutions({name: value for name, value in tensors.items() if NORMALISATION not in name})

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Fuse luminances, `(N, 1, H, W)` in [0, 1]."""
        fused: torch.Tensor = self._network(visible * 2 - 1, infrared * 2 - 1)
        return fused / 2 + 0.5

    def official(self, visible: Uint8Image, infrared: Uint8Image) -> Uint8Image:
        """The grey image of the authors' test script."""
        grey = grey_unrounded(visible) / np.float32(255)
        return stretched(self.fuse_plane(grey, infrared.astype(np.float32) / np.float32(255)))


def _beside(*layers: list[torch.Tensor]) -> list[list[torch.Tensor]]:
    """For each stream, its features of several layers."""
    return [list(features) for features in zip(*layers, strict=True)]
