"""The whole network (figure 1): encode both images, guide by semantics, decode into image and classes."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from fusionbench_methods.sgafusion.common_adapter import ADAPTER_SLOPE, common_adapter
from fusionbench_methods.sgafusion.configuration import SGAFusionConfiguration, Variant, configuration_of
from fusionbench_methods.sgafusion.encoder import Encoder
from fusionbench_methods.sgafusion.fast_inference import fuse_in_pieces, rows_of_a_piece
from fusionbench_methods.sgafusion.network_inputs import require_pair, required_embedding
from fusionbench_methods.sgafusion.semantic_guidance import semantic_guidance
from fusionbench_methods.sgafusion.shallow_experts import convolution


class DecoderBlock(nn.Sequential):
    """A 3x3 convolution with a leaky rectifier, and a common adapter."""

    def __init__(self, inputs: int, outputs: int, configuration: SGAFusionConfiguration) -> None:
        super().__init__(
            convolution(inputs, outputs, 3),
            nn.LeakyReLU(ADAPTER_SLOPE),
            common_adapter(outputs, configuration),
        )

    @property
    def convolution(self) -> nn.Module:
        """Its convolution."""
        return self[0]

    @property
    def adapter(self) -> nn.Module:
        """Its adapter, or what stands in its place."""
        return self[2]


class SGAFusionNet(nn.Module):
    """Semantic-guided adaptive fusion.

    Attributes carry the names of the released checkpoint, so that it loads as it is.

    Args:
        variant: `released`, `paper` or `corrected`.
        configuration: Taken instead of the variant's own, if given.
        **changes: Fields of the variant's configuration to change, such as `experts=0`.
    """

    def __init__(
        self,
        variant: Variant = "corrected",
        *,
        configuration: SGAFusionConfiguration | None = None,
        **changes: Any,
    ) -> None:
        super().__init__()
        chosen = configuration or configuration_of(variant, **changes)
        third, fourth = chosen.widths[2:]
        self.configuration = chosen
        self.resnet = Encoder(chosen)
        self.cross = semantic_guidance(chosen)
        self.conv_block4 = DecoderBlock(fourth if self.cross is None else 2 * fourth, fourth, chosen)
        self.conv_block5 = DecoderBlock(fourth, third, chosen)
        self.fusion_head = convolution(third, 3, 3)
        classes = chosen.segmentation_classes
        self.seg_head = convolution(third, classes, 1) if classes else None

    def forward(
        self, visible: torch.Tensor, infrared: torch.Tensor, embedding: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Fuse and segment, for training.

        Args:
            visible: RGB `(N, 3, H, W)` in [0, 1], any height and width.
            infrared: `(N, 1, H, W)` in [0, 1].
            embedding: Of the visible images, `(N, E)`; not needed by a network without semantics.

        Returns:
            The fused RGB `(N, 3, H, W)`, unbounded, and the segmentation's logits `(N, classes, H, W)` (None
            from a network without that head).

        Raises:
            ValueError: If shapes do not fit together, or an embedding is needed and missing.
        """
        self._check(visible, infrared, embedding)
        from_visible = self.resnet.encode_visible(visible)
        from_infrared = self.resnet.encode_infrared(infrared)
        features = from_visible.features + from_infrared.features
        if self.cross is not None:
            guided = self.cross(features, embedding)
            features = torch.cat([guided, features], dim=1)
        decoded = self.conv_block5(self.conv_block4(features))
        decoded = decoded + from_visible.skip + from_infrared.skip
        segmentation = None if self.seg_head is None else self.seg_head(decoded)
        return self.fusion_head(decoded), segmentation

    @torch.no_grad()
    def fuse(
        self,
        visible: torch.Tensor,
        infrared: torch.Tensor,
        embedding: torch.Tensor | None = None,
        *,
        streaming: bool = False,
    ) -> torch.Tensor:
        """Fuse for use: the image of `forward`, faster, without a gradient and without the segmentation.

        Args:
            visible: RGB `(N, 3, H, W)` in [0, 1], any height and width.
            infrared: `(N, 1, H, W)` in [0, 1].
            embedding: Of the visible images, `(N, E)`; not needed by a network without semantics.
            streaming: Go through the image in pieces of a few rows, however many threads or whatever device:
                memory beyond the images themselves does not grow with their height. Without, pieces on a CPU
                are as large as is fastest, which with one thread is the same.

        Returns:
            The fused RGB `(N, 3, H, W)`, unbounded.

        Raises:
            ValueError: If shapes do not fit together, or an embedding is needed and missing.
        """
        self._check(visible, infrared, embedding)
        rows = rows_of_a_piece(visible, streaming=streaming)
        return fuse_in_pieces(self, visible, infrared, embedding, rows)

    def _check(self, visible: torch.Tensor, infrared: torch.Tensor, embedding: torch.Tensor | None) -> None:
        require_pair(visible, infrared)
        if self.cross is not None:
            required_embedding(embedding, len(visible), self.configuration.embedding_width)
