"""The network `fixed`: what is wrong with the frame, the visible image restored, and both images fused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn
from torch.nn.functional import interpolate, leaky_relu, pad, pixel_shuffle, pixel_unshuffle

from fusionbench_methods.sgafusion.fixed.configuration import FixedConfiguration
from fusionbench_methods.sgafusion.fixed.filters import BINOMIAL, guided_filter, separable
from fusionbench_methods.sgafusion.fixed.frame_experts import GATES, FrameEstimate, FrameExperts, Thumbnail
from fusionbench_methods.sgafusion.fixed.fusion_base import BANDS, fuse_bands
from fusionbench_methods.sgafusion.fixed.light import chroma, from_luminance_and_chroma, luminance
from fusionbench_methods.sgafusion.fixed.restoration import Restored, restore, transmission_of_image
from fusionbench_methods.sgafusion.network_inputs import require_pair, required_embedding
from fusionbench_methods.sgafusion.precision import full_precision

ENCODER_SLOPE, DECODER_SLOPE = 0.01, 0.2
"""Of the leaky rectifiers, as released."""

COLOUR_REACH, LUMINANCE_REACH = 0.25, 0.2
"""How far the network may move the restored visible image and the fused luminance."""

SMOOTHING_RADIUS, SMOOTHING_EPSILONS = 2, (1e-4, 1e-3)
"""Of the guided filters that smooth restored luminance by itself, for noise of about .01 and .03."""

COLOUR_MAPS, CHROMA_MAP, LUMINANCE_MAP, FIRST_BAND_MAP = slice(0, 3), 3, 4, 5
SMOOTHING_MAPS = slice(FIRST_BAND_MAP + BANDS + 1, FIRST_BAND_MAP + BANDS + 1 + len(SMOOTHING_EPSILONS))
MAPS = SMOOTHING_MAPS.stop
"""Channels of the head: three of colour, one of chroma, one of luminance, one a band, one a smoothing."""

CHROMA_BLURS = (1, 2, 4)
"""Dilations of the blurs that make the smooth chroma."""

STOPS_SCALE = 4.0
"""Amplification is told in units of four stops."""

REACH = 36
"""How far a pixel sees, even: 17 convolutions of 3 x 3 in line, at half size."""

ROWS_OF_A_STRIP = 128

HEAD_DEVIATION = 1e-3
"""Of the head's first weights: fusion starts from the closed form."""


@dataclass(frozen=True)
class Fusion:
    """What the network makes of a pair."""

    fused: torch.Tensor
    """RGB `(N, 3, H, W)`, about in [0, 1]."""
    restored: torch.Tensor
    """The visible image as it would be without damage, RGB `(N, 3, H, W)`, about in [0, 1]."""
    segmentation: torch.Tensor | None
    """Logits `(N, classes, H, W)`."""


class MixtureAdapter(nn.Module):
    """The common mixture adapter (figure 2) with two experts, beside what it adapts."""

    def __init__(self, width: int, reduction: int) -> None:
        super().__init__()
        narrow = width // reduction
        self.narrowing = nn.Conv2d(width, 2 * narrow, 3, padding=1)
        self.widening = nn.ModuleList(nn.Conv2d(narrow, width, 3, padding=1) for _ in range(2))
        self.gating = nn.Conv2d(width, 1, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, C, H, W)` to `(N, C, H, W)`."""
        first, second = leaky_relu(self.narrowing(features), ENCODER_SLOPE).chunk(2, dim=1)
        # A softmax over two experts is a sigmoid of the difference of their logits.
        gate = self.gating(features).sigmoid()
        mixed = torch.lerp(self.widening[1](second), self.widening[0](first), gate)
        return features + leaky_relu(mixed, DECODER_SLOPE)


class Encoder(nn.Module):
    """One set of weights for both images (figure 1), at half size; a bias tells them apart."""

    INPUTS = 4 * 4
    """Colour and amplification of 2 x 2 pixels."""

    def __init__(self, configuration: FixedConfiguration) -> None:
        super().__init__()
        inputs = (self.INPUTS, *configuration.widths[:3])
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, 3, padding=1)
            for before, after in zip(inputs, configuration.widths, strict=True)
        )
        self.adapters = nn.ModuleList(
            _adapter(width, configuration) if position else nn.Identity()
            for position, width in enumerate(configuration.widths)
        )
        self.modality = nn.Parameter(torch.zeros(2, configuration.widths[0]))

    def forward(self, images: torch.Tensor, modality: int) -> tuple[torch.Tensor, torch.Tensor]:
        """From `(N, 16, h, w)` to features `(N, C4, h, w)` and the skip `(N, C3, h, w)`."""
        outputs = []
        features = images
        for position, (convolution, adapter) in enumerate(zip(self.convolutions, self.adapters, strict=True)):
            features = convolution(features)
            if position == 0:
                features = features + self.modality[modality, :, None, None]
            features = adapter(leaky_relu(features, ENCODER_SLOPE))
            outputs.append(features)
        return outputs[-1], outputs[-2]


class Decoder(nn.Module):
    """From both images' features and the embedding to the head's maps."""

    def __init__(self, configuration: FixedConfiguration) -> None:
        super().__init__()
        third, fourth = configuration.widths[2:]
        # Both maps side by side: a sum cannot tell which image a feature came from.
        self.first = nn.Conv2d(2 * fourth, fourth, 3, padding=1)
        self.first_adapter = _adapter(fourth, configuration)
        self.second = nn.Conv2d(fourth, third, 3, padding=1)
        self.second_adapter = _adapter(third, configuration)
        # Attention over one token is a linear layer of it (`semantic_guidance`); a scale goes with the bias.
        told = configuration.embedding_width
        self.guidance = nn.Linear(told, 2 * fourth) if configuration.semantics else None
        self.modulation = nn.Linear(told, 2 * fourth) if configuration.semantics else None
        if self.modulation is not None:
            nn.init.zeros_(self.modulation.weight)
            nn.init.zeros_(self.modulation.bias)

    def forward(
        self, both: torch.Tensor, skips: torch.Tensor, embedding: torch.Tensor | None
    ) -> torch.Tensor:
        """From `(N, 2 C4, h, w)` and the sum of the skips to `(N, C3, h, w)`."""
        if self.guidance is not None:
            both = both + self.guidance(embedding)[:, :, None, None]
        features = self.first_adapter(leaky_relu(self.first(both), DECODER_SLOPE))
        if self.modulation is not None:
            scale, shift = self.modulation(embedding)[:, :, None, None].chunk(2, dim=1)
            features = features * (1.0 + scale) + shift
        decoded: torch.Tensor = self.second_adapter(leaky_relu(self.second(features), DECODER_SLOPE))
        return decoded + skips


class FixedSGAFusionNet(nn.Module):
    """Semantic-guided adaptive fusion that learns from a few hundred pairs.

    Args:
        configuration: What it is made of.
        **changes: Fields of the configuration to change, such as `experts=0`.
    """

    def __init__(self, configuration: FixedConfiguration | None = None, **changes: Any) -> None:
        super().__init__()
        chosen = replace(configuration or FixedConfiguration(), **changes)
        third = chosen.widths[2]
        self.configuration = chosen
        self.frame_experts = FrameExperts(chosen) if chosen.experts else None
        self.encoder = Encoder(chosen)
        self.decoder = Decoder(chosen)
        self.fusion_head = nn.Conv2d(third, 4 * MAPS, 3, padding=1)
        nn.init.normal_(self.fusion_head.weight, std=HEAD_DEVIATION)
        nn.init.zeros_(self.fusion_head.bias)  # type: ignore[arg-type]
        classes = chosen.segmentation_classes
        self.seg_head = nn.Conv2d(third, classes, 1) if classes else None

    def forward(
        self,
        visible: torch.Tensor,
        infrared: torch.Tensor,
        embedding: torch.Tensor | None = None,
        estimate: FrameEstimate | None = None,
    ) -> Fusion:
        """Fuse, restore and segment, for training.

        Args:
            visible: RGB `(N, 3, H, W)` in [0, 1], any height and width.
            infrared: `(N, 1, H, W)` in [0, 1].
            embedding: Of the whole visible frames, `(N, E)`.
            estimate: Of the whole frames, with the transmission of these pixels; None estimates it from
                these images, taken for whole frames.

        Raises:
            ValueError: If shapes do not fit together, or an embedding is needed and missing.
        """
        told = self._told(visible, infrared, embedding)
        restored = self._restored(visible, infrared, told, estimate)
        damage = self._damage(visible, told, estimate)
        decoded = self._decoded(restored, infrared, told)
        maps = self._cropped(pixel_shuffle(self.fusion_head(decoded), 2), visible)
        segmentation = None
        if self.seg_head is not None:
            larger = interpolate(self.seg_head(decoded), scale_factor=2, mode="bilinear", align_corners=False)
            segmentation = self._cropped(larger, visible)
        with full_precision(visible):
            fused, corrected = assemble(restored, infrared, maps.to(visible.dtype), damage)
        return Fusion(fused, corrected, segmentation)

    @torch.no_grad()
    def fuse(
        self,
        visible: torch.Tensor,
        infrared: torch.Tensor,
        embedding: torch.Tensor | None = None,
        *,
        rows: int = ROWS_OF_A_STRIP,
    ) -> torch.Tensor:
        """Fuse whole frames for use: the image of `forward`, in strips of rows, without the segmentation.

        Args:
            visible: RGB `(N, 3, H, W)` in [0, 1], any height and width.
            infrared: `(N, 1, H, W)` in [0, 1].
            embedding: Of the visible images, `(N, E)`.
            rows: Of a strip: memory beyond a few maps of the image grows with it.

        Returns:
            RGB `(N, 3, H, W)`, about in [0, 1].

        Raises:
            ValueError: If shapes do not fit together, or an embedding is needed and missing.
        """
        return self.restore_and_fuse(visible, infrared, embedding, rows=rows).fused

    @torch.no_grad()
    def restore_and_fuse(
        self,
        visible: torch.Tensor,
        infrared: torch.Tensor,
        embedding: torch.Tensor | None = None,
        *,
        rows: int = ROWS_OF_A_STRIP,
    ) -> Fusion:
        """As `fuse`, with the restored visible image beside the fused one."""
        told = self._told(visible, infrared, embedding)
        restored = self._restored(visible, infrared, told, None)
        maps = torch.cat(
            [
                self._maps_of_rows(restored, infrared, told, top, rows)
                for top in range(0, visible.shape[2], rows)
            ],
            dim=2,
        )
        fused, corrected = assemble(restored, infrared, maps, self._damage(visible, told, None))
        return Fusion(fused, corrected, None)

    def estimate(
        self, visible: torch.Tensor, infrared: torch.Tensor, embedding: torch.Tensor
    ) -> FrameEstimate | None:
        """What the experts say of whole frames, with the transmission of their pixels; None without them."""
        if self.frame_experts is None:
            return None
        found: FrameEstimate = self.frame_experts(Thumbnail.of(visible, infrared), embedding)
        return replace(found, transmission=transmission_of_image(found.transmission, visible))

    def _told(
        self, visible: torch.Tensor, infrared: torch.Tensor, embedding: torch.Tensor | None
    ) -> torch.Tensor:
        """The embedding, or zeros where the network has no semantics."""
        require_pair(visible, infrared)
        count, width = len(visible), self.configuration.embedding_width
        if not self.configuration.semantics:
            return visible.new_zeros(count, width)
        return required_embedding(embedding, count, width)

    def _restored(
        self,
        visible: torch.Tensor,
        infrared: torch.Tensor,
        told: torch.Tensor,
        estimate: FrameEstimate | None,
    ) -> Restored:
        with full_precision(visible):
            known = self.estimate(visible, infrared, told) if estimate is None else estimate
            if known is None:
                return Restored(visible, torch.zeros_like(infrared))
            return restore(visible, known)

    def _damage(
        self, visible: torch.Tensor, told: torch.Tensor, estimate: FrameEstimate | None
    ) -> torch.Tensor:
        """How far colours may be changed at all, `(N, 1, 1, 1)`: not those of a clean frame."""
        if estimate is not None:
            return estimate.gate("damaged")
        if self.frame_experts is None:
            return visible.new_ones(len(visible), 1, 1, 1)
        gates: torch.Tensor = self.frame_experts.gates(told)
        return gates[:, GATES.index("damaged"), None, None, None]

    def _decoded(self, restored: Restored, infrared: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
        """Features of both images, `(N, C3, ceil(H / 2), ceil(W / 2))`."""
        ours = torch.cat([restored.visible, restored.amplification / STOPS_SCALE], dim=1)
        theirs = torch.cat([infrared.expand(-1, 3, -1, -1), torch.zeros_like(infrared)], dim=1)
        visible_features, visible_skip = self.encoder(_halved(ours), 0)
        infrared_features, infrared_skip = self.encoder(_halved(theirs), 1)
        both = torch.cat([visible_features, infrared_features], dim=1)
        decoded: torch.Tensor = self.decoder(both, visible_skip + infrared_skip, told)
        return decoded

    def _maps_of_rows(
        self, restored: Restored, infrared: torch.Tensor, told: torch.Tensor, top: int, rows: int
    ) -> torch.Tensor:
        """The head's maps `(N, MAPS, rows, W)` from `top` on: the strip sees as far as convolutions reach."""
        start, stop = max(top - REACH, 0), top + rows + REACH
        strip = Restored(restored.visible[:, :, start:stop], restored.amplification[:, :, start:stop])
        decoded = self._decoded(strip, infrared[:, :, start:stop], told)
        maps = self._cropped(pixel_shuffle(self.fusion_head(decoded), 2), strip.visible)
        return maps[:, :, top - start : top - start + rows]

    @staticmethod
    def _cropped(maps: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        """Without the row and column that were added to make an image's size even."""
        return maps[:, :, : image.shape[2], : image.shape[3]]


def assemble(
    restored: Restored, infrared: torch.Tensor, maps: torch.Tensor, damage: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The fused and the restored visible image, from the head's maps.

    Colour is the visible image's alone: a thermal image has none. Where the frame is damaged, luminance and
    chroma may be exchanged for smooth ones, since noise is amplified with the light.

    Args:
        restored: What physics makes of the visible image.
        infrared: `(N, 1, H, W)`.
        maps: `(N, MAPS, H, W)`.
        damage: `(N, 1, 1, 1)` in [0, 1]; at 0 the restored image is left as it is.
    """
    moved = restored.visible + damage * COLOUR_REACH * torch.tanh(maps[:, COLOUR_MAPS])
    sharp = luminance(moved)
    colour = chroma(moved, sharp)
    luma = sharp + damage * (_smoothed(sharp, maps[:, SMOOTHING_MAPS]) - sharp)
    smooth = colour
    for dilation in CHROMA_BLURS:
        smooth = separable(smooth, BINOMIAL, dilation)
    # The map starts at 0: half of each.
    kept = damage * maps[:, CHROMA_MAP : CHROMA_MAP + 1].sigmoid()
    colour = torch.lerp(colour, smooth, kept)
    corrected = from_luminance_and_chroma(luma, colour)
    fused = fuse_bands(luma.clamp(0.0, 1.0), infrared, maps[:, FIRST_BAND_MAP : SMOOTHING_MAPS.start])
    fused = fused + LUMINANCE_REACH * torch.tanh(maps[:, LUMINANCE_MAP : LUMINANCE_MAP + 1])
    return from_luminance_and_chroma(fused, colour), corrected


def _smoothed(luma: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    """Luminance as it is and smoothed by itself, mixed: at logits of 0 the same share of each."""
    choices = [luma, *(guided_filter(luma, luma, SMOOTHING_RADIUS, each) for each in SMOOTHING_EPSILONS)]
    shares = torch.cat([torch.zeros_like(luma), logits], dim=1).softmax(dim=1)
    return (shares * torch.cat(choices, dim=1)).sum(dim=1, keepdim=True)


def _adapter(width: int, configuration: FixedConfiguration) -> nn.Module:
    return MixtureAdapter(width, configuration.reduction) if configuration.experts else nn.Identity()


def _halved(images: torch.Tensor) -> torch.Tensor:
    """Pixels of 2 x 2 as channels; an odd row or column is repeated."""
    height, width = images.shape[2:]
    return pixel_unshuffle(pad(images, (0, width % 2, 0, height % 2), mode="replicate"), 2)
