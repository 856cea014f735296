"""Statistics: from values to a table of means, with the best and second best of every column.

A method is compared on the images every method has a value for; one that failed on an image others managed
is shown with what it has, and is not ranked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fusionbench.ranking.query import StoredCell, current_cells, read_values

if TYPE_CHECKING:
    import pandas as pd

REFERENCE_ORDER = ("none", "clean", "degraded")


@dataclass(frozen=True)
class Column:
    """A metric against a reference."""

    metric: str
    reference: str
    label: str
    direction: str
    rewards_noise: bool

    @property
    def head(self) -> str:
        """Column head with the direction that is better: `VIF clean ↑`."""
        against = "" if self.reference == "none" else f" {self.reference}"
        return f"{self.label}{against} {'↑' if self.direction == 'higher' else '↓'}"


@dataclass(frozen=True)
class Value:
    """One cell of a table."""

    mean: float
    deviation: float
    """Standard deviation over images (of each image's mean over severities)."""
    images: int
    place: int | None = None
    """1 for the best of its column, 2 for the second, None where it is not ranked."""


@dataclass(frozen=True)
class Row:
    """One method."""

    method: str
    title: str
    reference: bool
    """True for a single source shown for orientation: never ranked."""
    failed_images: int
    mean_rank: float | None
    values: Mapping[Column, Value]


@dataclass(frozen=True)
class Table:
    """What one leaderboard shows."""

    dataset: str
    split: str
    degradation: str
    severities: tuple[float, ...]
    seed: int
    images: int
    synthetic: bool
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    failures: tuple[str, ...]
    """`image (methods, severities): reason`, for everything that has no value."""
    stamps: tuple[Mapping[str, Any], ...]
    by_severity: tuple[Table, ...] = field(default=())
    """The same table for each severity, where there are several."""

    @property
    def title(self) -> str:
        """Dataset and condition in a few words."""
        if self.severities == (0.0,):
            return f"{self.dataset}, {self.degradation}"
        return f"{self.dataset}, {self.degradation}, severity {severity_text(self.severities)}"

    @property
    def file_name(self) -> str:
        """Name for its files, without suffix: `m3fd-all-13-haze-1-5`."""
        parts = [self.dataset, self.split, str(self.images), self.degradation]
        if self.severities != (0.0,):
            parts.append(severity_text(self.severities).replace(", ", "_"))
        return re.sub(r"[^\w.@+-]", "_", "-".join(parts))

    def number(self, column: Column, value: Value) -> str:
        """A mean as text, with as many decimals as the largest value of its column deserves."""
        largest = max(abs(row.values[column].mean) for row in self.rows if column in row.values)
        return f"{value.mean:.4f}" if largest < 10 else f"{value.mean:.2f}"


def severity_text(severities: Sequence[float]) -> str:
    """`3`, or `1-5` for a run of levels, or a list."""
    texts = [f"{severity:g}" for severity in severities]
    consecutive = [severities[0] + step for step in range(len(severities))] == list(severities)
    return f"{texts[0]}-{texts[-1]}" if len(texts) > 2 and consecutive else ", ".join(texts)


def make_table(cells: Sequence[StoredCell]) -> Table:
    """Make the table of comparable cells.

    Args:
        cells: Cells of one comparable group, oldest first.

    Raises:
        InputError: If a file of rows is damaged.
    """
    current = current_cells(cells)
    values = read_values(current)
    present = sorted({cell.stamp["severity"] for cell in current})
    parts = tuple(_at_severities(current, values, [severity]) for severity in present)
    if len(parts) == 1:
        return parts[0]
    common = _common_severities(current) or present[:1]
    return replace(_at_severities(current, values, common), by_severity=parts)


def _common_severities(cells: Sequence[StoredCell]) -> list[float]:
    """Severities that every method has: a mean over others would compare different conditions."""
    by_method = _by_method(cells).values()
    return sorted(set.intersection(*({cell.stamp["severity"] for cell in of} for of in by_method)))


def _at_severities(cells: Sequence[StoredCell], values: pd.DataFrame, severities: Sequence[float]) -> Table:
    chosen = [cell for cell in cells if cell.stamp["severity"] in severities]
    return _table(chosen, values[values["severity"].isin(severities)], severities)


def _table(cells: Sequence[StoredCell], values: pd.DataFrame, severities: Sequence[float]) -> Table:
    stamp = cells[-1].stamp
    columns = _columns(cells, values)
    means = _image_means(values)
    rows = [_row(name, of_method, columns, means, values) for name, of_method in _by_method(cells).items()]
    placed = _place(rows, columns)
    return Table(
        dataset=stamp["dataset"],
        split=stamp["split"],
        degradation=stamp["degradation"],
        severities=tuple(severities),
        seed=stamp["seed"],
        images=max(cell.stamp["images"] for cell in cells),
        synthetic=stamp["display"]["synthetic"],
        columns=columns,
        rows=tuple(sorted(placed, key=_order)),
        failures=_failures(values),
        stamps=tuple(cell.stamp for cell in cells),
    )


def _by_method(cells: Sequence[StoredCell]) -> dict[str, list[StoredCell]]:
    grouped: dict[str, list[StoredCell]] = {}
    for cell in cells:
        grouped.setdefault(cell.stamp["method"], []).append(cell)
    return grouped


def _columns(cells: Sequence[StoredCell], values: pd.DataFrame) -> tuple[Column, ...]:
    shown: dict[str, Mapping[str, Any]] = {}
    for cell in cells:
        shown.update(cell.stamp["display"]["metrics"])
    present = set(zip(values["metric"], values["reference"], strict=True))
    return tuple(
        Column(name, reference, card["label"], card["direction"], card["rewards_noise"])
        for reference in REFERENCE_ORDER
        for name, card in shown.items()
        if (name, reference) in present
    )


def _image_means(values: pd.DataFrame) -> pd.DataFrame:
    """Each image's mean over severities; an image that lacks one severity has none."""
    grouped = values.groupby(["metric", "reference", "method", "image"], sort=True)["value"]
    complete = grouped.count() == grouped.size()
    return grouped.mean()[complete].reset_index()


def _row(
    method: str,
    cells: Sequence[StoredCell],
    columns: Sequence[Column],
    means: pd.DataFrame,
    values: pd.DataFrame,
) -> Row:
    own = means[means["method"] == method]
    found: dict[Column, Value] = {}
    for column in columns:
        of_column = own[(own["metric"] == column.metric) & (own["reference"] == column.reference)]["value"]
        if len(of_column):
            found[column] = Value(float(of_column.mean()), float(of_column.std(ddof=0)), len(of_column))
    display = cells[-1].stamp["display"]["method"]
    missing = values[(values["method"] == method) & values["value"].isna()]
    return Row(method, display["title"], display["reference"], missing["image"].nunique(), None, found)


def _place(rows: Sequence[Row], columns: Sequence[Column]) -> list[Row]:
    """Give every ranked method its place in every column, and its mean rank."""
    places: dict[str, dict[Column, int]] = {row.method: {} for row in rows}
    for column in columns:
        most = max((row.values[column].images for row in rows if column in row.values), default=0)
        ranked = [
            r for r in rows if not r.reference and column in r.values and r.values[column].images == most
        ]
        for row in ranked:
            places[row.method][column] = 1 + sum(_better(other, row, column) for other in ranked)
    decisive = _decisive(columns)
    return [_with_places(row, places[row.method], decisive) for row in rows]


def _better(first: Row, second: Row, column: Column) -> bool:
    difference = first.values[column].mean - second.values[column].mean
    return difference > 0 if column.direction == "higher" else difference < 0


def _decisive(columns: Sequence[Column]) -> list[Column]:
    """Columns that order a table: comparisons with the clean pair, since the others reward noise."""
    clean = [column for column in columns if column.reference == "clean"]
    return clean or list(columns)


def _with_places(row: Row, places: Mapping[Column, int], decisive: Sequence[Column]) -> Row:
    ranks = [places[column] for column in decisive if column in places]
    mean_rank = sum(ranks) / len(ranks) if ranks and len(ranks) == len(decisive) else None
    values = {
        column: Value(value.mean, value.deviation, value.images, places.get(column))
        for column, value in row.values.items()
    }
    return Row(row.method, row.title, row.reference, row.failed_images, mean_rank, values)


def _order(row: Row) -> tuple[bool, bool, float, str]:
    return (row.reference, row.mean_rank is None, row.mean_rank or 0.0, row.method)


def _failures(values: pd.DataFrame) -> tuple[str, ...]:
    missing = values[values["value"].isna()]
    everyone = values["method"].nunique()
    listed = []
    for (image, reason), rows in missing.groupby(["image", "reason"], sort=True):
        methods = sorted(rows["method"].unique())
        who = "every method" if len(methods) == everyone else ", ".join(methods)
        levels = sorted(level for level in rows["severity"].unique() if level)
        where = f", severity {severity_text(levels)}" if levels else ""
        listed.append(f"{image} ({who}{where}): {reason}")
    return tuple(listed)
