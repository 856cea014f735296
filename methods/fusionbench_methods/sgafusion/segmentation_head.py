"""SGAFusion's own segmentation head as a segmenter: a probe of any method's images that costs no training.

The head learns beside the fusion in the stage `joint` (W2), from pairs. Here the fused image takes the place
of both images of a pair: itself for the visible, its grey for the infrared one. What it gives depends on one
network for all methods, which saw other images when it learnt: a cheap look, no substitute for a segmenter
that is trained on each method's images.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from fusionbench.contracts import Device, SegmenterCard, Uint8Image
from fusionbench.devices import choose_device
from fusionbench.errors import InputError
from fusionbench.images import to_grey

if TYPE_CHECKING:
    import torch

    from fusionbench_methods.sgafusion.checkpoint import Network

MASK_CLASSES = "mask_classes"
"""Note of a checkpoint: what its head's classes are."""

MSRS_CLASSES = (
    "unlabelled",
    "car",
    "person",
    "bike",
    "curve",
    "car_stop",
    "guardrail",
    "color_cone",
    "bump",
)
"""Those of a head of nine that does not say: the authors trained on MSRS."""

LEFT_BEHIND = "finetune"
"""The stage in which features move on and the head does not."""


class SGAFusionHead:
    """The segmentation head of a network of the stage `joint`.

    Args:
        weights: A checkpoint of that stage (`joint.safetensors` of a training), or the authors' weights.
        device: Where to run.

    Raises:
        InputError: If the extra is not installed, or the file is missing, damaged, or has no head of use.
    """

    card: ClassVar[SegmenterCard] = SegmenterCard(
        name="sgafusion-head",
        title="SGAFusion's segmentation head",
        licence="Apache-2.0 (this implementation)",
        code="https://github.com/Wohaizainuli/SGAFusion",
        settings="the image's own size; the fused image in place of both images of a pair",
        needs="the extra sgafusion, and joint.safetensors of `fusionbench train sgafusion` with masks",
        summary="the head that learns beside the fusion, looking at any method's images; costs no training",
    )

    def __init__(self, weights: Path, device: Device = "cpu") -> None:
        from fusionbench_methods.sgafusion.checkpoint import load_checkpoint
        from fusionbench_methods.sgafusion.semantics.embedding_cache import EmbeddingCache

        checkpoint = load_checkpoint(weights)
        network, encoder = checkpoint.network, checkpoint.encoder
        if network is None or network.seg_head is None:
            raise InputError(f"{weights}: holds no segmentation head; give joint.safetensors of a training")
        if checkpoint.notes.get("stage") == LEFT_BEHIND:
            raise InputError(
                f"{weights}: is of the stage {LEFT_BEHIND}, in which the segmentation head was left behind; "
                "give joint.safetensors of the same training"
            )
        self._classes = _class_names(checkpoint.notes.get(MASK_CLASSES), network, weights)
        self._device = choose_device(device)
        self._network = network.requires_grad_(False).eval().to(self._device)
        if encoder is None and network.configuration.semantics not in (False, "none"):
            raise InputError(
                f"{weights}: holds a network without the encoder that tells it what it sees; put both into "
                "one file with fusionbench_methods.sgafusion.combine_checkpoints"
            )
        self._embeddings = None if encoder is None else EmbeddingCache(encoder.eval().to(self._device))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes the head knows."""
        return self._classes

    def segment(self, images: Sequence[Uint8Image]) -> list[Uint8Image]:
        """Name the class of every pixel, in each image by itself and at its own size.

        Args:
            images: RGB `(H, W, 3)`, of any sizes.

        Returns:
            For each image `(H, W)`: places in `classes`, the first of equals.
        """
        return [self._segmented(image) for image in images]

    def _segmented(self, image: Uint8Image) -> Uint8Image:
        import torch

        with torch.inference_mode():
            visible = self._batch(image)
            embedding = None if self._embeddings is None else self._embeddings.embed(visible)
            made = self._network(visible, self._batch(to_grey(image)[:, :, None]), embedding)
            logits = made[1] if isinstance(made, tuple) else made.segmentation
            places: Uint8Image = logits[0].argmax(dim=0).to(torch.uint8).cpu().numpy()
        return places

    def _batch(self, image: Uint8Image) -> torch.Tensor:
        """`(H, W, C)` uint8 to `(1, C, H, W)` in [0, 1]."""
        import torch

        planes = np.ascontiguousarray(image.transpose(2, 0, 1))
        return torch.from_numpy(planes).to(self._device)[None].float() / 255.0


def _class_names(noted: object, network: Network, path: Path) -> tuple[str, ...]:
    count = network.configuration.segmentation_classes
    if isinstance(noted, list) and len(noted) == count:
        return tuple(str(name) for name in noted)
    if count != len(MSRS_CLASSES):
        raise InputError(
            f"{path}: has a segmentation head of {count} classes and does not name them; train it anew"
        )
    return MSRS_CLASSES
