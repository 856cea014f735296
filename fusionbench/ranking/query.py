"""Read a store: which cells may stand in one table, and the mean of every metric in them.

Two cells are comparable when they share the dataset's samples, the degradation's code and seed, and the
version of the harness; only comparable cells meet in a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusionbench.errors import InputError
from fusionbench.evaluation.provenance import content_hash
from fusionbench.evaluation.store import read_stamp

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class StoredCell:
    """A finished cell as found on disk."""

    rows: Path
    stamp: Mapping[str, Any]
    modified: float
    """When it was written, to tell which of two is newer."""

    @property
    def group(self) -> str:
        """Hash of what comparable cells share."""
        identity = self.stamp["identity"]
        condition = identity["condition"]
        shared = [identity["pipeline"], identity["dataset"], self.stamp["degradation"], condition["code"]]
        return content_hash([*shared, condition["seed"]])

    @property
    def method_identity(self) -> str:
        """Hash of the method's code and weights."""
        return content_hash(self.stamp["identity"]["method"])


def find_cells(results: Path) -> list[StoredCell]:
    """All finished cells of a store, oldest first.

    Raises:
        InputError: If there are none.
    """
    cells = []
    for path in sorted(results.glob("*/*/*.json")):
        stamp, rows = read_stamp(path), path.with_suffix(".parquet")
        if stamp is not None and rows.is_file():
            cells.append(StoredCell(rows, stamp, path.stat().st_mtime))
    if not cells:
        raise InputError(
            f"{results}: holds no results; run `fusionbench eval` first, or name the store with --results"
        )
    return sorted(cells, key=lambda cell: (cell.modified, cell.stamp["key"]))


def comparable_groups(cells: Iterable[StoredCell]) -> list[list[StoredCell]]:
    """Split cells into groups that may stand in one table, by dataset and degradation, newest group last."""
    groups: dict[str, list[StoredCell]] = {}
    for cell in cells:
        groups.setdefault(cell.group, []).append(cell)
    return sorted(
        groups.values(), key=lambda g: (g[0].stamp["dataset"], g[0].stamp["degradation"], g[-1].modified)
    )


def current_cells(cells: Sequence[StoredCell]) -> list[StoredCell]:
    """Leave out cells of a method whose code or weights have changed since."""
    newest: dict[str, str] = {cell.stamp["method"]: cell.method_identity for cell in cells}
    return [cell for cell in cells if newest[cell.stamp["method"]] == cell.method_identity]


def read_values(cells: Sequence[StoredCell]) -> pd.DataFrame:
    """Every value of the given cells, one row an image, metric and reference.

    Returns:
        Columns severity, method, image, metric, reference, value (NaN where there is none), reason. Where
        several cells hold the same value, it appears once.

    Raises:
        InputError: If a file of rows is damaged.
    """
    import duckdb

    files = {str(cell.rows): cell for cell in cells}
    with duckdb.connect() as connection:
        try:
            rows: pd.DataFrame = connection.execute(
                "SELECT filename, image, metric, reference, value, reason "
                "FROM read_parquet(?, filename = true)",
                [list(files)],
            ).df()
        except duckdb.Error as error:
            raise InputError(
                f"{_first_damaged(files)}: is damaged; delete it and run the evaluation again"
            ) from error
    rows["method"] = [files[name].stamp["method"] for name in rows["filename"]]
    rows["severity"] = [files[name].stamp["severity"] for name in rows["filename"]]
    identifying = ["severity", "method", "image", "metric", "reference"]
    unique: pd.DataFrame = rows.drop(columns="filename").drop_duplicates(
        identifying, keep="last", ignore_index=True
    )
    return unique


def _first_damaged(files: Iterable[str]) -> str:
    import pyarrow.parquet

    for name in files:
        try:
            pyarrow.parquet.read_metadata(name)
        except (OSError, ValueError):
            return name
    return "a file of results"
