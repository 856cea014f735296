"""DAFusion: features and an embedding of each image's degradation, learned by contrast.

Reference:
    "A Degradation-Aware Guided Fusion Network for Infrared and Visible Image", by the authors of
    https://github.com/wang-x-1997/DAFusion.

The authors' script leaves the network in training mode and gives it one pair at a time, so that its batch
normalisations use the statistics of each image. That is kept: in a batch as well, they are each image's own.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn.functional import conv2d

from fusionbench.contracts import MethodCard, Uint8Image, WeightsFile
from fusionbench_methods.image_normalisation import (
    SMALLEST_VARIANCE,
    ImageNormalisation,
    image_means,
    image_statistics,
)
from fusionbench_methods.luma_chroma import join_luma_chroma, split_luma_chroma
from fusionbench_methods.official_network import OfficialNetwork


def rectified_convolution(inputs: int, outputs: int) -> nn.Sequential:
    """3x3 convolution, normalised and rectified."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1), ImageNormalisation(outputs), nn.ReLU(inplace=True)
    )


class Encoder(nn.Module):
    """Four convolutions, each of all that came before, the latest first."""

    def __init__(self) -> None:
        super().__init__()
        self.con1 = rectified_convolution(1, 16)
        self.con2 = rectified_convolution(16, 16)
        self.con3 = rectified_convolution(32, 16)
        self.con4 = rectified_convolution(48, 16)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """`(N, 1, H, W)` in [0, 255] to `(N, 64, H, W)`."""
        features = self.con1(image)
        features = torch.cat([self.con2(features), features], dim=1)
        features = torch.cat([self.con3(features), features], dim=1)
        return torch.cat([self.con4(features), features], dim=1)


class Encoders(nn.Module):
    """One for each image; the authors' script swaps them, so that `encoder_ir` gets the visible image."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder_ir = Encoder()
        self.encoder_vis = Encoder()


class Mixer(nn.Module):
    """Exchanges features between the images as their embeddings say, and mixes them."""

    def __init__(self) -> None:
        super().__init__()
        self.fc_ir = nn.Linear(64, 64)
        self.fc_vis = nn.Linear(64, 64)
        self.Conv_embf = nn.Sequential(nn.Conv2d(128, 64, 3, padding=1))
        self.Conv_f = nn.Sequential(
            nn.Conv2d(128, 64, 3, padding=1), ImageNormalisation(64), nn.LeakyReLU(0.01, inplace=True)
        )

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Features of both images, each `(N, 64, H, W)`, to mixed ones and their embedding `(N, 64, 1, 1)`.

        Overwrites the features.
        """
        embeddings = image_means(first), image_means(second)
        both = self.Conv_embf(torch.cat(embeddings, dim=1))
        first.mul_(gates(self.fc_ir, embeddings[0]))
        second.mul_(gates(self.fc_vis, embeddings[1]))
        # The images in turn, and not joined: at 3840x2160 each has two gigabytes of features.
        weights, bias = (
            self.get_parameter("Conv_f.0.weight").chunk(2, dim=1),
            self.get_parameter("Conv_f.0.bias"),
        )
        exchange = both.sigmoid()
        mixed = conv2d(torch.addcmul(first, second, exchange), weights[0], bias, padding=1)
        mixed += conv2d(torch.addcmul(second, first, exchange), weights[1], padding=1)
        mixed = self.Conv_f[1:](mixed)
        return mixed, image_means(mixed) + both


class Fusion(nn.Module):
    """Holds the mixer under the authors' name."""

    def __init__(self) -> None:
        super().__init__()
        self.Fusion_net = Mixer()


class Restyled(nn.Module):
    """Features, partly replaced by features of the means that the embedding asks for."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.zeros(1))
        self.mlp = nn.Sequential(
            nn.Conv2d(64, width, 3, padding=1), nn.LeakyReLU(0.01), nn.Conv2d(width, width, 1)
        )

    def restyled(self, features: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        """`(N, width, H, W)`, same shape; the embedding is `(N, 64, 1, 1)`."""
        share = self.w.sigmoid()
        mean, deviation = image_statistics(features)
        # Their style has a mean for each channel, and no more deviation than a variance of zero has.
        scale = SMALLEST_VARIANCE**0.5 / deviation
        offset = self.mlp(embedding) - mean * scale
        return torch.addcmul(share * offset, features, share * scale + 1 - share)


class Restyling(Restyled):
    """Restyles features and convolves them."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs)
        self.conv = rectified_convolution(inputs, outputs)

    def forward(self, features: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        """`(N, inputs, H, W)` to `(N, outputs, H, W)`; the embedding is `(N, 64, 1, 1)`."""
        convolved: torch.Tensor = self.conv(self.restyled(features, embedding))
        return convolved


class Decoder(Restyled):
    """Features and their embedding to an image."""

    def __init__(self) -> None:
        super().__init__(16)
        self.decon1 = Restyling(64, 32)
        self.decon2 = Restyling(32, 16)
        self.decon3 = nn.Sequential(nn.Conv2d(16, 1, 3, padding=1), nn.Tanh())

    def forward(self, features: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        """`(N, 64, H, W)` and `(N, 64, 1, 1)` to `(N, 1, H, W)` in [-1, 1]."""
        features = self.decon2(self.decon1(features, embedding), embedding)
        image: torch.Tensor = self.decon3(self.restyled(features, embedding))
        return image


class DAFusionNet(nn.Module):
    """Encoders, a mixer and a decoder, which lie in a file each."""

    def __init__(self) -> None:
        super().__init__()
        self.encoders = Encoders()
        self.fusion = Fusion()
        self.decoder = Decoder()

    def forward(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Both `(N, 1, H, W)` in [0, 255]; the fused image in [-1, 1], where 0 is black."""
        mixed, embedding = self.fusion.Fusion_net(
            self.encoders.encoder_ir(visible), self.encoders.encoder_vis(infrared)
        )
        fused: torch.Tensor = self.decoder(mixed, embedding)
        return fused


def gates(layer: nn.Linear, embedding: torch.Tensor) -> torch.Tensor:
    """A factor in [0, 1] for each channel, `(N, C, 1, 1)`."""
    factors: torch.Tensor = layer(embedding.flatten(1)).sigmoid()
    return factors[:, :, None, None]


def _part(letter: str, part: str, size: int, sha256: str) -> WeightsFile:
    """One of the three files that hold the network."""
    return WeightsFile(
        name=f"model_{letter}_state_dict.pt",
        size=size,
        sha256=sha256,
        licence="no licence file",
        part=part,
        note=(
            f"the tensors, unchanged, of Model/model_{letter}.pth in github.com/wang-x-1997/DAFusion, which "
            "holds a pickled module"
        ),
    )


class DAFusion(OfficialNetwork):
    """DAFusion with its authors' weights."""

    card = MethodCard(
        name="dafusion",
        title="DAFusion",
        year=2024,
        code="https://github.com/wang-x-1997/DAFusion",
        licence="Apache-2.0 (this implementation); authors' code and weights: no licence file",
        parameters=277_796,
        degradation_aware=True,
        official_output="as it is, in the visible image's colours, cut off to 0 to 255, then cut to integers",
        training_data="RoadScene in patches, and images of several exposures",
        summary="features exchanged and restyled as embeddings of each image's degradation say",
        needs="its authors' weights: fusionbench weights get dafusion",
        official_weights=(
            _part(
                "E", "encoders", 133_861, "09a8036b3bd931aa24ad3556a57a14de10d9aff11957550e5cecc1409925c7d4"
            ),
            _part("F", "fusion", 630_221, "56fe4b0056ceebb2ce1d7f0bfebb2c381fdda1e5577a8d63a95e947aaa35f49a"),
            _part(
                "D", "decoder", 385_181, "5cae36b4c96347c4862acaf934ef23ebdf346e4dfa8880469cd9ca96543a7518"
            ),
        ),
    )

    @staticmethod
    def build() -> nn.Module:
        """The network, without its weights."""
        return DAFusionNet()

    @staticmethod
    def renamed(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Without the statistics of the authors' training images, which nothing uses."""
        unused = ("running_mean", "running_var", "num_batches_tracked")
        return {name: value for name, value in tensors.items() if not name.endswith(unused)}

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Fuse luminances, `(N, 1, H, W)` in [0, 1]."""
        fused: torch.Tensor = self._network(visible * 255, infrared * 255)
        return fused

    def official(self, visible: Uint8Image, infrared: Uint8Image) -> Uint8Image:
        """The RGB image of the authors' test script."""
        luma, red, blue = split_luma_chroma(visible)
        fused = self.fuse_plane(luma, infrared.astype(np.float32) / np.float32(255))
        image: Uint8Image = (join_luma_chroma(fused, red, blue) * np.float32(255)).astype(np.uint8)
        return image
