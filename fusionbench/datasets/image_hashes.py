"""Difference hashes of a dataset's images."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fusionbench import registry
from fusionbench.contracts import Dataset, Sample
from fusionbench.datasets import open_dataset
from fusionbench.datasets.near_duplicates import difference_hash
from fusionbench.errors import InputError
from fusionbench.images import to_grey

_WHOLE = "all"
_MOST_THREADS = 8


@dataclass(frozen=True)
class ImageHashes:
    """Hashes of pairs, in the order of the ids."""

    ids: tuple[str, ...]
    visible: tuple[int, ...]
    infrared: tuple[int, ...]


def open_whole(name: str, root: Path | None, split: str | None, options: Mapping[str, str]) -> Dataset:
    """Open the split asked for; else the one that joins all others, where there is one, or the default.

    Raises:
        InputError: As `open_dataset`.
    """
    splits = registry.dataset_class(name).card.splits
    return open_dataset(name, root, split or (_WHOLE if _WHOLE in splits else None), options)


def hashes_of(dataset: Dataset, samples: Sequence[Sample], on_sample: Callable[[], None]) -> ImageHashes:
    """Read and hash both images of each sample.

    Args:
        dataset: Reads them.
        samples: Some of its samples.
        on_sample: Called after each.

    Raises:
        InputError: Naming the first pair that cannot be read, and how many there are.
    """
    found: list[tuple[int, int]] = []
    problems: list[str] = []
    # Decoding takes the time, and releases the interpreter's lock.
    with ThreadPoolExecutor(max_workers=min(_MOST_THREADS, os.cpu_count() or 1)) as threads:
        for outcome in threads.map(partial(_hashed, dataset), samples):
            if isinstance(outcome, str):
                problems.append(outcome)
            else:
                found.append(outcome)
            on_sample()
    if problems:
        others = f" (and {len(problems) - 1} other pairs)" if len(problems) > 1 else ""
        raise InputError(f"{problems[0]}{others}; `fusionbench data check {dataset.card.name}` lists all")
    return ImageHashes(
        ids=tuple(sample.id for sample in samples),
        visible=tuple(visible for visible, _ in found),
        infrared=tuple(infrared for _, infrared in found),
    )


def _hashed(dataset: Dataset, sample: Sample) -> tuple[int, int] | str:
    """Hashes of the visible and the infrared image, or what is wrong with them."""
    if sample.problem is not None:
        return sample.problem
    try:
        pair = dataset.load(sample)
    except InputError as error:
        return str(error)
    return difference_hash(to_grey(pair.visible)), difference_hash(pair.infrared)
