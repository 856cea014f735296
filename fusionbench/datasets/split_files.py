"""A split as files: a list a part, the groups, and what they were made with."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from fusionbench.contracts import Dataset, Sample
from fusionbench.datasets.grouped_split import Item, PartCounts, assigned, count_parts, remarks
from fusionbench.datasets.image_hashes import hashes_of
from fusionbench.datasets.near_duplicates import groups_of, require_thresholds
from fusionbench.datasets.splits import list_text
from fusionbench.errors import InputError
from fusionbench.whole_files import appearing

_HASH = "64-bit difference hash of 8 rows of 9 averaged cells, visible and infrared"


@dataclass(frozen=True)
class Thresholds:
    """When two images belong together; see `near_duplicates.groups_of`."""

    window: int
    near: int
    anywhere: int

    def __post_init__(self) -> None:
        require_thresholds(self.window, self.near, self.anywhere)


@dataclass(frozen=True)
class Split:
    """Which part each image is in, and why."""

    name: str
    dataset: str
    dataset_split: str
    thresholds: Thresholds
    shares: Mapping[str, float]
    """Part to percent."""
    seed: int
    items: tuple[Item, ...]
    part_of: Mapping[int, str]
    """Group to part."""
    counts: Mapping[str, PartCounts]
    remarks: tuple[str, ...]

    def ids(self, part: str) -> list[str]:
        """Ids of a part, sorted."""
        return sorted(item.id for item in self.items if self.part_of[item.group] == part)


def make_split(
    dataset: Dataset,
    shares: Mapping[str, float],
    seed: int,
    thresholds: Thresholds,
    on_sample: Callable[[], None],
) -> Split:
    """Split a dataset so that no group of images that look alike is in two parts.

    Args:
        dataset: All of its samples are split.
        shares: Part to percent, as `grouped_split.read_shares` gives them.
        seed: Decides between groups of one size.
        thresholds: When two images belong together.
        on_sample: Called after each sample.

    Raises:
        InputError: If a pair or its labels cannot be read, or there are fewer groups than parts.
    """
    samples = sorted(dataset.samples, key=lambda sample: sample.id)
    hashes = hashes_of(dataset, samples, on_sample)
    groups = groups_of(hashes.ids, hashes.visible, hashes.infrared, **asdict(thresholds))
    items = tuple(
        Item(sample.id, group, _boxes(dataset, sample)) for sample, group in zip(samples, groups, strict=True)
    )
    part_of = assigned(items, shares, seed)
    counts = count_parts(items, part_of, list(shares))
    return Split(
        name="-".join([dataset.card.name, *(f"{share:g}" for share in shares.values()), f"seed{seed}"]),
        dataset=dataset.card.name,
        dataset_split=dataset.split,
        thresholds=thresholds,
        shares=shares,
        seed=seed,
        items=items,
        part_of=part_of,
        counts=counts,
        remarks=tuple(remarks(items, shares, counts)),
    )


def write_split(split: Split, folder: Path) -> dict[str, str]:
    """Write `PART.txt` for each part, `groups.csv` and `split.json`; what is there already may stay.

    Returns:
        Name of each list to its SHA-256.

    Raises:
        InputError: If a file is there with other content (nothing is written then), or the folder cannot be
            written to.
    """
    lists = {f"{part}.txt": list_text(split.ids(part)).encode() for part in split.shares}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in lists.items()}
    # The description comes last: where it is, everything is.
    files = {**lists, "groups.csv": _groups_table(split), "split.json": _description(split, digests)}
    try:
        for name, content in files.items():
            path = folder / name
            if path.exists() and path.read_bytes() != content:
                raise InputError(
                    f"{path}: holds something else, nothing is overwritten; choose another --out"
                )
        for name, content in files.items():
            with appearing(folder / name) as temporary:
                temporary.write_bytes(content)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written ({error.strerror or error}); choose another --out"
        ) from error
    return digests


def describe(split: Split, digests: Mapping[str, str]) -> dict[str, object]:
    """The split without its images, for JSON."""
    return {
        "name": split.name,
        "dataset": split.dataset,
        "dataset_split": split.dataset_split,
        "images": len(split.items),
        "groups": len(split.part_of),
        "hash": _HASH,
        "thresholds": asdict(split.thresholds),
        "shares": dict(split.shares),
        "seed": split.seed,
        "parts": {
            part: {"list": f"{part}.txt", "sha256": digests[f"{part}.txt"], **asdict(counts)}
            for part, counts in split.counts.items()
        },
        "remarks": list(split.remarks),
    }


def _description(split: Split, digests: Mapping[str, str]) -> bytes:
    return (json.dumps(describe(split, digests), indent=1, ensure_ascii=False) + "\n").encode()


def _groups_table(split: Split) -> bytes:
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(("id", "group", "part"))
    table.writerows((item.id, item.group, split.part_of[item.group]) for item in split.items)
    return stream.getvalue().encode()


def _boxes(dataset: Dataset, sample: Sample) -> Mapping[str, int] | None:
    boxes = dataset.labels(sample).boxes
    return None if boxes is None else Counter(box.label for box in boxes)
