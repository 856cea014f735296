"""The same function with fewer multiplications: weights of several layers folded into one, exactly.

* An attention over one token is one vector an image (`PixelsAsk.constant`).
* The projection of the pixels, that vector and the concatenation with the unprojected pixels are linear, so
  they fold into the convolution that follows: `conv(cat[F x + b + c, x]) = conv_{A F + B}(x) + constant`.
* First convolutions of all experts read the same features: they become one.
* An infrared image repeated to three channels is one channel under the sum of the weights.

Sums are taken in float64 and rounded once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import pad

from fusionbench_methods.sgafusion.common_adapter import CommonAdapter, CommonExpert
from fusionbench_methods.sgafusion.row_stages import Kernel
from fusionbench_methods.sgafusion.semantic_guidance import EmbeddingAsks, PixelsAsk, VectorGuidance
from fusionbench_methods.sgafusion.shallow_experts import DehazeExpert, LowLightExpert, ShallowMixture

if TYPE_CHECKING:
    from fusionbench_methods.sgafusion.network import SGAFusionNet


@dataclass(frozen=True)
class FoldedAdapter:
    """A common mixture adapter."""

    first: Kernel
    """C -> all experts' narrow channels."""
    gate: Kernel
    """C -> one channel an expert; of two experts, the difference of their logits alone."""
    second: tuple[Kernel, ...]
    """An expert's narrow channels -> C."""

    @property
    def narrow(self) -> int:
        """Narrow channels of one expert."""
        return self.second[0].weight.shape[1]


@dataclass(frozen=True)
class FoldedShallow:
    """The shallow mixture of experts."""

    first: Kernel
    """C -> first convolution of dehaze (2C), of low light (2C), and base (C)."""
    gate: Kernel
    dehaze: DehazeExpert
    dehaze_later: tuple[Kernel, ...]
    """The dehaze expert's second and third convolution."""
    low_light: LowLightExpert
    width: int

    @property
    def first_of_haze(self) -> Kernel:
        """The dehaze expert's part of `first`."""
        weight, bias = (each[: 2 * self.width] for each in self.first)
        return Kernel(weight, bias)


@dataclass(frozen=True)
class Guided:
    """What the guidance adds to the first convolution of the decoder."""

    by: PixelsAsk | VectorGuidance | EmbeddingAsks
    weight: torch.Tensor
    """What the constant passes through, `(C, C, 3, 3)` in float64."""
    projection_bias: torch.Tensor
    """`(C,)`, float64: a constant of every image."""

    def taps(self, constant: torch.Tensor) -> torch.Tensor:
        """What each tap adds to the answer under a constant `(N, C)`: `(N, C, 3, 3)`, float64."""
        before = constant.double() + self.projection_bias
        return torch.einsum("omhw,nm->nohw", self.weight, before)


@dataclass(frozen=True)
class FoldedNetwork:
    """A network for inference; the segmentation head is left out."""

    first_visible: Kernel
    first_infrared: Kernel
    shallow: FoldedShallow | None
    second: Kernel
    second_adapter: FoldedAdapter | None
    third: Kernel
    third_adapter: FoldedAdapter | None
    fourth: Kernel
    fourth_adapter: FoldedAdapter | None
    guided: Guided | None
    guided_convolution: Kernel
    """128 -> 128, without what `guided` adds."""
    guided_adapter: FoldedAdapter | None
    decoder: Kernel
    decoder_adapter: FoldedAdapter | None
    head: Kernel


def fold(network: SGAFusionNet) -> FoldedNetwork:
    """Fold a network. The result holds copies of its weights, except those of the small shallow layers."""
    encoder = network.resnet
    first = _kernel(encoder.conv1.conv)
    guided, guided_convolution = _fold_guidance(network)
    return FoldedNetwork(
        first_visible=first,
        first_infrared=Kernel(_ready(first.weight.double().sum(1, keepdim=True), first.bias), first.bias),
        shallow=_fold_shallow(encoder.moe1) if isinstance(encoder.moe1, ShallowMixture) else None,
        second=_kernel(encoder.conv2.conv),
        second_adapter=_fold_adapter(encoder.moe2),
        third=_kernel(encoder.conv3.conv),
        third_adapter=_fold_adapter(encoder.moe3),
        fourth=_kernel(encoder.conv4.conv),
        fourth_adapter=_fold_adapter(encoder.moe4),
        guided=guided,
        guided_convolution=guided_convolution,
        guided_adapter=_fold_adapter(network.conv_block4.adapter),
        decoder=_kernel(network.conv_block5.convolution),
        decoder_adapter=_fold_adapter(network.conv_block5.adapter),
        head=_kernel(network.fusion_head),
    )


def _kernel(layer: nn.Module) -> Kernel:
    """The weights of a convolution with a bias, apart from the layer's own."""
    weight, bias = (parameter.detach() for parameter in layer.parameters())
    return Kernel(_ready(weight, bias), bias.clone())


def _ready(weight: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """A copy in the precision of another tensor, channels last in memory."""
    return weight.to(like.dtype).clone(memory_format=torch.channels_last)


def _fold_adapter(adapter: nn.Module) -> FoldedAdapter | None:
    if not isinstance(adapter, CommonAdapter):
        return None
    experts = [expert.convolutions for expert in adapter.experts if isinstance(expert, CommonExpert)]
    firsts = [_kernel(first) for first, _ in experts]
    seconds = tuple(_kernel(second) for _, second in experts)
    return FoldedAdapter(_merged(firsts), _gate(_kernel(adapter.gating_network)), seconds)


def _gate(gate: Kernel) -> Kernel:
    if len(gate.bias) != 2:
        return gate
    weight, bias = gate.weight.double(), gate.bias.double()
    return Kernel(_ready(weight[:1] - weight[1:], gate.bias), (bias[:1] - bias[1:]).to(gate.bias.dtype))


def _merged(kernels: Sequence[Kernel]) -> Kernel:
    """One 3x3 convolution for several of 3x3 or 1x1 on the same features, their channels in order."""
    first = kernels[0]
    weights = [pad(weight.double(), ((3 - weight.shape[2]) // 2,) * 4) for weight, _ in kernels]
    return Kernel(_ready(torch.cat(weights), first.bias), torch.cat([bias for _, bias in kernels]))


def _fold_shallow(mixture: ShallowMixture) -> FoldedShallow:
    dehaze, low_light = mixture.dehazenet, mixture.lownet
    layers = (dehaze.conv2, low_light.conv3, mixture.experts)
    return FoldedShallow(
        first=_merged([_kernel(layer) for layer in layers]),
        gate=_kernel(mixture.gating_network),
        dehaze=dehaze,
        dehaze_later=(_kernel(dehaze.conv3), _kernel(dehaze.conv4)),
        low_light=low_light,
        width=mixture.gating_network.in_channels,
    )


def _fold_guidance(network: SGAFusionNet) -> tuple[Guided | None, Kernel]:
    plain = _kernel(network.conv_block4.convolution)
    if network.cross is None:
        return None, plain
    guided, unguided = plain.weight.double().chunk(2, dim=1)
    projection = _kernel(network.cross.fc1)
    folded = torch.einsum("omhw,mi->oihw", guided, projection.weight.double()[:, :, 0, 0]) + unguided
    kernel = Kernel(_ready(folded, plain.bias), plain.bias)
    return Guided(network.cross, guided, projection.bias.double()), kernel
