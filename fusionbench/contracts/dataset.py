"""What a dataset reader is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

from fusionbench.contracts.pairs import ImagePair, Labels, Sample


@dataclass(frozen=True)
class DatasetCard:
    """What a person should know before using a dataset."""

    name: str
    title: str
    splits: tuple[str, ...]
    """Split names, the default first."""
    licence: str
    """Terms in one line."""
    source: str
    """Where it comes from, and how to get it when it cannot be downloaded by a program."""
    paper: str = ""
    box_classes: tuple[str, ...] = ()
    box_synonyms: Mapping[str, str] = field(default_factory=dict)
    """What detectors trained elsewhere (on COCO) call a class, where that is another word."""
    mask_classes: tuple[str, ...] = ()
    needs_root: bool = True
    """False for a dataset that is generated or takes its folders as options."""
    synthetic: bool = False
    """True where images are generated: never evidence for a scientific claim."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Option name to its one-line description, for `--dataset-option NAME=VALUE`."""


@dataclass(frozen=True)
class DatasetRequest:
    """What a user asks a dataset for."""

    root: Path | None = None
    """The dataset's folder, or a folder that holds it; None for generated datasets."""
    split: str | None = None
    """None asks for the card's first split."""
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Placement:
    """Where a sample's files stand in a copy of its dataset: paths from the copy's folder, with `/`."""

    visible: str
    infrared: str
    annotations: Mapping[str, Path | bytes] = field(default_factory=dict)
    """Files that go with it, by path: one to copy, or its content."""


class Dataset(Protocol):
    """A list of pairs with their labels. Instances are small and picklable: workers open their own copy."""

    card: ClassVar[DatasetCard]

    @property
    def split(self) -> str:
        """Which of the card's splits this is."""
        ...

    @classmethod
    def open(cls, request: DatasetRequest) -> Dataset:
        """Find the dataset.

        Raises:
            InputError: If the layout is not there, the split is unknown, or an option is not understood.
        """
        ...

    @property
    def samples(self) -> Sequence[Sample]:
        """Every sample of the split, sorted by id; unusable ones are listed with their `problem`."""
        ...

    def load(self, sample: Sample) -> ImagePair:
        """Read one pair.

        Raises:
            InputError: If a file is missing or unreadable, or the pair does not fit together.
        """
        ...

    def labels(self, sample: Sample) -> Labels:
        """Read the annotations of one pair.

        Raises:
            InputError: If an annotation file is there but cannot be understood.
        """
        ...

    def fingerprint(self, sample: Sample) -> str:
        """Hash of everything that decides the sample's pixels (file contents, generator version and seed)."""
        ...


class PlacingDataset(Dataset, Protocol):
    """A dataset that says how a copy of it is laid out; of others, a copy has a folder a modality."""

    def placement(self, sample: Sample) -> Placement:
        """Where a sample's files stand in a copy that the same reader opens."""
        ...
