"""A compact U-Net: a segmenter that needs no further library, and learns on a processor within minutes.

For tests and demonstrations, and where every method has to be trained on a machine without an accelerator;
figures that are compared with other papers' come from larger networks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from fusionbench.contracts import Device, SegmentedImage, SegmenterCard, SegmenterTraining, Uint8Image
from fusionbench.devices import choose_device
from fusionbench.errors import InputError
from fusionbench.weight_files import classes_in, load_exactly, read_tensors
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

    from fusionbench_segmenters.compact_unet import CompactUNet

WIDEST = 512
"""Channels at full size beyond which nobody would call it compact."""

_HEAD = "head."
_HEAD_WEIGHT = "head.weight"


@dataclass(frozen=True)
class UNetOptions(LearningOptions):
    """What a training of it may set."""

    width: int = 16
    """Channels at half the image's size; parameters grow with its square. A start has its own."""


class UNet:
    """The compact U-Net with weights that `train` wrote.

    Args:
        weights: Its state dictionary, with the names of its classes in the header (`.safetensors`).
        device: Where to run.

    Raises:
        InputError: If the file is missing, damaged, or holds other weights.
    """

    card: ClassVar[SegmenterCard] = SegmenterCard(
        name="unet",
        title="Compact U-Net",
        licence="Apache-2.0 (part of fusionbench)",
        paper="Ronneberger, Fischer & Brox, MICCAI 2015",
        settings="the image's own size; ImageNet's mean and spread for all methods; single precision",
        needs="weights that it was trained to: there are none of others",
        summary=".2 million parameters, trained on a processor within minutes; for tests and demonstrations",
    )

    def __init__(self, weights: Path, device: Device = "cpu") -> None:
        tensors, header = read_tensors(weights)
        self._network = _filled(tensors, weights)
        self._classes = classes_in(header, int(tensors[_HEAD_WEIGHT].shape[0]), weights)
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
        return [segmented(image, self._network, self._device) for image in images]

    @classmethod
    def check_training(cls, training: SegmenterTraining) -> None:
        """Check options, start and device of a training, before there are images.

        Args:
            training: As `train` will get it, but for the seed.

        Raises:
            InputError: If an option does not fit, or the start holds other weights.
        """
        options = read_options(UNetOptions, training)
        if options.width > WIDEST:
            raise InputError(f"option 'width' is {options.width}; expected a whole number up to {WIDEST}")
        choose_device(training.device)
        require_startable(lambda: _started(training, options), training.seed)

    @classmethod
    def train(cls, images: Iterable[SegmentedImage], training: SegmenterTraining, out: Path) -> Path:
        """Train, from nothing or from weights of this network.

        A training of one seed gives the same file again on one processor, with one number of threads and one
        version of torch; accelerators may move digits.

        Args:
            images: To learn from; read once, one by one, and kept in memory.
            training: How; images larger than `image_size` are cropped to it at their own scale. Options:
                `learning_rate`, `weight_decay`, `class_weights` (none, balanced), `mirror`, `width`.
            out: Folder for the file.

        Returns:
            `weights.safetensors`: the network after the last epoch.

        Raises:
            InputError: If there is nothing to learn from, an option does not fit, or the start holds other
                weights.
            TrainingError: If the loss is no number any more.
        """
        cls.check_training(training)
        options, device = read_options(UNetOptions, training), choose_device(training.device)
        frames = gather(images, training)
        with seeded_network(lambda: _started(training, options), training.seed) as network:
            learn(network.to(device), network, frames, training, options, device)
        return write_network(network, training.classes, out)


def _started(training: SegmenterTraining, options: UNetOptions) -> CompactUNet:
    """The network to train; the head is drawn anew where the start's classes are others in number."""
    from fusionbench_segmenters.compact_unet import CompactUNet

    classes = len(training.classes)
    if training.start is None:
        return CompactUNet(classes, options.width)
    start = read_tensors(training.start).tensors
    network = CompactUNet(classes, _width(start, training.start))
    load_start(network, start, lambda name: not name.startswith(_HEAD), training.start)
    return network


def _filled(tensors: Mapping[str, torch.Tensor], path: Path) -> CompactUNet:
    from fusionbench_segmenters.compact_unet import CompactUNet

    width = _width(tensors, path)
    network = CompactUNet(int(tensors[_HEAD_WEIGHT].shape[0]), width)
    load_exactly(network, tensors, path)
    return network


def _width(tensors: Mapping[str, torch.Tensor], path: Path) -> int:
    if _HEAD_WEIGHT not in tensors or tensors[_HEAD_WEIGHT].ndim != 4:
        raise InputError(
            f"{path}: holds other weights than the segmenter unet has; take what it was trained to"
        )
    return int(tensors[_HEAD_WEIGHT].shape[1])
