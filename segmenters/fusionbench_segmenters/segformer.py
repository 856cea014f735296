"""SegFormer by transformers: the segmenter most papers on MSRS and FMB train.

Reference:
    E. Xie, W. Wang, Z. Yu, A. Anandkumar, J. M. Alvarez, P. Luo: "SegFormer: Simple and efficient design for
    semantic segmentation with transformers", NeurIPS 2021; sizes B0 to B5 of its table 6.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from fusionbench.contracts import Device, SegmentedImage, SegmenterCard, SegmenterTraining, Uint8Image
from fusionbench.devices import choose_device
from fusionbench.errors import InputError
from fusionbench.weight_files import HEADER_CLASSES, classes_in, read_tensors
from fusionbench.whole_files import appearing
from fusionbench_segmenters.learning import (
    LearningOptions,
    gather,
    learn,
    read_options,
    require_startable,
    seeded_network,
)
from fusionbench_segmenters.network_files import FILE_NAME
from fusionbench_segmenters.network_images import segmented

if TYPE_CHECKING:
    import torch

STAGES = 4

_EMBEDDING = "segformer.encoder.patch_embeddings.{}.proj.weight"
_BLOCK = "segformer.encoder.block.{}.{}.layer_norm_1.weight"
_FUSING, _HEAD = "decode_head.linear_fuse.weight", "decode_head.classifier.weight"
"""Published names of tensors, which transformers reads and writes in every version."""

_ENCODER = "segformer."


@dataclass(frozen=True)
class Size:
    """What tells one size of the network from another."""

    depths: tuple[int, ...]
    """Blocks a stage."""
    widths: tuple[int, ...]
    """Channels a stage."""
    decoder_width: int


_NARROW, _WIDE = (32, 64, 160, 256), (64, 128, 320, 512)

SIZES: Mapping[str, Size] = {
    "b0": Size((2, 2, 2, 2), _NARROW, 256),
    "b1": Size((2, 2, 2, 2), _WIDE, 256),
    "b2": Size((3, 4, 6, 3), _WIDE, 768),
    "b3": Size((3, 4, 18, 3), _WIDE, 768),
    "b4": Size((3, 8, 27, 3), _WIDE, 768),
    "b5": Size((3, 6, 40, 3), _WIDE, 768),
}


@dataclass(frozen=True)
class SegFormerOptions(LearningOptions):
    """What a training of it may set."""

    learning_rate: float = 0.0001
    """Highest one."""
    weight_decay: float = 0.01
    size: str = "b0"
    """`b0` to `b5`, where there is no start to tell."""


class SegFormer:
    """SegFormer (B0: 3.7 million parameters), and weights for it.

    Args:
        weights: A state dictionary by its published names (`.safetensors`, `.bin`, `.pth`) that names its
            classes in its header; its size is told by its tensors.
        device: Where to run.

    Raises:
        InputError: If the extra is not installed, or the file is missing, damaged, or holds other weights.
    """

    card: ClassVar[SegmenterCard] = SegmenterCard(
        name="segformer",
        title="SegFormer (transformers)",
        licence="Apache-2.0 (transformers); NVIDIA's weights mit-b0 to mit-b5 are for research only",
        code="https://github.com/huggingface/transformers",
        paper="Xie et al., SegFormer, NeurIPS 2021",
        settings="the image's own size; ImageNet's mean and spread for all methods; single precision",
        needs=(
            "the extra segment-transformers, and weights trained to the classes of the masks; a training "
            "starts from pytorch_model.bin of nvidia/mit-b0 or another size, where you may use it"
        ),
        summary="attention at four scales, mixed by linear layers: what most papers on MSRS train",
    )

    def __init__(self, weights: Path, device: Device = "cpu") -> None:
        tensors, header = read_tensors(weights)
        if _HEAD not in tensors:
            raise InputError(f"{weights}: is no state dictionary of a SegFormer; take what it was trained to")
        count = int(tensors[_HEAD].shape[0])
        self._classes = classes_in(header, count, weights)
        network = _loaded(tensors, count, weights, whole=True)
        self._device = choose_device(device)
        self._network = network.requires_grad_(False).eval().to(self._device)

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
            InputError: If the extra is not installed, an option does not fit, or the start holds other
                weights.
        """
        options = read_options(SegFormerOptions, training)
        if options.size not in SIZES:
            raise InputError(f"option 'size' is {options.size!r}; expected one of {', '.join(SIZES)}")
        choose_device(training.device)
        require_startable(lambda: _started(training, options), training.seed)

    @classmethod
    def train(cls, images: Iterable[SegmentedImage], training: SegmenterTraining, out: Path) -> Path:
        """Train, from nothing, from weights of this network, or from its encoder's of ImageNet.

        Args:
            images: To learn from; read once, one by one, and kept in memory.
            training: How; images larger than `image_size` are cropped to it at their own scale. Options:
                `learning_rate`, `weight_decay`, `class_weights` (none, balanced), `mirror`, and `size` where
                there is no start.
            out: Folder for the file.

        Returns:
            `weights.safetensors`: the network after the last epoch.

        Raises:
            InputError: If the extra is not installed, there is nothing to learn from, an option does not
                fit, or the start holds other weights.
            TrainingError: If the loss is no number any more.
        """
        cls.check_training(training)
        options, device = read_options(SegFormerOptions, training), choose_device(training.device)
        frames = gather(images, training)
        with seeded_network(lambda: _started(training, options), training.seed) as network:
            learn(network.to(device), _logits(network), frames, training, options, device)
        return _write(network, training.classes, out)


def _started(training: SegmenterTraining, options: SegFormerOptions) -> Any:
    """The network to train: what a start lacks or has for other classes is drawn."""
    classes = len(training.classes)
    if training.start is None:
        return _library().SegformerForSemanticSegmentation(_configuration(SIZES[options.size], classes))
    return _loaded(read_tensors(training.start).tensors, classes, training.start, whole=False)


def _loaded(tensors: Mapping[str, torch.Tensor], classes: int, path: Path, *, whole: bool) -> Any:
    """The network with weights by their published names.

    Args:
        tensors: By published name.
        classes: Of its head.
        path: Where the weights come from, for the message.
        whole: Whether every weight has to be there; else only the encoder's.
    """
    library = _library()
    configuration = _configuration(_size_of(tensors, path), classes)
    with _quiet():
        network, report = library.SegformerForSemanticSegmentation.from_pretrained(
            None,
            config=configuration,
            state_dict=dict(tensors),
            output_loading_info=True,
            ignore_mismatched_sizes=not whole,
        )
    lacking = [name for name in report["missing_keys"] if whole or name.startswith(_ENCODER)]
    if lacking:
        raise InputError(
            f"{path}: holds other weights than SegFormer has ({sorted(lacking)[0]} is not there); give other "
            "weights, or none to start from"
        )
    return network


def _size_of(tensors: Mapping[str, torch.Tensor], path: Path) -> Size:
    try:
        widths = tuple(int(tensors[_EMBEDDING.format(stage)].shape[0]) for stage in range(STAGES))
    except KeyError as error:
        raise InputError(
            f"{path}: holds other weights than SegFormer has ({error.args[0]} is not there); give a file by "
            "the published names, as pytorch_model.bin of nvidia/mit-b0 has them"
        ) from None
    depths = tuple(
        next(block for block in range(len(tensors) + 1) if _BLOCK.format(stage, block) not in tensors)
        for stage in range(STAGES)
    )
    if _FUSING in tensors:
        return Size(depths, widths, int(tensors[_FUSING].shape[0]))
    known = next((size for size in SIZES.values() if (size.depths, size.widths) == (depths, widths)), None)
    return known or Size(depths, widths, SIZES["b0"].decoder_width)


def _configuration(size: Size, classes: int) -> Any:
    return _library().SegformerConfig(
        num_labels=classes,
        depths=list(size.depths),
        hidden_sizes=list(size.widths),
        decoder_hidden_size=size.decoder_width,
    )


def _library() -> Any:
    try:
        import transformers
    except ImportError:
        raise InputError(
            'segmenter segformer needs the extra "segment-transformers": pip install '
            '"ivif-fusionbench[segment-transformers]"'
        ) from None
    return transformers


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's bars and hints on standard error, which it shows for every file it reads."""
    from transformers.utils import logging as library_logging

    logging: Any = library_logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _logits(network: Any) -> Any:
    """From images to scores of classes at the images' size; the network's own are at a quarter of it."""
    from torch.nn.functional import interpolate

    return lambda images: interpolate(
        network(pixel_values=images).logits, size=images.shape[2:], mode="bilinear", align_corners=False
    )


def _write(network: Any, classes: Sequence[str], folder: Path) -> Path:
    """Write a trained network by its published names, which the library alone knows."""
    from safetensors.torch import load_file, save_file

    header = {HEADER_CLASSES: json.dumps(list(classes), ensure_ascii=False)}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE_NAME
    with tempfile.TemporaryDirectory(dir=folder) as library_folder, _quiet(), appearing(path) as temporary:
        network.cpu().save_pretrained(library_folder)
        save_file(load_file(Path(library_folder) / "model.safetensors"), temporary, header)
    return path
