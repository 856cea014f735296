"""AUIF: two optimisations that split an image into base and detail, unrolled into layers.

Reference:
    Z. Zhao, S. Xu, J. Zhang, C. Liang, C. Zhang, J. Liu: "Efficient and Model-Based Infrared and Visible
    Image Fusion via Algorithm Unrolling", IEEE Transactions on Circuits and Systems for Video Technology
    32(3), 2022 (online 2021). Base and detail are fused by summation.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn.functional import conv2d

from fusionbench.contracts import MethodCard, Uint8Image, WeightsFile
from fusionbench_methods.luma_chroma import grey_pillow
from fusionbench_methods.official_network import OfficialNetwork
from fusionbench_methods.reflected_edges import Rim, reflected

ITERATIONS = 10
"""Of each optimisation."""
FILTERS = 64
"""Of each iteration."""
BLUR_SIDE, LAPLACIAN_SIDE = 11, 19
"""Pixels along a side of the filters that give the first base and the first detail."""

FOLDER = (
    "https://raw.githubusercontent.com/Zhaozixiang1228/IVIF-AUIF-Net/"
    "8f54650ffbc0a9e655a0d4c6098751bedc319803/Models"
)


class Iteration(nn.Module):
    """One step towards what the filters are to be silent on and what still resembles the image."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.zeros(FILTERS, 1, 3, 3))
        self.eta = nn.Parameter(torch.zeros(1))
        self.theta = nn.Parameter(torch.zeros(1))
        self.rest = nn.Sequential(nn.BatchNorm2d(1), nn.PReLU())

    def forward(self, part: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        """The part `(N, 1, H, W)` as it is so far, and the image it is of, to the part after this step."""
        # Filtering, and its transpose: the kernels turned by 180 degrees, from 64 channels to one.
        responses = conv2d(reflected(part, 1, 1, 1, 1), self.kernel)
        turned = self.kernel.flip(2, 3).transpose(0, 1)
        regular = self.rest(conv2d(reflected(responses, 1, 1, 1, 1), turned))
        step: torch.Tensor = regular - self.theta * (image - part)
        return part - self.eta * step


class Unrolled(nn.ModuleList):
    """The iterations of one of the optimisations, each with filters and step sizes of its own."""

    def __init__(self) -> None:
        super().__init__(Iteration() for _ in range(ITERATIONS))

    def forward(self, part: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        """The part to begin with and the image, both `(N, 1, H, W)`, to the part."""
        for iteration in self:
            part = iteration(part, image)
        return part


class AUIFNet(nn.Module):
    """Base and detail of each image, and a decoder of their sum; 11,631 weights."""

    def __init__(self) -> None:
        super().__init__()
        self.base = Unrolled()
        self.detail = Unrolled()
        self.decoder = nn.Sequential(
            Rim(1, 1, 1, 1), nn.Conv2d(1, 1, 3, bias=False), nn.BatchNorm2d(1), nn.Sigmoid()
        )

    def forward(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Both `(N, 1, H, W)` in [0, 1]; the fused image within [0, 1]."""
        base = self.base(blurred(infrared), infrared) + self.base(blurred(visible), visible)
        detail = self.detail(laplacian(infrared), infrared) + self.detail(laplacian(visible), visible)
        fused: torch.Tensor = self.decoder(base + detail)
        return fused


class AUIF(OfficialNetwork):
    """AUIF with its authors' weights."""

    card = MethodCard(
        name="auif",
        title="AUIF",
        venue="TCSVT",
        year=2021,
        paper="https://doi.org/10.1109/TCSVT.2021.3075745",
        code="https://github.com/Zhaozixiang1228/IVIF-AUIF-Net",
        licence="Apache-2.0 (this implementation); authors' code: no licence file; weights: no licence file",
        parameters=11_631,
        official_output="grey, rounded",
        training_data="FLIR, single grey images",
        summary="base and detail by unrolled optimisations, fused by summation",
        needs="its authors' weights: fusionbench weights get auif",
        official_weights=(
            WeightsFile(
                name="TCSVT_Encoder_Base.model",
                size=37_619,
                sha256="c4fe51b85637e3befc89b27e3cbb7a765aea37871eb4da4f58b471680ce7eb72",
                licence="no licence file",
                url=f"{FOLDER}/TCSVT_Encoder_Base.model",
                part="base",
            ),
            WeightsFile(
                name="TCSVT_Encoder_Detail.model",
                size=37_619,
                sha256="92e1ad6a4b7e5a2acc442a3a57c3b0e48a2af262f487942e42d81334de204726",
                licence="no licence file",
                url=f"{FOLDER}/TCSVT_Encoder_Detail.model",
                part="detail",
            ),
            WeightsFile(
                name="TCSVT_Decoder.model",
                size=1_213,
                sha256="7966d490bb4003821c8f20ce1197c22d020ab986850571c5dfa02b0defad8ad3",
                licence="no licence file",
                url=f"{FOLDER}/TCSVT_Decoder.model",
                part="decoder",
            ),
        ),
    )

    @staticmethod
    def build() -> nn.Module:
        """The network, without its weights."""
        return AUIFNet()

    @staticmethod
    def renamed(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """`base.conv1.0.kernel` becomes `base.0.kernel`, and so on."""
        parts = {name: name.split(".") for name in tensors}
        return {".".join([part, *rest]): tensors[name] for name, (part, _, *rest) in parts.items()}

    def official(self, visible: Uint8Image, infrared: Uint8Image) -> Uint8Image:
        """The grey image of the authors' test script."""
        image: Uint8Image = (
            (np.float32(255) * self.fuse_levels(grey_pillow(visible), infrared)).round().astype(np.uint8)
        )
        return image


def blurred(image: torch.Tensor) -> torch.Tensor:
    """Means over squares around each pixel of `(N, 1, H, W)`."""
    return _filtered(image, torch.ones(BLUR_SIDE, BLUR_SIDE))


def laplacian(image: torch.Tensor) -> torch.Tensor:
    """Differences between the pixels of squares and their middle, for each pixel of `(N, 1, H, W)`."""
    kernel = torch.ones(LAPLACIAN_SIDE, LAPLACIAN_SIDE)
    kernel[LAPLACIAN_SIDE // 2, LAPLACIAN_SIDE // 2] = 1 - LAPLACIAN_SIDE**2
    return _filtered(image, kernel)


def _filtered(image: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    """By a kernel whose absolute values are brought to a sum of one; the image is mirrored at its edges."""
    rim = kernel.shape[-1] // 2
    normalised = (kernel / kernel.abs().sum()).to(image)
    # Pooling would sum with four times the rounding error, which the iterations then amplify.
    return conv2d(reflected(image, rim, rim, rim, rim), normalised[None, None])
