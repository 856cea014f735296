"""U2Fusion: one densely connected network for several fusion tasks.

Reference:
    H. Xu, J. Ma, J. Jiang, X. Guo, H. Ling: "U2Fusion: A Unified Unsupervised Image Fusion Network", IEEE
    Transactions on Pattern Analysis and Machine Intelligence 44(1), 2022 (online 2020), section 3.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn.functional import leaky_relu

from fusionbench.contracts import MethodCard, Uint8Image, WeightsFile
from fusionbench_methods.official_network import OfficialNetwork
from fusionbench_methods.reflected_edges import ReflectedConvolution
from fusionbench_methods.scipy_images import stretched
from fusionbench_methods.stripes import in_stripes
from fusionbench_methods.tensorflow_kernels import convolutions

SLOPE = 0.2
"""Of the leaky rectifiers."""
WIDTH = 44
"""Channels that each of the encoder's layers gives."""
DENSE_LAYERS = 5
REACH = 10
"""Rows above and below one of the fused image that it depends on."""

RED, GREEN, BLUE = 0.299, 0.587, 0.114
"""Shares in the luminance."""


class Encoder(nn.Module):
    """Layers that each see the outputs of all before them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1_1 = ReflectedConvolution(2, WIDTH)
        for layer in range(1, DENSE_LAYERS + 1):
            self.add_module(f"dense_block_conv{layer}", ReflectedConvolution(layer * WIDTH, WIDTH))

    def forward(self, pair: torch.Tensor) -> torch.Tensor:
        """`(N, 2, H, W)` to `(N, 264, H, W)`, the newest features first."""
        features = leaky_relu(self.conv1_1(pair), SLOPE)
        for layer in range(1, DENSE_LAYERS + 1):
            newer = leaky_relu(self.get_submodule(f"dense_block_conv{layer}")(features), SLOPE)
            features = torch.cat([newer, features], dim=1)
        return features


class Decoder(nn.Module):
    """Four layers down to one channel."""

    def __init__(self) -> None:
        super().__init__()
        self.conv2_1 = ReflectedConvolution((DENSE_LAYERS + 1) * WIDTH, 128)
        self.conv2_2 = ReflectedConvolution(128, 64)
        self.conv2_3 = ReflectedConvolution(64, 32)
        self.conv2_4 = ReflectedConvolution(32, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, 264, H, W)` to `(N, 1, H, W)` within [0, 1]."""
        for layer in (self.conv2_1, self.conv2_2, self.conv2_3):
            features = leaky_relu(layer(features), SLOPE)
        fused: torch.Tensor = self.conv2_4(features).tanh() / 2 + 0.5
        return fused


class U2FusionNet(nn.Module):
    """Encoder of both images together, and decoder; 659,217 weights."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.decoder = Decoder()

    def forward(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Both `(N, 1, H, W)` in [0, 1]; the fused luminance within [0, 1]."""
        fused: torch.Tensor = self.decoder(self.encoder(torch.cat([visible, infrared], dim=1)))
        return fused


class U2Fusion(OfficialNetwork):
    """U2Fusion with its authors' weights."""

    card = MethodCard(
        name="u2fusion",
        title="U2Fusion",
        venue="TPAMI",
        year=2020,
        paper="https://doi.org/10.1109/TPAMI.2020.3012548",
        code="https://github.com/hanna-xu/U2Fusion",
        licence="Apache-2.0 (this implementation); authors' code: no licence file; weights: no licence file",
        training_data="RoadScene for this task, other images for its other tasks",
        parameters=659_217,
        official_output="chroma of the visible image attached, then 0 to the maximum stretched to 0 to 255",
        summary="one dense network for several tasks, trained to keep what each image has more of",
        needs="its authors' weights: fusionbench weights get u2fusion",
        official_weights=(
            WeightsFile(
                name="u2fusion_tf.npz",
                size=2_643_002,
                sha256="4a3ff66e6a51c3c31ce5bfb2440580b2f9187d084f9d7e898750548bafd14e57",
                licence="no licence file",
                note=(
                    "the TensorFlow checkpoint model/model.ckpt of github.com/hanna-xu/U2Fusion as arrays, "
                    "with | for / in their names"
                ),
            ),
        ),
    )

    @staticmethod
    def build() -> nn.Module:
        """The network, without its weights."""
        return U2FusionNet()

    @staticmethod
    def renamed(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """`Generator|encoder|conv1_1|kernel` becomes `encoder.conv1_1.conv2d.weight`, and so on."""
        layers = {name.rpartition("."): value for name, value in convolutions(tensors).items()}
        return {f"{layer}.conv2d.{kind}": value for (layer, _, kind), value in layers.items()}

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Fuse luminances, `(N, 1, H, W)` in [0, 1]."""
        return in_stripes(self._network, (visible, infrared), REACH, channels=1)

    def official(self, visible: Uint8Image, infrared: Uint8Image) -> Uint8Image:
        """The RGB image of the authors' test script."""
        red, green, blue = (visible.astype(np.float32) / np.float32(255)).transpose(2, 0, 1)
        luma = RED * red + GREEN * green + BLUE * blue
        chroma_blue = -0.1687 * red - 0.3313 * green + 0.5 * blue
        chroma_red = 0.5 * red - 0.4187 * green - 0.0813 * blue
        fused = self.fuse_plane(luma, infrared.astype(np.float32) / np.float32(255))
        channels = (
            fused + 1.402 * chroma_red,
            fused - 0.34414 * chroma_blue - 0.71414 * chroma_red,
            fused + 1.772 * chroma_blue,
        )
        return stretched(np.stack(channels, axis=-1), low=0.0)
