"""GIFNet with its authors' weights, as a method of the registry.

Reference:
    C. Cheng, T. Xu, Z. Feng, X. Wu, Z. Tang, H. Li, Z. Zhang, S. Atito, M. Awais, J. Kittler: "One Model for
    ALL: Low-Level Task Interaction Is a Key to Task-Agnostic Image Fusion", CVPR 2025, section 3.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import MethodCard, Uint8Image, WeightsFile
from fusionbench_methods.official_network import OfficialNetwork

if TYPE_CHECKING:
    import torch
    from torch import nn

LUMA_WEIGHTS = np.array([0.299, 0.587, 0.114])
"""Of red, green and blue in luminance."""

CHROMA_WEIGHTS = np.array([[-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]])
"""Of red, green and blue in Cb and in Cr."""

COLOUR_WEIGHTS = np.array([[0, 1.402], [-0.344136, -0.714136], [1.772, 0]])
"""Of Cb and Cr in red, green and blue."""

TRANSFORMER = "extractor_multask.SwinTransformerSpecific."
"""What the authors' names of the transformer's tensors begin with."""

RENAMED = {
    "getSharedFeatures.": "encoder.",
    "patch_embed_ivif.proj.": "embed_ivif.conv2d.",
    "patch_embed_mfif.proj.": "embed_mfif.conv2d.",
    "layer1.blocks.0.attn.attn.": "block0.position.",
    "layer1.blocks.1.attn.attn.": "block1.position.",
    "layer1.weights_mfif.0": "share",
    "patch_unembed.proj.0.": "unembed.conv2d.",
    "cnnDecoder.fuseComplementFeatures.mlp.": "decoder.mixer.",
    "cnnDecoder.decoder.": "decoder.decoder.",
}
"""Beginnings of the authors' names, and what these are here."""

BRANCH_TENSOR = re.compile(
    r"layer1\.blocks\.(\d)\.(?:attn\.)?(norm1|QK|V|conv|proj|mlp)(_mfif)?\.(?:mlp\.)?(.+)"
)
"""The authors' name of a tensor of a branch."""

BRANCH_PARTS = {"norm1": "norm", "V": "value"}
"""Parts of a branch that are called otherwise here."""

UNUSED = ("decoder_rec.", "layer1.weights", "block1.branches.ivif.")
"""What only the training uses, and the branch whose last features nothing looks at."""


class GIFNet(OfficialNetwork):
    """GIFNet with its authors' weights."""

    card = MethodCard(
        name="gifnet",
        title="GIFNet",
        venue="CVPR",
        year=2025,
        paper="https://arxiv.org/abs/2502.19854",
        code="https://github.com/AWCXV/GIFNet",
        licence="Apache-2.0 (this implementation); authors' code and weights: no licence file",
        parameters=652_676,
        official_output="as it is, in the visible image's colours, rounded",
        training_data="their own mixture of infrared, visible and multi-focus images (20,000 each)",
        summary="two branches of windowed attention, trained on photographic fusion as well",
        needs="its authors' weights: fusionbench weights get gifnet",
        official_weights=(
            WeightsFile(
                name="Final.model",
                size=3_408_450,
                sha256="bfc1dfef0d5b386b0c04f172daf8f6af52ba395f26dc3dd5757425fd32eb1038",
                licence="no licence file",
                url=(
                    "https://raw.githubusercontent.com/AWCXV/GIFNet/"
                    "c8ad04ae3bfefcebfa9abe94d1d5895c8db56a44/model/Final.model"
                ),
            ),
        ),
    )

    @staticmethod
    def build() -> nn.Module:
        """The network, without its weights."""
        from fusionbench_methods.gifnet.network import GIFNetwork

        return GIFNetwork()

    @staticmethod
    def renamed(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """By the names of `build`'s module, queries and keys apart, without what fusing does not use."""
        named: dict[str, torch.Tensor] = {}
        for name, value in tensors.items():
            ours = our_name(name)
            if ".QK." in ours:
                block, parameter = ours.split(".")[0], ours.split(".")[-1]
                query, key = value.chunk(2)
                named[ours.replace(".QK.", ".key.")] = key
                if ".mfif." in ours:
                    named[f"{block}.query.{parameter}"] = query
            else:
                named[ours] = value
        return {name: value for name, value in named.items() if not name.startswith(UNUSED)}

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Fuse luminances, `(N, 1, H, W)` in [0, 1]."""
        fused: torch.Tensor = self._network(infrared, visible)
        return fused

    def official(self, visible: Uint8Image, infrared: Uint8Image) -> Uint8Image:
        """The RGB image of the authors' test script."""
        luma, chroma = split(visible)
        fused = self.fuse_plane(luma / np.float32(255), infrared.astype(np.float32) / np.float32(255))
        rgb = np.float32(255) * fused[..., None] + chroma @ COLOUR_WEIGHTS.T
        image: Uint8Image = np.rint(rgb).clip(0, 255).astype(np.uint8)
        return image


def split(rgb: Uint8Image) -> tuple[Uint8Image, NDArray[np.float64]]:
    """Luminance `(H, W)`, cut to integers, and Cb and Cr `(H, W, 2)` around 0 and uncut, of `(H, W, 3)`."""
    channels = rgb.astype(np.float64)
    # A product as in the authors' script: where the luminance is whole, its rounding decides what is cut off.
    return (channels @ LUMA_WEIGHTS).astype(np.uint8), channels @ CHROMA_WEIGHTS.T


def our_name(name: str) -> str:
    """What one of the authors' tensors is called here; queries and keys are one still."""
    name = name.removeprefix(TRANSFORMER)
    found = BRANCH_TENSOR.fullmatch(name)
    if found:
        block, part, focus, rest = found.groups()
        return f"block{block}.branches.{'mfif' if focus else 'ivif'}.{BRANCH_PARTS.get(part, part)}.{rest}"
    for theirs, ours in RENAMED.items():
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name
