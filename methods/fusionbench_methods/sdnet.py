"""SDNet: squeezes both images into one that they can be recovered from.

Reference:
    H. Zhang, J. Ma: "SDNet: A Versatile Squeeze-and-Decomposition Network for Real-Time Image Fusion",
    International Journal of Computer Vision 129, 2021, section 3.
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
WIDTH = 16
"""Channels that each layer gives."""
STREAMS = ("ir", "vi")
LAYERS = 4
"""Of each stream."""
REACH = 5
"""Rows above and below one of the fused image that it depends on."""
DECOMPOSITION = ("layer6", "layer7", "layer8", "layer9")
"""Layers that recover both images from the fused one, in training."""


class SDNetFusion(nn.Module):
    """The squeezing half of SDNet: two streams of dense layers, and one layer that mixes them."""

    def __init__(self) -> None:
        super().__init__()
        for stream in STREAMS:
            self.add_module(f"layer1_{stream}", nn.Conv2d(1, WIDTH, 5, padding=2))
            for layer in range(2, LAYERS + 1):
                dense = nn.Conv2d((layer - 1) * WIDTH, WIDTH, 3, padding=1)
                self.add_module(f"layer{layer}_{stream}", dense)
        self.layer5_fuse = nn.Conv2d(len(STREAMS) * LAYERS * WIDTH, 1, 1)

    def forward(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Both `(N, 1, H, W)` in [-1, 1]; the fused image within [-1, 1]."""
        streams = (self._features("ir", infrared), self._features("vi", visible))
        alternating = [features for layer in zip(*streams, strict=True) for features in layer]
        fused: torch.Tensor = self.layer5_fuse(torch.cat(alternating, dim=1)).tanh()
        return fused

    def _features(self, stream: str, image: torch.Tensor) -> list[torch.Tensor]:
        features = [leaky_relu(self.get_submodule(f"layer1_{stream}")(image), SLOPE)]
        for layer in range(2, LAYERS + 1):
            dense = self.get_submodule(f"layer{layer}_{stream}")
            features.append(leaky_relu(dense(torch.cat(features, dim=1)), SLOPE))
        return features


class SDNet(OfficialNetwork):
    """SDNet with its authors' weights."""

    card = MethodCard(
        name="sdnet",
        title="SDNet",
        venue="IJCV",
        year=2021,
        paper="https://doi.org/10.1007/s11263-021-01501-8",
        code="https://github.com/HaoZhang1018/SDNet",
        licence="Apache-2.0 (this implementation); authors' code: MIT; weights: MIT",
        parameters=28_705,
        official_output="grey; its minimum and maximum are stretched to 0 and 255",
        training_data="not stated in their repository",
        summary="two small dense streams, trained so that both images can be recovered",
        needs="its authors' weights: fusionbench weights get sdnet",
        official_weights=(
            WeightsFile(
                name="sdnet_irvis_tf.npz",
                size=277_634,
                sha256="8460c6ed13c1ebb70c4a68bf187fe7478fbe77e92e73067de1e8017c17d622c6",
                licence="MIT",
                note=(
                    "the TensorFlow checkpoint for infrared and visible images of "
                    "github.com/HaoZhang1018/SDNet as arrays, with | for / in their names"
                ),
            ),
        ),
    )

    @staticmethod
    def build() -> nn.Module:
        """The network, without its weights."""
        return SDNetFusion()

    @staticmethod
    def renamed(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """`fusion_model|layer1_ir|w1_ir` becomes `layer1_ir.weight`; without what only training uses."""
        return {
            name: value for name, value in convolutions(tensors).items() if not name.startswith(DECOMPOSITION)
        }

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Fuse luminances, `(N, 1, H, W)` in [0, 1]."""
        return in_stripes(self._network, (visible * 2 - 1, infrared * 2 - 1), REACH, channels=1) / 2 + 0.5

    def official(self, visible: Uint8Image, infrared: Uint8Image) -> Uint8Image:
        """The grey image of the authors' test script."""
        grey = grey_unrounded(visible) / np.float32(255)
        return stretched(self.fuse_plane(grey, infrared.astype(np.float32) / np.float32(255)))
