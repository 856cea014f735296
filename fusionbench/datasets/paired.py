"""What the file datasets share: pairs of folders, read by stem."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from PIL import Image, UnidentifiedImageError

from fusionbench.contracts import (
    DRIVING_HORIZON,
    Box,
    DatasetCard,
    DatasetRequest,
    ImagePair,
    Labels,
    Placement,
    Sample,
    Uint8Image,
)
from fusionbench.datasets import splits
from fusionbench.datasets.annotations import read_mask, read_voc, read_yolo
from fusionbench.datasets.depth_maps import DEPTH_OPTION, DepthMaps
from fusionbench.datasets.fingerprint import pair_fingerprint
from fusionbench.datasets.layouts import find_layout, listing
from fusionbench.datasets.native import NATIVE_OPTION, read_native
from fusionbench.datasets.pairing import join, pair_folders
from fusionbench.errors import InputError
from fusionbench.images import read_pair

Reader = TypeVar("Reader", bound="PairedFiles")


@dataclass(frozen=True)
class Part:
    """Folders whose files belong together by stem; a split has one part or several."""

    visible: Path
    infrared: Path
    boxes: Path | None = None
    """Annotation files `stem.xml` (Pascal VOC) or `stem.txt` (YOLO)."""
    masks: Path | None = None
    """Class masks `stem.png`."""


@dataclass(frozen=True)
class PairedFiles:
    """A dataset of image files in folders. A subclass states its card, its folders and its layout.

    An instance holds folder names only, so that it is cheap to send to a worker; the folders are listed when
    `samples` is first asked for.
    """

    card: ClassVar[DatasetCard]
    folder_names: ClassVar[tuple[str, ...]]
    """Lower-case names of the dataset's own folder."""
    looked_for: ClassVar[str]
    """The layout in one line, for an error message."""
    splits_of: ClassVar[Mapping[str, tuple[str, ...]]]
    """Split name to the folder groups (keys of the layout) it joins."""
    usual_horizon: ClassVar[float] = DRIVING_HORIZON

    parts: tuple[Part, ...]
    split: str
    keep: tuple[str, ...] | None = None
    """Ids the options chose, sorted; None for all."""
    horizon: float = DRIVING_HORIZON
    """Height of the vanishing line in image heights from the top."""
    folder: Path | None = None
    """The dataset's own folder; None where there is no layout of its own to keep."""
    depth_maps: DepthMaps | None = None
    natives: Mapping[str, str] = field(default_factory=dict)
    """Native conditions by id from the user's own list, which goes before the dataset's."""

    @classmethod
    def open(cls: type[Reader], request: DatasetRequest) -> Reader:
        """Find the dataset under the root.

        Raises:
            InputError: If no root is given, the layout is not there, the split or an option is unknown.
        """
        split = splits.chosen_split(cls.card, request.split)
        options = splits.checked_options(cls.card, request.options)
        folder, groups = cls._found(request.root)
        wanted = cls.splits_of[split]
        missing = [name for name in wanted if name not in groups]
        if missing:
            raise InputError(
                f"{folder}: {cls.card.name} split {split!r} needs {' and '.join(missing)}, "
                f"only {', '.join(groups)} is there; choose another split or complete the download"
            )
        parts = cls._with_labels(tuple(groups[name] for name in wanted), folder, options)
        dataset = cls(
            parts=parts,
            split=split,
            horizon=cls.usual_horizon,
            folder=folder,
            depth_maps=depth_maps(options),
            natives=natives(options, groups.values()),
        )
        return dataset._chosen(options)

    @cached_property
    def samples(self) -> tuple[Sample, ...]:
        """Every sample of the split, sorted by id; unusable ones carry their `problem`."""
        listing = join(pair_folders(part.visible, part.infrared) for part in self.parts)
        found = tuple(replace(sample, native=self._native_condition(sample.id)) for sample in listing)
        if self.keep is None:
            return found
        keep = set(self.keep)
        return tuple(sample for sample in found if sample.id in keep)

    def load(self, sample: Sample) -> ImagePair:
        """Read one pair; annotations are not touched.

        Raises:
            InputError: If a file is missing or unreadable, or the two sizes differ.
        """
        visible, infrared = both_files(sample)
        pair = read_pair(sample.id, visible, infrared, self.horizon)
        if self.depth_maps is None:
            return pair
        return replace(pair, depth=self.depth_maps.read(sample.id, pair.size))

    def labels(self, sample: Sample) -> Labels:
        """Read the annotations of one pair, None where the dataset has no file for it.

        Raises:
            InputError: If a file is there but cannot be understood.
        """
        visible, _ = both_files(sample)
        part = self._part_of(visible)
        return Labels(boxes=self._boxes(part, sample.id, visible), mask=self._mask(part, sample.id))

    def fingerprint(self, sample: Sample) -> str:
        """Hash of the contents of both files, and the horizon, from which depth priors start.

        Raises:
            InputError: If one is missing or cannot be read.
        """
        images = f"{pair_fingerprint(*both_files(sample))} horizon={self.horizon:g}"
        return (
            images if self.depth_maps is None else f"{images} depth={self.depth_maps.fingerprint(sample.id)}"
        )

    def placement(self, sample: Sample) -> Placement:
        """Where the sample's images and annotations stand in a copy: as in the dataset, images as PNG.

        Raises:
            InputError: If the sample lacks a file.
        """
        visible, infrared = both_files(sample)
        if self.folder is None:
            return Placement(f"visible/{sample.id}.png", f"infrared/{sample.id}.png")
        part = self._part_of(visible)
        candidates = [
            *([part.boxes / f"{sample.id}.xml", part.boxes / f"{sample.id}.txt"] if part.boxes else []),
            *([part.masks / f"{sample.id}.png"] if part.masks else []),
        ]
        return Placement(
            self._place(visible.with_suffix(".png")),
            self._place(infrared.with_suffix(".png")),
            {self._place(path): path for path in candidates if path.is_file()},
        )

    def _place(self, path: Path) -> str:
        """Path of a file in a copy of the dataset, whose folder has a name the reader knows."""
        folder = path.parent if self.folder is None else self.folder
        if path.is_relative_to(folder):
            name = folder.resolve().name
            known = any(
                name.lower() == own or name.lower().startswith(f"{own}-") for own in self.folder_names
            )
            return f"{name if known else self.folder_names[0]}/{path.relative_to(folder).as_posix()}"
        # Annotations of others lie beside the dataset, perhaps by a link to somewhere else.
        beside = folder.resolve().parent
        if path.is_relative_to(beside):
            return path.relative_to(beside).as_posix()
        raise InputError(f"{path}: is neither in {folder} nor beside it; copy it there")

    def __getstate__(self) -> dict[str, Any]:
        """Leave the listing out: a worker reads the folders itself."""
        return {name: value for name, value in self.__dict__.items() if name != "samples"}

    @classmethod
    def _found(cls, root: Path | None) -> tuple[Path, Mapping[str, Part]]:
        name = cls.card.name
        if root is None:
            raise InputError(
                f"{name}: no data folder is set; give --root, set FUSIONBENCH_DATA, or get the images with "
                f"`fusionbench data download {name}`"
            )
        found = find_layout(root, cls.folder_names, lambda folder: cls._layout(folder) or None)
        if found is None:
            raise InputError(
                f"{root}: no {cls.card.title} there; looked for {cls.looked_for}; found {listing(root)}; "
                f"get it with `fusionbench data download {name}`"
            )
        return found

    @classmethod
    def _layout(cls, folder: Path) -> dict[str, Part]:
        """Folder groups found in a candidate folder; empty if it does not hold this dataset."""
        raise NotImplementedError

    @classmethod
    def _with_labels(
        cls, parts: tuple[Part, ...], folder: Path, options: Mapping[str, str]
    ) -> tuple[Part, ...]:
        """The parts, with annotation folders that are not part of the layout itself added."""
        del folder, options
        return parts

    def _chosen(self: Reader, options: Mapping[str, str]) -> Reader:
        """The dataset with the ids its options choose."""
        return listed(self, options)

    def _part_of(self, visible: Path) -> Part:
        part = next((part for part in self.parts if part.visible == visible.parent), None)
        if part is None:
            raise InputError(f"{visible}: is not in the folders of this {self.card.name} split")
        return part

    def _native_condition(self, image_id: str) -> str:
        return self.natives.get(image_id) or self.native_condition(image_id)

    @classmethod
    def native_condition(cls, image_id: str) -> str:
        """What an image was really taken in, by its name; empty where the name does not tell."""
        del image_id
        return ""

    def _boxes(self, part: Part, stem: str, visible: Path) -> tuple[Box, ...] | None:
        if part.boxes is None:
            return None
        for path in (part.boxes / f"{stem}.xml", part.boxes / f"{stem}.txt"):
            if path.is_file():
                return self._read_boxes(path, visible)
        return None

    def _read_boxes(self, path: Path, visible: Path) -> tuple[Box, ...]:
        if path.suffix == ".xml":
            return read_voc(path, self.card.box_classes)
        width, height = _size(visible)
        return read_yolo(path, self.card.box_classes, width, height)

    def _mask(self, part: Part, stem: str) -> Uint8Image | None:
        if part.masks is None or not (path := part.masks / f"{stem}.png").is_file():
            return None
        return read_mask(path, self.card.mask_classes)


def listed(dataset: Reader, options: Mapping[str, str]) -> Reader:
    """The dataset with only the ids of the user's split list, if the options name one.

    Raises:
        InputError: As `splits.read_list`.
    """
    if splits.LIST_OPTION not in options:
        return dataset
    known = {sample.id for sample in dataset.samples}
    return replace(dataset, keep=splits.read_list(Path(options[splits.LIST_OPTION]), known))


def depth_maps(options: Mapping[str, str]) -> DepthMaps | None:
    """The user's depth maps, if the options name a folder of them.

    Raises:
        InputError: If there is no such folder.
    """
    return DepthMaps.open(Path(options[DEPTH_OPTION])) if DEPTH_OPTION in options else None


def natives(options: Mapping[str, str], parts: Iterable[Part]) -> Mapping[str, str]:
    """Native conditions by id from the user's own list, if the options name one.

    Args:
        options: The dataset's.
        parts: All of the dataset, whatever the split: a list may be about the whole.

    Raises:
        InputError: As `read_native`.
    """
    if NATIVE_OPTION not in options:
        return {}
    every = [sample.id for part in parts for sample in pair_folders(part.visible, part.infrared)]
    return read_native(Path(options[NATIVE_OPTION]), every)


def both_files(sample: Sample) -> tuple[Path, Path]:
    """The visible and infrared file of a sample that has both.

    Raises:
        InputError: With the sample's problem.
    """
    if sample.problem is not None:
        raise InputError(sample.problem)
    if sample.visible is None or sample.infrared is None:
        raise InputError(f"{sample.id}: has no files of its own")
    return sample.visible, sample.infrared


def _size(path: Path) -> tuple[int, int]:
    """Width and height, from the file's header."""
    try:
        with Image.open(path) as image:
            width, height = image.size
    except UnidentifiedImageError:
        raise InputError(f"{path}: is not an image (or damaged); copy or download it again") from None
    except (OSError, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: cannot be decoded ({error}); copy or download it again") from error
    return width, height
