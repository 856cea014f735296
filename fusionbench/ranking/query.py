"""Read a store: which cells may stand in one table, and the mean of every metric in them.

Two cells are comparable when they share the dataset's samples, the degradation's code, levels and seed, the
profile of the metrics and the version of the harness; only comparable cells meet in a table.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusionbench.errors import InputError
from fusionbench.evaluation.provenance import content_hash, file_hash
from fusionbench.evaluation.store import read_stamp

if TYPE_CHECKING:
    import pandas as pd


logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoredCell:
    """A finished cell as found on disk."""

    rows: Path
    stamp: Mapping[str, Any]

    @property
    def finished(self) -> str:
        """When it was computed (ISO 8601), to tell which of two is newer, wherever the files were copied."""
        return str(self.stamp["finished"])

    @property
    def group(self) -> str:
        """Hash of what comparable cells share."""
        identity = self.stamp["identity"]
        condition = identity["condition"]
        shared = [identity["pipeline"], identity["dataset"], self.stamp["degradation"], condition["code"]]
        # Two conventions never meet in one table.
        profile = [identity["profile"]] if "profile" in identity else []
        return content_hash([*shared, condition["seed"], condition.get("levels"), *profile])

    @property
    def store(self) -> Path:
        """Folder of the store."""
        return self.rows.parents[2]

    @property
    def has_set_metric(self) -> bool:
        """Whether it holds records of a metric of whole sets."""
        return any("set" in card for card in self.stamp["display"]["metrics"].values())

    @property
    def method_identity(self) -> str:
        """Hash of the method's code and weights."""
        return content_hash(self.stamp["identity"]["method"])


def find_cells(results: Path, folders: Sequence[Path] | None = None) -> list[StoredCell]:
    """Finished cells of a store, oldest first.

    Args:
        results: Folder of the store.
        folders: Look only in these of its folders; None looks in all.

    Raises:
        InputError: If there are none. One that is damaged is left out, with a warning in the log.
    """
    stamps = results.glob("*/*/*.json") if folders is None else (p for f in folders for p in f.glob("*.json"))
    cells = []
    for path in sorted(stamps):
        stamp, rows = read_stamp(path), path.with_suffix(".parquet")
        if stamp is None or not rows.is_file():
            continue
        if file_hash(rows) != stamp["rows_sha256"]:
            logger.warning("%s: is damaged and left out; run its evaluation again", rows)
            continue
        cells.append(StoredCell(rows, stamp))
    if not cells:
        raise InputError(
            f"{results}: holds no results; run `fusionbench eval` first, or name the store with --results"
        )
    return sorted(cells, key=lambda cell: (cell.finished, cell.stamp["key"]))


def groups_in_order(cells: Iterable[StoredCell]) -> list[list[StoredCell]]:
    """Split cells into groups that may stand in one table, in the order of their first cells."""
    groups: dict[str, list[StoredCell]] = {}
    for cell in cells:
        groups.setdefault(cell.group, []).append(cell)
    return list(groups.values())


def comparable_groups(cells: Iterable[StoredCell]) -> list[list[StoredCell]]:
    """Split cells into groups that may stand in one table, by dataset and degradation, newest group last."""
    return sorted(
        groups_in_order(cells),
        key=lambda g: (g[0].stamp["dataset"], g[0].stamp["degradation"], g[-1].finished),
    )


def current_cells(cells: Sequence[StoredCell]) -> list[StoredCell]:
    """Leave out cells of a method whose code, weights or fused images have changed since."""
    newest = {_made_as_one(cell): cell.method_identity for cell in cells}
    return [cell for cell in cells if newest[_made_as_one(cell)] == cell.method_identity]


def _made_as_one(cell: StoredCell) -> tuple[str, float | None]:
    """What has one identity: a method, or the folder of images that was fused elsewhere for one severity."""
    scored = cell.stamp["display"]["method"].get("scored", False)
    return cell.stamp["method"], cell.stamp["severity"] if scored else None


def read_values(cells: Sequence[StoredCell]) -> pd.DataFrame:
    """Every value of the given cells, one row an image, metric and reference.

    Args:
        cells: Cells of one comparable group, oldest first.

    Returns:
        Columns severity, method, image, metric, reference, value (NaN where there is none), reason. Where
        several cells hold the same value, it appears once; values of a metric whose code or version is not
        that of the newest cell are left out, since two definitions never meet in one column.
    """
    import duckdb

    files = {str(cell.rows): cell for cell in cells}
    newest = {name: identity for cell in cells for name, identity in _metrics(cell).items()}
    with duckdb.connect() as connection:
        rows: pd.DataFrame = connection.execute(
            # Metrics of whole sets have records in place of values: see `set_scores`.
            "SELECT filename, image, metric, reference, value, reason "
            "FROM read_parquet(?, filename = true, union_by_name = true) WHERE reference <> 'labels'",
            [list(files)],
        ).df()
    found = [files[name] for name in rows["filename"]]
    rows["method"] = [cell.stamp["method"] for cell in found]
    rows["severity"] = [cell.stamp["severity"] for cell in found]
    metrics = list(rows["metric"])
    current = [_metrics(cell)[name] == newest[name] for cell, name in zip(found, metrics, strict=True)]
    rows["failed"] = rows["value"].isna()
    identifying = ["severity", "method", "image", "metric", "reference"]
    # A value wins over a failure, and what was measured later over what was measured earlier: they differ
    # only where other images of the clean pairs were given.
    unique: pd.DataFrame = (
        rows.loc[current]
        .iloc[::-1]
        .sort_values("failed", kind="stable")
        .drop_duplicates(identifying, ignore_index=True)
        .drop(columns=["filename", "failed"])
    )
    return unique


def _metrics(cell: StoredCell) -> Mapping[str, Any]:
    metrics: Mapping[str, Any] = cell.stamp["identity"]["metrics"]
    return metrics
