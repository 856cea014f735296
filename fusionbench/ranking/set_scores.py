"""Figures of whole sets (mAP) in a table: values, intervals by scene, and differences between methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from fusionbench import registry
from fusionbench.errors import InputError
from fusionbench.observing import LABELS
from fusionbench.ranking import set_notes
from fusionbench.ranking.query import StoredCell
from fusionbench.ranking.set_differences import (
    Difference,
    difference,
    distinct,
    mean_value,
    value_of,
)
from fusionbench.ranking.set_draws import FEWEST_SCENES, Scorer, SetScores
from fusionbench.ranking.set_means import Means, means_of
from fusionbench.ranking.set_records import Failure, read_records, scenes_of
from fusionbench.ranking.table import Column, Row, Value

if TYPE_CHECKING:
    from fusionbench.contracts import SetMetric

SINGLE_IMAGES = frozenset({"visible", "infrared"})
"""A gain is over the better of both."""

GAIN, WORSE = "gain", "worse"
"""Further columns: gain over the better single image, and share of severities at which it is a loss."""


def _nothing() -> None:
    """For scores nobody waits for."""


@dataclass(frozen=True)
class Comparison:
    """What tables of whole sets should compare beyond the single images."""

    against: tuple[str, ...] = ()
    """Methods from which every other's difference is a column."""
    rivals: tuple[StoredCell, ...] = ()
    """Cells of such methods that stand in no row."""
    scored: Callable[[], None] = _nothing
    """Called for each cell whose drawn sets had to be scored, which takes a while."""


@dataclass(frozen=True, eq=False)
class SetResults:
    """One metric of whole sets in one table."""

    means: Means
    """Its figures, and which of them methods are compared by."""
    gain: tuple[Column, ...]
    """Gain over the better single image, and at which share of severities there is none, as far as shown."""
    against: Mapping[str, Column]
    """Difference from a method, by its name."""
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        """All of them, in order."""
        return (*self.means.columns, *self.gain, *self.against.values())


def require_rivals(against: Sequence[str], methods: set[str], where: str) -> None:
    """Check that there are methods to compare with, before anything is computed.

    Raises:
        InputError: If one is not there.
    """
    for name in against:
        if name not in methods:
            known = ", ".join(sorted(methods)) or "none with a metric of whole sets (map, miou)"
            raise InputError(f"--against {name}: no such method {where}; there is {known}")


def set_results(
    cells: Sequence[StoredCell], comparison: Comparison, images: frozenset[str] | None = None
) -> list[SetResults]:
    """The metrics of whole sets in comparable cells.

    Args:
        cells: Of one table.
        comparison: What to compare.
        images: Only these; None for all.
    """
    shown: dict[str, Mapping[str, Any]] = {
        name: card
        for cell in cells
        for name, card in cell.stamp["display"]["metrics"].items()
        if "set" in card
    }
    return [_results(name, card, cells, comparison, images) for name, card in shown.items()]


def with_set_values(
    rows: Sequence[Row], found: Sequence[SetResults], severities: Sequence[float]
) -> list[Row]:
    """Rows with the values of metrics of whole sets, as means over severities.

    A method without its figures at one of them has no value.
    """
    for results in found:
        by_method = {row.method: _at(results, row.method, severities) for row in rows}
        singles = [row.method for row in rows if row.source]
        fused = [row.method for row in rows if not row.reference]
        compared = [
            _gains(results, by_method, singles, fused) if results.gain else {},
            *(_differences(results, by_method, name, severities) for name in results.against),
        ]
        rows = [_with_figures(row, results, by_method[row.method], compared) for row in rows]
    return list(rows)


def _results(
    metric: str,
    card: Mapping[str, Any],
    cells: Sequence[StoredCell],
    comparison: Comparison,
    images: frozenset[str] | None,
) -> SetResults:
    having = [cell for cell in cells if metric in cell.stamp["identity"]["metrics"]]
    chosen = _comparable([*comparison.rivals, *having], having, metric)
    records, failures = read_records(chosen, metric, images)
    scenes = scenes_of(list(records.values()))
    shown: Mapping[str, Any] = card["set"]
    plugin = cast("type[SetMetric]", registry.load("metric", metric))
    scorer = Scorer(metric, plugin, tuple(shown["columns"]), scenes, having[-1].store, comparison.scored)
    means = means_of(card, {place: scorer.scores(of_cell) for place, of_cell in records.items()})
    base, count = means.compared, len(set(scenes.values()))
    both = {cell.stamp["display"]["method"].get("source") for cell in having} >= SINGLE_IMAGES
    there = {method for method, _ in records}
    severities = sorted({cell.stamp["severity"] for cell in having})
    elsewhere = {cell.stamp["method"] for cell in having} - there - {failure.method for failure in failures}
    rivals = comparison.against
    return SetResults(
        means,
        tuple(_gain_columns(base, len(severities)) if both else ()),
        {name: _against(base, name) for name in rivals if name in there},
        tuple(failures),
        (
            *shown.get("notes", ()),
            *_notes_on_intervals(means, count),
            set_notes.about_gain(both=both),
            *set_notes.about_rivals(rivals, means.scores, severities),
            *(set_notes.about_marks(count, means.rests_on, means.runs) if both or rivals else ()),
            *set_notes.about_others(elsewhere, card["label"]),
        ),
    )


def _comparable(cells: Sequence[StoredCell], having: Sequence[StoredCell], metric: str) -> list[StoredCell]:
    """Cells under the conditions of the table's own, by the newest one's detector and annotations.

    Two detectors, or two sets of annotations, never meet in one column.
    """
    newest = _compared_with(having[-1], metric)
    severities = {cell.stamp["severity"] for cell in having}
    return [
        cell
        for cell in cells
        if _compared_with(cell, metric) == newest and cell.stamp["severity"] in severities
    ]


def _notes_on_intervals(means: Means, scenes: int) -> list[str]:
    """What to know of the intervals of a table whose images are of so many scenes."""
    names = [column.metric for column in means.plain]
    notes = set_notes.about_intervals(scenes, set_notes.complete_sets(means.scores, names), means.runs)
    if scenes >= FEWEST_SCENES:
        notes += set_notes.about_classes(means.rare, means.common, means.label)
    return notes


def _gain_columns(base: Column, severities: int) -> list[Column]:
    gain = Column(f"{base.metric}_{GAIN}", LABELS, f"Δ{base.label}", base.direction, False, derived=True)
    worse = Column(f"{base.metric}_{WORSE}", LABELS, "worse", "lower", False, derived=True)
    return [gain, worse] if severities > 1 else [gain]


def _against(base: Column, method: str) -> Column:
    name, label = f"{base.metric}-{method}", f"{base.label}−{method}"
    return Column(name, LABELS, label, base.direction, False, derived=True)


def _compared_with(cell: StoredCell, metric: str) -> tuple[Any, Any]:
    identity = cell.stamp["identity"]
    return identity["metrics"].get(metric), identity.get("labels")


def _at(results: SetResults, method: str, severities: Sequence[float]) -> list[SetScores]:
    """A method's scores at every severity; none at all if it lacks one."""
    own = [results.means.scores.get((method, severity)) for severity in severities]
    known = [scores for scores in own if scores is not None]
    return known if len(known) == len(severities) else []


def _gains(
    results: SetResults,
    by_method: Mapping[str, Sequence[SetScores]],
    singles: Sequence[str],
    fused: Sequence[str],
) -> dict[str, dict[Column, Value]]:
    """What fusing gains over the better of the single images, which is chosen by its own figure."""
    column = results.means.compared
    known = [by_method[name] for name in singles if by_method[name]]
    if len(known) < len(SINGLE_IMAGES):
        return {}
    choose = max if column.direction == "higher" else min
    best = [
        choose(rivals, key=lambda each: each.figures[column.metric]) for rivals in zip(*known, strict=True)
    ]
    found = _from(column, best, {name: by_method[name] for name in fused})
    gain, *worse = results.gain
    values = _values(gain, found)
    for name, each in found.items():
        values[name] |= dict.fromkeys(worse, Value(each.lost, 0.0, each.images))
    return values


def _differences(
    results: SetResults,
    by_method: Mapping[str, Sequence[SetScores]],
    rival: str,
    severities: Sequence[float],
) -> dict[str, dict[Column, Value]]:
    compared_with = _at(results, rival, severities)
    if not compared_with:
        return {}
    others = {name: own for name, own in by_method.items() if name != rival}
    return _values(results.against[rival], _from(results.means.compared, compared_with, others))


def _from(
    column: Column, rivals: Sequence[SetScores], methods: Mapping[str, Sequence[SetScores]]
) -> dict[str, Difference]:
    found = {
        name: difference(own, rivals, column.metric, column.direction) for name, own in methods.items() if own
    }
    return {name: each for name, each in found.items() if each is not None}


def _values(column: Column, found: Mapping[str, Difference]) -> dict[str, dict[Column, Value]]:
    told = distinct(found)
    return {
        name: {
            column: replace(value_of(each.mean, each.drawn, each.images, each.scenes), distinct=name in told)
        }
        for name, each in found.items()
    }


def _with_figures(
    row: Row,
    results: SetResults,
    own: Sequence[SetScores],
    compared: Sequence[Mapping[str, Mapping[Column, Value]]],
) -> Row:
    if not own:
        return row
    # A seed may have been added between two severities.
    shared = set.intersection(*(set(scores.figures) for scores in own))
    figures = {name: mean_value(name, own) for name in own[0].figures if name in shared}
    values = {column: figures.pop(column.metric) for column in results.means.columns}
    for of_column in compared:
        values |= of_column.get(row.method, {})
    values = {column: value for column, value in values.items() if np.isfinite(value.mean)}
    return replace(row, values={**row.values, **values}, figures={**row.figures, **figures})
