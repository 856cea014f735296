"""DeepLabV3 on MobileNetV3-Large by torchvision: a segmenter whose code everybody may use (BSD-3-Clause).

Reference:
    L.-C. Chen, G. Papandreou, F. Schroff, H. Adam: "Rethinking atrous convolution for semantic image
    segmentation", arXiv:1706.05587, on the MobileNetV3 of A. Howard et al.: "Searching for MobileNetV3",
    ICCV 2019.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from fusionbench.contracts import Device, SegmentedImage, SegmenterCard, SegmenterTraining, Uint8Image
from fusionbench.devices import choose_device
from fusionbench.errors import InputError
from fusionbench.weight_files import HEADER_CLASSES, classes_in, load_exactly, read_tensors
from fusionbench_segmenters.learning import (
    LearningOptions,
    gather,
    learn,
    read_options,
    require_startable,
    seeded_network,
)
from fusionbench_segmenters.network_files import load_start, write_network
from fusionbench_segmenters.network_images import segmented

if TYPE_CHECKING:
    import torch

VOC_CLASSES = 21
"""With the background: what torchvision's own weights know."""

FEWEST_A_BATCH = 2
"""Its pooled features are one value a channel and image, which one image cannot normalise."""

PUBLISHED = "https://download.pytorch.org/models/deeplabv3_mobilenet_v3_large-fc3c493d.pth"
"""Weights trained on COCO with the classes of Pascal VOC."""

PUBLISHED_BACKBONE = "https://download.pytorch.org/models/mobilenet_v3_large-5c1a4163.pth"
"""Weights of the backbone trained on ImageNet: the usual start of a training."""

_NETWORK = "deeplabv3_mobilenet_v3_large"
_HEAD = "classifier.4.weight"
_AUXILIARY = "aux_classifier."
"""A second head that published weights have, and that only a training looks at."""
_BACKBONE, _FEATURES = "backbone.", "features."
"""How a segmenter's tensors of the backbone begin, and the backbone's own."""


@dataclass(frozen=True)
class DeepLabOptions(LearningOptions):
    """What a training of it may set."""

    learning_rate: float = 0.001
    """Highest one."""


class DeepLab:
    """DeepLabV3 on MobileNetV3-Large (11 million parameters), and weights for it.

    Args:
        weights: A state dictionary of `deeplabv3_mobilenet_v3_large` (`.safetensors`, `.pth`); one that names
            no classes in its header and knows 21 is taken for Pascal VOC's.
        device: Where to run.

    Raises:
        InputError: If the extra is not installed, or the file is missing, damaged, or holds other weights.
    """

    card: ClassVar[SegmenterCard] = SegmenterCard(
        name="deeplab",
        title="DeepLabV3, MobileNetV3 (torchvision)",
        licence="BSD-3-Clause (torchvision and its weights)",
        code="https://github.com/pytorch/vision",
        paper="Chen, Papandreou, Schroff & Adam, arXiv:1706.05587",
        settings="the image's own size; ImageNet's mean and spread for all methods; single precision",
        needs=(
            "the extra segment, and weights trained to the classes of the masks; a training starts best from "
            f"{PUBLISHED_BACKBONE}"
        ),
        summary="dilated features at a sixteenth of the size, under a licence that everybody can live with",
    )

    def __init__(self, weights: Path, device: Device = "cpu") -> None:
        tensors, header = read_tensors(weights)
        if _HEAD not in tensors:
            raise InputError(f"{weights}: is no state dictionary of {_NETWORK}; take what it was trained to")
        count = int(tensors[_HEAD].shape[0])
        self._network = _built(count)
        load_exactly(self._network, _without_auxiliary(tensors), weights)
        self._classes = _class_names(count, header, weights)
        self._device = choose_device(device)
        self._network.requires_grad_(False).eval().to(self._device)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes the weights know."""
        return self._classes

    def segment(self, images: Sequence[Uint8Image]) -> list[Uint8Image]:
        """Name the class of every pixel, in each image by itself and at its own size.

        Args:
            images: RGB `(H, W, 3)`, of any sizes.

        Returns:
            For each image `(H, W)`: places in `classes`.
        """
        return [segmented(image, _logits(self._network), self._device) for image in images]

    @classmethod
    def check_training(cls, training: SegmenterTraining) -> None:
        """Check options, start and device of a training, before there are images.

        Args:
            training: As `train` will get it, but for the seed.

        Raises:
            InputError: If the extra is not installed, the batch is of one image, an option does not fit, or
                the start holds other weights.
        """
        read_options(DeepLabOptions, training)
        if training.batch < FEWEST_A_BATCH:
            raise InputError(f"segmenter deeplab learns from {FEWEST_A_BATCH} images a batch or more, not 1")
        choose_device(training.device)
        require_startable(lambda: _started(training), training.seed)

    @classmethod
    def train(cls, images: Iterable[SegmentedImage], training: SegmenterTraining, out: Path) -> Path:
        """Train, from nothing, from weights of this network, or from its backbone's of ImageNet.

        A training of one seed gives the same file again on one processor, with one number of threads and one
        version of torch; accelerators may move digits.

        Args:
            images: To learn from; read once, one by one, and kept in memory.
            training: How; images larger than `image_size` are cropped to it at their own scale. Options:
                `learning_rate`, `weight_decay`, `class_weights` (none, balanced), `mirror`.
            out: Folder for the file.

        Returns:
            `weights.safetensors`: the network after the last epoch.

        Raises:
            InputError: If the extra is not installed, there is nothing to learn from, the batch is of one
                image, an option does not fit, or the start holds other weights.
            TrainingError: If the loss is no number any more.
        """
        cls.check_training(training)
        options, device = read_options(DeepLabOptions, training), choose_device(training.device)
        frames = gather(images, training)
        with seeded_network(lambda: _started(training), training.seed) as network:
            learn(network.to(device), _logits(network), frames, training, options, device)
        return write_network(network, training.classes, out)


def _started(training: SegmenterTraining) -> Any:
    """The network to train; what a start lacks stays as it was drawn."""
    network = _built(len(training.classes))
    if training.start is not None:
        tensors = _start_tensors(training.start)
        load_start(network, tensors, lambda name: name.startswith(_BACKBONE), training.start)
    return network


def _built(classes: int) -> Any:
    """The network without weights; nothing is downloaded."""
    try:
        from torchvision.models import segmentation
    except ImportError:
        raise InputError(
            'segmenter deeplab needs the extra "segment": pip install "ivif-fusionbench[segment]"'
        ) from None
    return segmentation.deeplabv3_mobilenet_v3_large(
        weights=None, weights_backbone=None, num_classes=classes, aux_loss=False
    )


def _logits(network: Any) -> Any:
    return lambda images: network(images)["out"]


def _start_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Tensors to start from, by the segmenter's names, whether they are its own or its backbone's."""
    return {
        _BACKBONE + name.removeprefix(_FEATURES) if name.startswith(_FEATURES) else name: value
        for name, value in _without_auxiliary(read_tensors(path).tensors).items()
    }


def _without_auxiliary(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value for name, value in tensors.items() if not name.startswith(_AUXILIARY)}


def _class_names(count: int, header: Mapping[str, str], path: Path) -> tuple[str, ...]:
    if HEADER_CLASSES not in header and count == VOC_CLASSES:
        from torchvision.models.segmentation import DeepLabV3_MobileNet_V3_Large_Weights as Weights

        return tuple(Weights.COCO_WITH_VOC_LABELS_V1.meta["categories"])
    return classes_in(header, count, path)
