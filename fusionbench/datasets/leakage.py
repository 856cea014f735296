"""Looks for images of a test list that look like images of a training list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import Dataset
from fusionbench.datasets import open_dataset
from fusionbench.datasets.image_hashes import ImageHashes, hashes_of
from fusionbench.datasets.near_duplicates import BITS, differences, positions_of, together
from fusionbench.datasets.split_files import Thresholds
from fusionbench.datasets.splits import read_list
from fusionbench.errors import InputError

Modality = Literal["visible", "infrared"]

_BLOCK = 1 << 20
"""Pairs compared at a time."""


@dataclass(frozen=True)
class Neighbours:
    """A test image and the training image most like it in one modality."""

    test: str
    train: str
    modality: Modality
    distance: int
    """Bits of the hash that differ, 0 to 64."""
    apart: int
    """Positions between the two."""
    leaks: bool
    """Whether they belong together."""


@dataclass(frozen=True)
class LeakageReport:
    """How near the training images come to the test images."""

    dataset: str
    train_images: int
    test_images: int
    thresholds: Thresholds
    histogram: dict[Modality, tuple[int, ...]]
    """Test images by the distance to the nearest training image, 0 to 64 bits."""
    nearest: tuple[Neighbours, ...]
    """For each test image the pair of either modality that leaks worst, or else is nearest; worst first."""

    @property
    def leaks(self) -> tuple[Neighbours, ...]:
        """Test images that belong together with a training image."""
        return tuple(pair for pair in self.nearest if pair.leaks)


def find_leakage(
    dataset: Dataset,
    train: Sequence[str],
    test: Sequence[str],
    thresholds: Thresholds,
    on_sample: Callable[[], None],
) -> LeakageReport:
    """Compare the test images with all training images.

    A pair leaks as it would be joined by `near_duplicates.groups_of`: within `anywhere` bits in either
    modality, or within `near` bits if it stands within the window, in the order of all of the dataset.

    Args:
        dataset: Holds the images of both lists.
        train: Ids to train on, at least one.
        test: Ids to test on, at least one.
        thresholds: When two images belong together.
        on_sample: Called after each image read.

    Raises:
        InputError: If a list is empty or names an unknown id, or a pair cannot be read.
    """
    known = sorted(sample.id for sample in dataset.samples)
    unknown = sorted({*train, *test} - set(known))
    if unknown or not train or not test:
        raise InputError(f"leakage: {unknown[0] if unknown else 'a list'} has no image; correct the lists")
    wanted = {*train, *test}
    samples = [sample for sample in dataset.samples if sample.id in wanted]
    hashes = hashes_of(dataset, samples, on_sample)
    position = dict(zip(known, positions_of(known).tolist(), strict=True))
    left, right = _Side.of(hashes, test, position), _Side.of(hashes, train, position)
    found = {modality: _nearest(left, right, modality, thresholds) for modality in get_args(Modality)}
    worst = [min(pairs, key=_badness) for pairs in zip(*(pairs for pairs, _ in found.values()), strict=True)]
    return LeakageReport(
        dataset=dataset.card.name,
        train_images=len(train),
        test_images=len(test),
        thresholds=thresholds,
        histogram={modality: histogram for modality, (_, histogram) in found.items()},
        nearest=tuple(sorted(worst, key=_badness)),
    )


def listed_ids(
    dataset: Dataset, given: str, root: Path | None, options: Mapping[str, str]
) -> tuple[str, ...]:
    """Ids of a list, or of a split of the same dataset.

    Args:
        dataset: Holds the ids.
        given: Path of a list, or the name of a split; a file goes before a split.
        root: Where the dataset is.
        options: It was opened with.

    Raises:
        InputError: As `splits.read_list` and `open_dataset`.
    """
    if given in dataset.card.splits and not Path(given).is_file():
        return tuple(sample.id for sample in open_dataset(dataset.card.name, root, given, options).samples)
    return read_list(Path(given), [sample.id for sample in dataset.samples])


@dataclass(frozen=True)
class _Side:
    """One list's images."""

    ids: tuple[str, ...]
    hashes: dict[Modality, NDArray[np.uint64]]
    positions: NDArray[np.int64]

    @classmethod
    def of(cls, hashes: ImageHashes, ids: Sequence[str], position: dict[str, int]) -> _Side:
        row = {name: place for place, name in enumerate(hashes.ids)}
        ordered = tuple(sorted(ids))
        rows = [row[name] for name in ordered]
        return cls(
            ordered,
            {
                "visible": np.array(hashes.visible, dtype=np.uint64)[rows],
                "infrared": np.array(hashes.infrared, dtype=np.uint64)[rows],
            },
            np.array([position[name] for name in ordered], dtype=np.int64),
        )


def _nearest(
    test: _Side, train: _Side, modality: Modality, thresholds: Thresholds
) -> tuple[list[Neighbours], tuple[int, ...]]:
    """The worst pair of each test image, and a histogram of the smallest distances."""
    pairs: list[Neighbours] = []
    histogram = np.zeros(BITS + 1, dtype=np.int64)
    step = max(1, _BLOCK // len(train.ids))
    for start in range(0, len(test.ids), step):
        bits = differences(test.hashes[modality][start : start + step], train.hashes[modality])
        apart = np.abs(test.positions[start : start + step, None] - train.positions[None, :])
        leaks = together(bits, apart, **asdict(thresholds))
        # A pair that leaks counts before a nearer one that does not, because it stands too far away.
        columns = np.argmin(np.where(leaks, bits, bits.astype(np.int64) + BITS + 1), axis=1)
        histogram += np.bincount(bits.min(axis=1), minlength=BITS + 1)
        pairs += [
            Neighbours(
                test=test.ids[start + row],
                train=train.ids[column],
                modality=modality,
                distance=int(bits[row, column]),
                apart=int(apart[row, column]),
                leaks=bool(leaks[row, column]),
            )
            for row, column in enumerate(columns.tolist())
        ]
    return pairs, tuple(histogram.tolist())


def _badness(pair: Neighbours) -> tuple[bool, int, int, str]:
    return not pair.leaks, pair.distance, pair.apart, pair.test
