"""Records of whole sets (mAP) as cells hold them, the scenes they are of, and the images that have none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fusionbench.datasets.near_duplicates import groups_of
from fusionbench.observing import LABELS, read_hashes
from fusionbench.ranking.query import StoredCell


class Failure(NamedTuple):
    """An image without a record, as a row beside the values of metrics of images."""

    method: str
    severity: float
    image: str
    metric: str
    reference: str
    value: float
    reason: str


class Kept(NamedTuple):
    """What is kept of one image."""

    text: str
    """Its records by run, as `observing.read_record` reads them."""
    hashes: tuple[int, int]
    """Of the visible and the infrared image."""


@dataclass(frozen=True)
class CellRecords:
    """The records of one method at one severity."""

    by_image: Mapping[str, Kept]
    made_of: tuple[str, ...]
    """SHA-256 of the files they were read from."""


Place = tuple[str, float]
"""Method and severity."""


def read_records(
    cells: Sequence[StoredCell], metric: str, images: frozenset[str] | None = None
) -> tuple[dict[Place, CellRecords], list[Failure]]:
    """Records by method and severity, and the images that have none; a record wins over a failure.

    Args:
        cells: Of one table, oldest first.
        metric: Whose records.
        images: Only these; None for all.
    """
    import pyarrow.parquet

    records: dict[Place, dict[str, Kept]] = {}
    failures: dict[tuple[Place, str], Failure] = {}
    for cell in cells:
        place = _place(cell)
        rows = pyarrow.parquet.read_table(cell.rows, filters=[("metric", "=", metric)])
        for row in rows.to_pylist():
            image = row["image"]
            if images is not None and image not in images:
                continue
            if row.get("record"):
                records.setdefault(place, {})[image] = Kept(row["record"], read_hashes(row["record"]))
            else:
                failures[place, image] = Failure(*place, image, metric, LABELS, math.nan, row["reason"])
    left = [each for (place, image), each in failures.items() if image not in records.get(place, {})]
    return {place: CellRecords(kept, _files(cells, place)) for place, kept in records.items()}, left


def scenes_of(records: Sequence[CellRecords]) -> dict[str, int]:
    """Which scene each image is of: images that look alike are of one."""
    hashes = {image: kept.hashes for of_cell in records for image, kept in of_cell.by_image.items()}
    ids = sorted(hashes)
    groups = groups_of(ids, [hashes[image][0] for image in ids], [hashes[image][1] for image in ids])
    return dict(zip(ids, groups, strict=True))


def _place(cell: StoredCell) -> Place:
    return cell.stamp["method"], cell.stamp["severity"]


def _files(cells: Sequence[StoredCell], place: Place) -> tuple[str, ...]:
    return tuple(str(cell.stamp["rows_sha256"]) for cell in cells if _place(cell) == place)
