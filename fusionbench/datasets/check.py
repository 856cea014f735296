"""Looks a dataset over: what is there, what is missing, which files cannot be used."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fusionbench import registry
from fusionbench.contracts import UNLABELLED, Box, Dataset, DatasetCard, Sample, Uint8Image
from fusionbench.datasets import open_dataset
from fusionbench.datasets.paired import PairedFiles
from fusionbench.datasets.sources import SOURCES
from fusionbench.errors import InputError
from fusionbench.images import read_infrared, read_visible

OnSplit = Callable[[str, int], Callable[[], None]]
"""Called with a split's name and its number of samples; what it returns is called after each sample."""

INCOMPLETE = "a sample, or incomplete"

_EDGE_TOLERANCE = 1.0
"""Pixels a box may leave the image by: VOC edges count from one, YOLO ones are rounded."""


@dataclass(frozen=True)
class SplitReport:
    """What was found in one split."""

    dataset: str
    split: str
    layout: str
    """The folders the split was read from; empty where there are none."""
    pairs: int
    """Samples, usable or not."""
    documented: int | None
    """Number of pairs the authors document; None where there is no such number."""
    sizes: Mapping[str, int]
    """`WIDTHxHEIGHT` to the number of pairs."""
    boxes: Mapping[str, int]
    """Class to the number of boxes."""
    pairs_with_boxes: int
    """Pairs that have an annotation file, an empty one included."""
    pairs_with_masks: int
    notes: tuple[str, ...]
    """Peculiarities that spoil no result."""
    problems: tuple[str, ...]
    """One line for each sample or annotation that cannot be used."""

    @property
    def state(self) -> str:
        """How the number of pairs compares with the documented one."""
        if self.documented is None:
            return "no documented number"
        if self.pairs == self.documented:
            return "complete"
        return INCOMPLETE if self.pairs < self.documented else "more than documented"


@dataclass(frozen=True)
class DatasetReport:
    """What was found of one dataset."""

    card: DatasetCard
    splits: tuple[SplitReport, ...]
    missing_splits: tuple[str, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """The problems of all splits."""
        return tuple(problem for split in self.splits for problem in split.problems)


@dataclass(frozen=True)
class _Annotation:
    """The labels of one pair, without the pixels of its mask: thousands of masks would fill the memory."""

    boxes: tuple[Box, ...] | None
    has_mask: bool
    background_only: bool


@dataclass(frozen=True)
class _Finding:
    """What one sample turned out to be."""

    size: str | None
    problems: tuple[str, ...]
    annotation: _Annotation | None
    """None where the pair itself or its annotation cannot be used."""


def datasets_under(root: Path | None) -> list[str]:
    """Names of the downloadable datasets that lie under a root (or where the configuration says)."""
    return [name for name in registry.names("dataset") if name in SOURCES and _is_there(name, root)]


def check_dataset(
    name: str, root: Path | None, split: str | None, options: Mapping[str, str], on_split: OnSplit
) -> DatasetReport:
    """Check the split asked for, or all that are there and do not merely join others.

    Raises:
        InputError: If none is there, or the name, split or an option is unknown.
    """
    there, missing = _opened_splits(name, root, split, options)
    reports = tuple(
        check_split(dataset, on_split(f"{name} {dataset.split}", len(dataset.samples))) for dataset in there
    )
    return DatasetReport(card=there[0].card, splits=reports, missing_splits=tuple(missing))


def check_split(dataset: Dataset, on_sample: Callable[[], None]) -> SplitReport:
    """Decode every file of a split and read every annotation."""
    findings: list[_Finding] = []
    for sample in dataset.samples:
        findings.append(_examined(dataset, sample))
        on_sample()
    found = [finding.annotation for finding in findings if finding.annotation is not None]
    found_boxes = [annotation.boxes for annotation in found if annotation.boxes is not None]
    return SplitReport(
        dataset=dataset.card.name,
        split=dataset.split,
        layout=_layout(dataset),
        pairs=len(findings),
        documented=_documented(dataset),
        sizes=dict(Counter(finding.size for finding in findings if finding.size).most_common()),
        boxes=dict(Counter(box.label for boxes in found_boxes for box in boxes).most_common()),
        pairs_with_boxes=len(found_boxes),
        pairs_with_masks=sum(annotation.has_mask for annotation in found),
        notes=tuple(_notes(dataset.card, findings, found)),
        problems=tuple(problem for finding in findings for problem in finding.problems),
    )


def _opened_splits(
    name: str, root: Path | None, split: str | None, options: Mapping[str, str]
) -> tuple[list[Dataset], list[str]]:
    """The opened splits, and the names of those that are not there."""
    there, absent = [], []
    first_error: InputError | None = None
    for wanted in (split,) if split else _usual_splits(name, options):
        try:
            there.append(open_dataset(name, root, wanted, options))
        except InputError as error:
            first_error = first_error or error
            absent.append(wanted)
    if not there and first_error is not None:
        raise first_error
    return there, absent


def _usual_splits(name: str, options: Mapping[str, str]) -> tuple[str, ...]:
    """The splits that do not merely join others; the default one for options, which choose within a split."""
    source = SOURCES.get(name)
    splits = registry.dataset_class(name).card.splits
    if options:
        return splits[:1]
    return tuple(source.pairs) if source else splits


def _is_there(name: str, root: Path | None) -> bool:
    try:
        _opened_splits(name, root, None, {})
    except InputError:
        return False
    return True


def _documented(dataset: Dataset) -> int | None:
    """Pairs the authors document for the whole split; None where options chose some of them."""
    source = SOURCES.get(dataset.card.name)
    if source is None or not isinstance(dataset, PairedFiles) or dataset.keep is not None:
        return None
    return sum(source.pairs[group] for group in dataset.splits_of[dataset.split])


def _layout(dataset: Dataset) -> str:
    if not isinstance(dataset, PairedFiles):
        return ""
    folders = dict.fromkeys(
        folder.absolute()
        for part in dataset.parts
        for folder in (part.visible, part.infrared, part.boxes, part.masks)
        if folder is not None
    )
    top = Path(os.path.commonpath(folders))
    return f"{top}: " + ", ".join(str(folder.relative_to(top)) for folder in folders)


def _examined(dataset: Dataset, sample: Sample) -> _Finding:
    problems = [sample.problem] if sample.problem else []
    shapes = _shapes(dataset, sample, problems)
    if len(shapes) > 1:
        problems.append(f"{sample.visible}: and {sample.infrared} differ in size; crop them to one")
    size = f"{shapes[0][1]}x{shapes[0][0]}" if len(shapes) == 1 else None
    annotation = None if problems else _annotation(dataset, sample, size, problems)
    return _Finding(size=size, problems=tuple(problems), annotation=annotation)


def _shapes(dataset: Dataset, sample: Sample, problems: list[str]) -> list[tuple[int, ...]]:
    """The different heights and widths of a sample's images; those that cannot be read become problems."""
    if sample.visible is None and sample.infrared is None and not problems:
        return [dataset.load(sample).size]
    images = (
        _decoded(sample.visible, read_visible, problems),
        _decoded(sample.infrared, read_infrared, problems),
    )
    return list(dict.fromkeys(image.shape[:2] for image in images if image is not None))


def _decoded(path: Path | None, read: Callable[[Path], Uint8Image], problems: list[str]) -> Uint8Image | None:
    if path is None:
        return None
    try:
        return read(path)
    except InputError as error:
        problems.append(str(error))
        return None


def _annotation(
    dataset: Dataset, sample: Sample, size: str | None, problems: list[str]
) -> _Annotation | None:
    try:
        labels = dataset.labels(sample)
    except InputError as error:
        problems.append(str(error))
        return None
    if labels.mask is not None and size is not None:
        height, width = labels.mask.shape
        if f"{width}x{height}" != size:
            problems.append(f"{sample.visible}: is {size} but its mask is {width}x{height}; get it again")
    return _Annotation(
        boxes=labels.boxes,
        has_mask=labels.mask is not None,
        background_only=labels.mask is not None and _is_background(labels.mask, dataset.card.mask_classes),
    )


def _is_background(mask: Uint8Image, classes: Sequence[str]) -> bool:
    """Whether no pixel is of a class: all are unlabelled, by a class of that name or by none."""
    of_none = [UNLABELLED, *(place for place, name in enumerate(classes) if name == "unlabelled")]
    return bool(np.isin(mask, of_none).all())


def _notes(card: DatasetCard, findings: Sequence[_Finding], found: Sequence[_Annotation]) -> Iterator[str]:
    unboxed = sum(annotation.boxes is None for annotation in found)
    if card.box_classes and unboxed:
        yield f"{unboxed} pairs without box annotation"
    unmasked = sum(not annotation.has_mask for annotation in found)
    if card.mask_classes and unmasked:
        yield f"{unmasked} pairs without mask"
    outside = sum(_outside(finding) for finding in findings)
    if outside:
        yield f"{outside} boxes leave their image"
    empty = sum(annotation.boxes == () for annotation in found)
    if empty:
        yield f"{empty} pairs annotated as without object"
    background = sum(annotation.background_only for annotation in found)
    if background:
        yield f"{background} masks are background only"


def _outside(finding: _Finding) -> int:
    boxes = finding.annotation.boxes if finding.annotation else None
    if finding.size is None or not boxes:
        return 0
    width, height = map(int, finding.size.split("x"))
    return sum(_leaves(box, width, height) for box in boxes)


def _leaves(box: Box, width: int, height: int) -> bool:
    low, right, lower = -_EDGE_TOLERANCE, width + _EDGE_TOLERANCE, height + _EDGE_TOLERANCE
    return box.x_min < low or box.y_min < low or box.x_max > right or box.y_max > lower
