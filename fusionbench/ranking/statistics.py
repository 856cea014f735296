"""From values to a table of means, with the best and second best of every column.

A method is ranked in a column if it has a value there for every image that any method has one for; one that
failed on an image others managed is shown with what it has, and is not ranked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fusionbench.ranking.query import StoredCell, current_cells, read_values
from fusionbench.ranking.set_scores import Comparison, SetResults, set_results, with_set_values
from fusionbench.ranking.table import Column, Row, Table, Value, severity_text

if TYPE_CHECKING:
    import pandas as pd

REFERENCE_ORDER = ("none", "clean", "degraded", "clean_output")
"""Of values that are means over images; figures of whole sets come after them."""

NO_COMPARISON = Comparison()


def make_table(cells: Sequence[StoredCell], comparison: Comparison = NO_COMPARISON) -> Table:
    """Make the table of comparable cells.

    Args:
        cells: Cells of one comparable group, oldest first.
        comparison: Which methods others are compared with.

    Raises:
        InputError: If a file of rows is damaged.
    """
    current = current_cells(cells)
    values = read_values(current)
    present = sorted({cell.stamp["severity"] for cell in current})
    parts = tuple(_at_severities(current, values, [severity], comparison) for severity in present)
    if len(parts) == 1:
        return replace(parts[0], by_native=_by_native(current, values, present, comparison))
    common = _common_severities(current) or [_most_common_severity(current)]
    whole = _at_severities(current, values, common, comparison)
    return replace(whole, by_severity=parts, by_native=_by_native(current, values, common, comparison))


def _by_native(
    cells: Sequence[StoredCell], values: pd.DataFrame, severities: Sequence[float], comparison: Comparison
) -> tuple[Table, ...]:
    """A table for each real condition the images were taken in, where there are several."""
    groups: Mapping[str, Sequence[str]] = cells[-1].stamp["display"].get("native", {})
    tables = []
    for native, ids in groups.items():
        of_native = frozenset(ids)
        own = values[values["image"].isin(ids)]
        table = _at_severities(cells, own, severities, comparison, of_native)
        tables.append(replace(table, native=native, images=len(ids)))
    return tuple(tables)


def _common_severities(cells: Sequence[StoredCell]) -> list[float]:
    """Severities that every method has: a mean over others would compare different conditions."""
    by_method = _by_method(cells).values()
    return sorted(set.intersection(*({cell.stamp["severity"] for cell in of} for of in by_method)))


def _most_common_severity(cells: Sequence[StoredCell]) -> float:
    """The severity most methods have, the lowest of several."""
    counts: Counter[float] = Counter(cell.stamp["severity"] for cell in cells)
    return min(counts, key=lambda severity: (-counts[severity], severity))


def _at_severities(
    cells: Sequence[StoredCell],
    values: pd.DataFrame,
    severities: Sequence[float],
    comparison: Comparison,
    images: frozenset[str] | None = None,
) -> Table:
    chosen = [cell for cell in cells if cell.stamp["severity"] in severities]
    found = set_results(chosen, comparison, images)
    kept = values[values["severity"].isin(severities)]
    return _table(chosen, _with_failures(kept, found), severities, found)


def _with_failures(values: pd.DataFrame, found: Sequence[SetResults]) -> pd.DataFrame:
    """Values with the images that metrics of whole sets have no record of."""
    import pandas as pd

    missing = [failure for results in found for failure in results.failures]
    if not missing:
        return values
    joined: pd.DataFrame = pd.concat([values, pd.DataFrame(missing)], ignore_index=True)
    return joined


def _table(
    cells: Sequence[StoredCell], values: pd.DataFrame, severities: Sequence[float], found: list[SetResults]
) -> Table:
    stamp = cells[-1].stamp
    columns = _columns(cells, values)
    means = _image_means(values, len(severities))
    rows = [_row(name, of_method, columns, means, values) for name, of_method in _by_method(cells).items()]
    rows = with_set_values(rows, found, severities)
    columns += tuple(column for results in found for column in results.columns)
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
        notes=tuple(note for results in found for note in results.notes),
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
        Column(
            name,
            reference,
            card["label"],
            card["direction"],
            card["rewards_noise"],
            card.get("won_by", ""),
        )
        for reference in REFERENCE_ORDER
        for name, card in shown.items()
        if (name, reference) in present
    )


def _image_means(values: pd.DataFrame, severities: int) -> pd.DataFrame:
    """Each image's mean over severities; an image that lacks a value at one of them has none."""
    grouped = values.groupby(["metric", "reference", "method", "image"], sort=True)["value"]
    return grouped.mean()[grouped.count() == severities].reset_index()


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
        of_column = own[(own["metric"] == column.metric) & (own["reference"] == column.reference)]
        means_of_images = of_column["value"]
        if len(of_column):
            mean, deviation = float(means_of_images.mean()), float(means_of_images.std(ddof=0))
            found[column] = Value(mean, deviation, frozenset(of_column["image"]))
    display = cells[-1].stamp["display"]["method"]
    missing = values[(values["method"] == method) & values["value"].isna()]
    failed = missing["image"].nunique()
    detail = display.get("detail", "")
    source = display.get("source", "")
    return Row(method, display["title"], display["reference"], failed, None, found, detail, source)


def _place(rows: Sequence[Row], columns: Sequence[Column]) -> list[Row]:
    """Give every ranked method its place in every column, and its mean rank."""
    places: dict[str, dict[Column, int]] = {row.method: {} for row in rows}
    for column in columns:
        having = [row for row in rows if column in row.values and not column.derived]
        every = frozenset().union(*(row.values[column].images for row in having))
        ranked = [row for row in having if not row.reference and row.values[column].images == every]
        if len(ranked) < 2:
            # A place among one says nothing.
            continue
        for row in ranked:
            places[row.method][column] = 1 + sum(_better(other, row, column) for other in ranked)
    placed = {column for of_row in places.values() for column in of_row}
    decisive = _decisive([column for column in columns if column in placed])
    return [_with_places(row, places[row.method], decisive) for row in rows]


def _better(first: Row, second: Row, column: Column) -> bool:
    difference = first.values[column].mean - second.values[column].mean
    return difference > 0 if column.direction == "higher" else difference < 0


def ranking_columns(table: Table) -> list[Column]:
    """Columns the mean rank of a table is over."""
    return _decisive(
        [column for column in table.columns if any(_place_of(row, column) for row in table.rows)]
    )


def _place_of(row: Row, column: Column) -> int | None:
    return row.values[column].place if column in row.values else None


def _decisive(columns: Sequence[Column]) -> list[Column]:
    """Columns that order a table.

    Comparisons with the clean pair, since the others reward noise; of those, the ones that no image wins
    without fusing well, and that no class of few scenes decides.
    """
    fair = [column for column in columns if not (column.won_by or column.rare)] or list(columns)
    clean = [column for column in fair if column.reference == "clean"]
    return clean or fair


def _with_places(row: Row, places: Mapping[Column, int], decisive: Sequence[Column]) -> Row:
    ranks = [places[column] for column in decisive if column in places]
    mean_rank = sum(ranks) / len(ranks) if ranks and len(ranks) == len(decisive) else None
    values = {column: replace(value, place=places.get(column)) for column, value in row.values.items()}
    return replace(row, mean_rank=mean_rank, values=values)


def _order(row: Row) -> tuple[bool, bool, float, str]:
    return (row.reference, row.mean_rank is None, row.mean_rank or 0.0, row.method)


def _failures(values: pd.DataFrame) -> tuple[str, ...]:
    missing = values[values["value"].isna()]
    everyone = values["method"].nunique()
    listed = []
    for (image, reason), rows in missing.groupby(["image", "reason"], sort=True):
        methods = sorted(rows["method"].unique())
        who = "every method" if len(methods) == everyone > 1 else ", ".join(methods)
        levels = sorted(level for level in rows["severity"].unique() if level)
        where = f", severity {severity_text(levels)}" if levels else ""
        listed.append(f"{image} ({who}{where}): {reason}")
    return tuple(listed)
