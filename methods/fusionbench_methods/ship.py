"""SHIP: interactions of high order between the images, in space and between channels.

Reference:
    N. Zheng, M. Zhou, J. Huang, J. Hou, H. Li, Y. Xu, F. Zhao: "Probing Synergistic High-Order Interaction in
    Infrared and Visible Image Fusion", CVPR 2024, section 3.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import torch
from torch import nn
from torch.nn.functional import conv2d, leaky_relu

from fusionbench.contracts import MethodCard, Uint8Image, WeightsFile
from fusionbench_methods.image_normalisation import SMALLEST_VARIANCE, ImageNormalisation, image_means
from fusionbench_methods.luma_chroma import join_luma_chroma, split_luma_chroma
from fusionbench_methods.official_network import OfficialNetwork

WIDTH = 16
"""Channels of an image's features."""

ORDERS = (1, 2, 3)
"""How often an interaction is deepened."""

SLOPE, UNIT_SLOPE = 0.2, 0.1
"""Of the leaky rectifiers: in dense blocks, and within their units."""

CENTRAL_SHARE = 0.8
"""How much of a central difference is a difference; the rest is a plain convolution."""

PLUS, CROSS = (1, 3, 4, 5, 7), (0, 2, 4, 6, 8)
"""Places of five weights in a 3x3 kernel."""


class FiveWeights(nn.Module):
    """The weights of a convolution that looks at five of nine pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(WIDTH, WIDTH, (1, 5), bias=False)


class CentralDifferences(nn.Module):
    """Differences to the pixel in the middle, along axes and diagonals, in shares that were learned."""

    def __init__(self) -> None:
        super().__init__()
        self.HP_branch = nn.Parameter(torch.zeros(1))
        self.h_conv = FiveWeights()
        self.d_conv = FiveWeights()

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, 16, H, W)`, same shape, the features themselves added."""
        share = self.HP_branch.sigmoid()
        straight, diagonal = self.h_conv.conv.weight, self.d_conv.conv.weight
        kernel = share * differences(straight, PLUS) + (1 - share) * differences(diagonal, CROSS)
        return features + conv2d(features, kernel, padding=1)


class EdgeBlock(nn.Module):
    """A residual branch beside central differences."""

    def __init__(self) -> None:
        super().__init__()
        self.process = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.Res = two_convolutions(WIDTH)
        self.CDC = CentralDifferences()

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, 16, H, W)`, same shape."""
        features = self.process(features)
        total: torch.Tensor = self.Res(features) + self.CDC(features)
        return total


class Extractor(nn.Module):
    """Features of an image."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, WIDTH, 1)
        self.block1 = EdgeBlock()
        self.block2 = EdgeBlock()

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """`(N, 1, H, W)` in [0, 1] to `(N, 16, H, W)`."""
        features: torch.Tensor = self.block2(self.block1(self.conv(image)))
        return features


class PixelNormalisation(nn.Module):
    """Each pixel, over its channels, to a mean and a deviation that were learned."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(WIDTH))
        self.bias = nn.Parameter(torch.zeros(WIDTH))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, 16, H, W)`, same shape."""
        variance, mean = torch.var_mean(features, dim=1, unbiased=False, keepdim=True)
        scaled = (features - mean) * (variance + SMALLEST_VARIANCE).rsqrt()
        return torch.addcmul(self.bias[:, None, None], scaled, self.weight[:, None, None])


class SpatialInteraction(nn.Module):
    """Products of both images' features: a convolution of one with the other, then place by place."""

    def __init__(self) -> None:
        super().__init__()
        for order in ORDERS:
            self.add_module(f"reflashFused{order}", two_convolutions(WIDTH))
            self.add_module(f"reflashInfrared{order}", two_convolutions(WIDTH))
        for index in range(1, len(ORDERS) + 2):
            self.add_module(f"norm{index}", nn.Sequential(OrderedDict(body=PixelNormalisation())))

    def forward(self, visible: torch.Tensor, infrared: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Features of both, each `(N, 16, H, W)`, same shapes."""
        # The convolution, around the edges: by the theorem, a product of the spectra.
        spectrum = torch.fft.rfft2(visible) * torch.fft.rfft2(infrared)
        fused = self.get_submodule("norm1")(torch.fft.irfft2(spectrum, s=visible.shape[-2:]))
        for order in ORDERS:
            fused = self.get_submodule(f"reflashFused{order}")(fused * infrared)
            fused = self.get_submodule(f"norm{order + 1}")(fused)
            infrared = self.get_submodule(f"reflashInfrared{order}")(infrared)
        return fused * infrared + visible, infrared


class ChannelInteraction(nn.Module):
    """Channels of both images weighed by their means, again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.chaAtten = pixelwise(2 * WIDTH, WIDTH)
        for order in ORDERS:
            self.add_module(f"reflashChaAtten{order}", pixelwise(2 * WIDTH, WIDTH))
            self.add_module(f"reflashFused{order}", two_convolutions(2 * WIDTH))
        self.postprocess = nn.Sequential(InvertibleBlock(2 * WIDTH), nn.Conv2d(2 * WIDTH, WIDTH, 1))

    def forward(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Features of both, each `(N, 16, H, W)`, to those of the visible image."""
        fused = torch.cat([visible, infrared], dim=1)
        weights = self.chaAtten(image_means(fused)).softmax(dim=1)
        for order in ORDERS:
            fused = self.get_submodule(f"reflashFused{order}")(fused * weights)
            weights = self.get_submodule(f"reflashChaAtten{order}")(weights).softmax(dim=1)
        deepened: torch.Tensor = self.postprocess(fused * weights) + visible
        return deepened


class Interaction(nn.Module):
    """In space, then between channels."""

    def __init__(self) -> None:
        super().__init__()
        self.spatial = SpatialInteraction()
        self.channel = ChannelInteraction()

    def forward(self, visible: torch.Tensor, infrared: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Features of both, each `(N, 16, H, W)`, same shapes."""
        visible, infrared = self.spatial(visible, infrared)
        return self.channel(visible, infrared), infrared


class HalfNormalisedUnit(nn.Module):
    """Two convolutions beside a linear map; half of the channels are normalised between them."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.identity = nn.Conv2d(inputs, outputs, 1)
        self.conv_1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv_2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.norm = ImageNormalisation(outputs // 2)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, inputs, H, W)` to `(N, outputs, H, W)`."""
        half, plain = self.conv_1(features).chunk(2, dim=1)
        inner = leaky_relu(torch.cat([self.norm(half), plain], dim=1), UNIT_SLOPE)
        total: torch.Tensor = leaky_relu(self.conv_2(inner), UNIT_SLOPE) + self.identity(features)
        return total


class DenseBlock(nn.Module):
    """Two units and a convolution of all that came before it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = HalfNormalisedUnit(width, WIDTH)
        self.conv2 = HalfNormalisedUnit(WIDTH, WIDTH)
        self.conv3 = nn.Conv2d(width + 2 * WIDTH, width, 3, padding=1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, width, H, W)`, same shape."""
        first = leaky_relu(self.conv1(features), SLOPE)
        second = leaky_relu(self.conv2(first), SLOPE)
        return leaky_relu(self.conv3(torch.cat([features, first, second], dim=1)), SLOPE)


class InvertibleMixing(nn.Module):
    """A mixing of channels by an invertible matrix, given by its triangular factors."""

    def __init__(self, width: int) -> None:
        super().__init__()
        for name, shape in (("p", (width, width)), ("sign_s", (width,))):
            self.register_buffer(name, torch.zeros(shape))
        self.lower = nn.Parameter(torch.zeros(width, width))
        self.log_s = nn.Parameter(torch.zeros(width))
        self.upper = nn.Parameter(torch.zeros(width, width))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, width, H, W)`, same shape."""
        permutation, signs = self.get_buffer("p"), self.get_buffer("sign_s")
        lower = self.lower.tril(-1) + torch.eye(len(signs), device=features.device)
        upper = self.upper.triu(1) + torch.diag(signs * self.log_s.exp())
        return conv2d(features, (permutation @ lower @ upper)[..., None, None])


class InvertibleBlock(nn.Module):
    """Each half of the channels is changed by what the other says."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.invconv = InvertibleMixing(width)
        self.F = DenseBlock(width // 2)
        self.G = DenseBlock(width // 2)
        self.H = DenseBlock(width // 2)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, width, H, W)`, same shape."""
        first, second = self.invconv(features).chunk(2, dim=1)
        first = first + self.F(second)
        # Within the exponents -0.8 and 0.8, so that factors neither vanish nor explode.
        factors = (0.8 * (2 * self.H(first).sigmoid() - 1)).exp()
        return torch.cat([first, second * factors + self.G(first)], dim=1)


class AttentiveResidual(nn.Module):
    """The identity, with offsets that the means of two convolutions' channels say."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_du = pixelwise(WIDTH, WIDTH // 4)
        self.process = two_convolutions(WIDTH)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, 16, H, W)`, same shape."""
        means = image_means(self.process(features))
        offset: torch.Tensor = self.conv_du(means).sigmoid() * means
        return features + offset


class Reconstruction(nn.Module):
    """Features to an image."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.process = nn.Sequential(AttentiveResidual(), AttentiveResidual())
        self.conv_last = nn.Conv2d(WIDTH, 1, 3, padding=1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, 16, H, W)` to `(N, 1, H, W)`."""
        image: torch.Tensor = self.conv_last(self.process(self.conv_in(features)))
        return image


class SHIPNet(nn.Module):
    """Three interactions, each image's features changed by one feeding the next."""

    def __init__(self) -> None:
        super().__init__()
        self.vis = Extractor()
        self.inf = Extractor()
        self.interaction1 = Interaction()
        self.interaction2 = Interaction()
        self.interaction3 = Interaction()
        self.postprocess = nn.Sequential(InvertibleBlock(3 * WIDTH), nn.Conv2d(3 * WIDTH, WIDTH, 1))
        self.reconstruction = Reconstruction()

    def forward(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Both `(N, 1, H, W)` in [0, 1]; the fused luminance, about within [0, 1]."""
        fused: torch.Tensor = self.reconstruction(self.postprocess(self._stages(visible, infrared)))
        return fused

    def _stages(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """The visible image's features after each interaction, `(N, 48, H, W)`."""
        visible, infrared = self.vis(visible), self.inf(infrared)
        stages = []
        for interaction in (self.interaction1, self.interaction2, self.interaction3):
            visible, infrared = interaction(visible, infrared)
            stages.append(visible)
        return torch.cat(stages, dim=1)


def two_convolutions(width: int) -> nn.Sequential:
    """A 3x3 convolution, rectified, and another."""
    return nn.Sequential(
        nn.Conv2d(width, width, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(width, width, 3, padding=1)
    )


def pixelwise(width: int, inner: int) -> nn.Sequential:
    """A network of one layer between, for each pixel."""
    return nn.Sequential(nn.Conv2d(width, inner, 1), nn.ReLU(inplace=True), nn.Conv2d(inner, width, 1))


def differences(weights: torch.Tensor, places: tuple[int, ...]) -> torch.Tensor:
    """The 3x3 kernel `(O, I, 3, 3)` of five weights `(O, I, 1, 5)`, a share of their sum off its middle."""
    kernel = weights.new_zeros(*weights.shape[:2], 9)
    kernel[..., places] = weights.flatten(2)
    middle = torch.zeros(9, device=weights.device)
    middle[4] = CENTRAL_SHARE
    kernel -= middle * weights.flatten(2).sum(dim=-1, keepdim=True)
    return kernel.view(*weights.shape[:2], 3, 3)


class SHIP(OfficialNetwork):
    """SHIP with its authors' weights."""

    card = MethodCard(
        name="ship",
        title="SHIP",
        venue="CVPR",
        year=2024,
        paper="https://doi.org/10.1109/CVPR52733.2024.02492",
        code="https://github.com/zheng980629/SHIP",
        licence="Apache-2.0 (this implementation); authors' code and weights: no licence file",
        training_data="M3FD",
        parameters=547_509,
        official_output="as it is, in the visible image's colours, cut off to 0 to 255, then rounded",
        summary="products of both images' features, deepened in space and between channels",
        needs="its authors' weights: fusionbench weights get ship",
        official_weights=(
            WeightsFile(
                name="SHIP_model.pth",
                size=2_397_047,
                sha256="e61783e79144d5c9da6681b833ad64624ed2e61f6a533fd18ab896349e3f7329",
                licence="no licence file",
                url=(
                    "https://raw.githubusercontent.com/zheng980629/SHIP/"
                    "6b95318c7700fce74a476e057f077ecd90ff85b3/pretrained_model/SHIP_model.pth"
                ),
            ),
        ),
    )

    @staticmethod
    def build() -> nn.Module:
        """The network, without its weights."""
        return SHIPNet()

    def official(self, visible: Uint8Image, infrared: Uint8Image) -> Uint8Image:
        """The RGB image of the authors' test script."""
        luma, red, blue = split_luma_chroma(visible)
        fused = self.fuse_plane(luma, infrared.astype(np.float32) / np.float32(255))
        rgb = join_luma_chroma(fused.clip(0.0, 1.0), red, blue)
        image: Uint8Image = np.rint(rgb * np.float32(255)).astype(np.uint8)
        return image
