"""The network of GIFNet, as far as fusing a pair uses it."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import relu

from fusionbench_methods.gifnet.transformer import WIDTH, Block
from fusionbench_methods.reflected_edges import ReflectedConvolution, Rim, reflected
from fusionbench_methods.stripes import in_stripes

PATCH = 4
"""Height and width are filled up to multiples of this for the transformer."""


class Encoder(nn.Module):
    """Three convolutions, each of the images and of all that came before."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_1 = ReflectedConvolution(2, 32)
        self.conv_2 = ReflectedConvolution(34, 32)
        self.conv_3 = ReflectedConvolution(66, 32)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """`(N, 2, H, W)` in [0, 1] to `(N, 98, H, W)`."""
        features = images
        for layer in (self.conv_1, self.conv_2, self.conv_3):
            features = torch.cat([features, relu(layer(features))], dim=1)
        return features


class Decoder(nn.Module):
    """Features of the encoder and of the transformer to an image."""

    def __init__(self) -> None:
        super().__init__()
        self.mixer = nn.Sequential(
            nn.Conv2d(2 * WIDTH, WIDTH, 1, bias=False),
            nn.ReLU(inplace=True),
            nn.Conv2d(WIDTH, 128, 1, bias=False),
        )
        self.decoder = nn.Sequential(
            *_mirrored(128, 64), *_mirrored(64, 32), *_mirrored(32, 16), Rim(1, 1, 1, 1), nn.Conv2d(16, 1, 3)
        )

    def forward(self, features: torch.Tensor, transformed: torch.Tensor) -> torch.Tensor:
        """Both `(N, 98, H, W)` to `(N, 1, H, W)` in [0, 1]."""
        image: torch.Tensor = self.decoder(self.mixer(torch.cat([features, transformed], dim=1)))
        return image.tanh() / 2 + 0.5


class GIFNetwork(nn.Module):
    """An encoder of both images together, a transformer of two branches, and a decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.embed_ivif = ReflectedConvolution(WIDTH, WIDTH)
        self.embed_mfif = ReflectedConvolution(WIDTH, WIDTH)
        self.block0 = Block("ivif", "mfif", shift=0)
        self.block1 = Block("mfif", shift=4)
        self.share = nn.Parameter(torch.zeros(1))
        self.unembed = ReflectedConvolution(WIDTH, WIDTH)
        self.decoder = Decoder()

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """Both `(N, 1, H, W)` in [0, 1]; the fused luminance within [0, 1]."""
        height, width = visible.shape[-2:]
        features = in_stripes(self.encoder, (torch.cat([infrared, visible], dim=1),), reach=3, channels=WIDTH)
        transformed = self._transformed(reflected(features, 0, -width % PATCH, 0, -height % PATCH))
        return in_stripes(self.decoder, (features, transformed[..., :height, :width]), reach=4, channels=1)

    def _transformed(self, features: torch.Tensor) -> torch.Tensor:
        focus = in_stripes(self.embed_mfif, (features,), reach=1, channels=WIDTH)
        infrared = self.block0(
            "ivif", in_stripes(self.embed_ivif, (features,), reach=1, channels=WIDTH), focus
        )
        focus = self.block0("mfif", focus, focus)
        focus.addcmul_(infrared, self.share)
        # Three gigabytes at 3840x2160.
        del infrared
        return in_stripes(self.unembed, (self.block1("mfif", focus, focus),), reach=1, channels=WIDTH)


def _mirrored(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    """A 3x3 convolution that keeps the size, and a rectifier."""
    return Rim(1, 1, 1, 1), nn.Conv2d(inputs, outputs, 3), nn.ReLU(inplace=True)
