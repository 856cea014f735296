"""STDFusionNet: residual blocks, trained to take salient targets from the infrared image.

Reference:
    J. Ma, L. Tang, M. Xu, H. Zhang, G. Xiao: "STDFusionNet: An Infrared and Visible Image Fusion Network
    Based on Salient Target Detection", IEEE Transactions on Instrumentation and Measurement 70, 2021.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn.functional import leaky_relu

from fusionbench.contracts import MethodCard, Uint8Image, WeightsFile
from fusionbench_methods.official_network import OfficialNetwork
from fusionbench_methods.scipy_images import grey_unrounded, stretched
from fusionbench_methods.stripes import in_stripes
from fusionbench_methods.tensorflow_kernels import convolutions

SLOPE = 0.2
"""Of the leaky rectifiers."""
REACH = 9
"""Rows above and below one of the fused image that it depends on."""


class Residual(nn.Module):
    """Three convolutions around which the input is led, through one more where the width changes."""

    def __init__(self, inputs: int, outputs: int, activation: nn.Module) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, inputs, 1)
        self.conv2 = nn.Conv2d(inputs, inputs, 3, padding=1)
        self.conv3 = nn.Conv2d(inputs, outputs, 1)
        same = inputs == outputs
        self.identity_conv = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, bias=False)
        self.activation = activation

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, inputs, H, W)` to `(N, outputs, H, W)`; the activation follows the sum."""
        inner = leaky_relu(self.conv1(features), SLOPE)
        inner = self.conv3(leaky_relu(self.conv2(inner), SLOPE))
        activated: torch.Tensor = self.activation(inner + self.identity_conv(features))
        return activated


class Extraction(nn.Module):
    """Features of one image."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 5, padding=2)
        self.block1 = Residual(16, 16, nn.LeakyReLU(SLOPE))
        self.block2 = Residual(16, 32, nn.LeakyReLU(SLOPE))
        self.block3 = Residual(32, 64, nn.LeakyReLU(SLOPE))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """`(N, 1, H, W)` to `(N, 64, H, W)`."""
        features = leaky_relu(self.conv1(image), SLOPE)
        extracted: torch.Tensor = self.block3(self.block2(self.block1(features)))
        return extracted


class Reconstruction(nn.Module):
    """The fused image of both images' features."""

    def __init__(self) -> None:
        super().__init__()
        self.block1 = Residual(128, 64, nn.ELU())
        self.block2 = Residual(64, 32, nn.ELU())
        self.block3 = Residual(32, 16, nn.LeakyReLU(SLOPE))
        self.block4 = Residual(16, 1, nn.Tanh())

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, 128, H, W)` to `(N, 1, H, W)` within [-1, 1]."""
        fused: torch.Tensor = self.block4(self.block3(self.block2(self.block1(features))))
        return fused


class STDFusionNetwork(nn.Module):
    """An extraction for each image, and a reconstruction from both; 282,513 weights."""

    def __init__(self) -> None:
        super().__init__()
        self.vi_extraction_network = Extraction()
        self.ir_extraction_network = Extraction()
        self.reconstruction_network = Reconstruction()

    def forward(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Both `(N, 1, H, W)` in [-1, 1]; the fused image within [-1, 1]."""
        features = (self.vi_extraction_network(visible), self.ir_extraction_network(infrared))
        fused: torch.Tensor = self.reconstruction_network(torch.cat(features, dim=1))
        return fused


class STDFusionNet(OfficialNetwork):
    """STDFusionNet with its authors' weights."""

    card = MethodCard(
        name="stdfusionnet",
        title="STDFusionNet",
        venue="TIM",
        year=2021,
        paper="https://doi.org/10.1109/TIM.2021.3075747",
        code="https://github.com/Linfeng-Tang/STDFusionNet",
        licence="Apache-2.0 (this implementation); authors' code: MIT; weights: MIT",
        training_data="TNO, with masks of the salient targets",
        parameters=282_513,
        official_output="grey; its minimum and maximum are stretched to 0 and 255",
        summary="residual blocks, trained with masks of the salient infrared targets",
        needs="its authors' weights: fusionbench weights get stdfusionnet",
        official_weights=(
            WeightsFile(
                name="stdfusionnet_tf.npz",
                size=1_154_394,
                sha256="f9cb12f402521617986ba432c2506c52326f2d009c6c7524c2b978dd9fcc1d1b",
                licence="MIT",
                note=(
                    "the TensorFlow checkpoint of github.com/Linfeng-Tang/STDFusionNet as arrays, "
                    "with | for / in their names"
                ),
            ),
        ),
    )

    @staticmethod
    def build() -> nn.Module:
        """The network, without its weights."""
        return STDFusionNetwork()

    @staticmethod
    def renamed(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """`STDFusion_model|vi_extraction_network|conv1|w` becomes `vi_extraction_network.conv1.weight`."""
        return convolutions(tensors)

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Fuse luminances, `(N, 1, H, W)` in [0, 1]."""
        return in_stripes(self._network, (visible * 2 - 1, infrared * 2 - 1), REACH, channels=1) / 2 + 0.5

    def official(self, visible: Uint8Image, infrared: Uint8Image) -> Uint8Image:
        """The grey image of the authors' test script."""
        grey = grey_unrounded(visible) / np.float32(255)
        return stretched(self.fuse_plane(grey, infrared.astype(np.float32) / np.float32(255)))
