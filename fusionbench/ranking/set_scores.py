"""Figures of whole sets (mAP) in a table: values, intervals by scene, and differences between methods."""

from __future__ import annotations

import math
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
from fusionbench.ranking.set_records import Failure, Place, read_records, scenes_of
from fusionbench.ranking.table import Column, Row, Value

if TYPE_CHECKING:
    from fusionbench.contracts import SetMetric

SINGLE_IMAGES = frozenset({"visible", "infrared"})
"""A gain is over the better of both."""

GAIN, WORSE, FREQUENT = "gain", "worse", "frequent"
"""Further columns: gain over the better single image, share of severities at which it is a loss, and the mean
over classes that occur in scenes enough."""


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

    plain: tuple[Column, ...]
    """Its figures, the first the one methods are compared by."""
    frequent: tuple[Column, ...]
    """The mean over frequent classes, where there are rare ones: methods are compared by this one then."""
    gain: tuple[Column, ...]
    """Gain over the better single image, and at which share of severities there is none, as far as shown."""
    against: Mapping[str, Column]
    """Difference from a method, by its name."""
    scores: Mapping[Place, SetScores]
    """By method and severity."""
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        """All of them, in order."""
        return (*self.plain, *self.frequent, *self.gain, *self.against.values())

    @property
    def compared(self) -> Column:
        """What methods are compared by."""
        return (*self.frequent, *self.plain)[0]


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
    # Two detectors, or two sets of annotations, never meet in one column: the newest counts.
    newest = _compared_with(having[-1], metric)
    severities = sorted({cell.stamp["severity"] for cell in having})
    chosen = [
        cell
        for cell in [*comparison.rivals, *having]
        if _compared_with(cell, metric) == newest and cell.stamp["severity"] in severities
    ]
    records, failures = read_records(chosen, metric, images)
    scenes = scenes_of(list(records.values()))
    shown: Mapping[str, Any] = card["set"]
    labels: Mapping[str, str] = shown["columns"]
    plugin = cast("type[SetMetric]", registry.load("metric", metric))
    scorer = Scorer(metric, plugin, tuple(labels), scenes, having[-1].store, comparison.scored)
    scores = {place: scorer.scores(of_cell) for place, of_cell in records.items()}
    plain = tuple(
        Column(name, LABELS, label + _covered(shown, name, scores), card["direction"], card["rewards_noise"])
        for name, label in labels.items()
    )
    rare, common = _by_scenes(shown.get("class_figures", ""), scores)
    frequent: tuple[Column, ...] = ()
    if rare and common:
        first = plain[0].metric
        frequent = (_frequent_column(plain[0], labels[first], len(common), _should_cover(shown, first)),)
        scores = {place: _with_frequent(each, frequent[0].metric, common) for place, each in scores.items()}
        plain = tuple(replace(column, rare=True) for column in plain)
    base = (*frequent, *plain)[0]
    both = {cell.stamp["display"]["method"].get("source") for cell in having} >= SINGLE_IMAGES
    runs = max((each.runs for each in scores.values()), default=1)
    count = len(set(scenes.values()))
    there = {method for method, _ in records}
    elsewhere = {cell.stamp["method"] for cell in having} - there - {failure.method for failure in failures}
    rare_notes = set_notes.about_classes(
        rare if count >= FEWEST_SCENES else {},
        [name.partition("/")[2] for name in common],
        labels[plain[0].metric],
    )
    return SetResults(
        plain,
        frequent,
        tuple(_gain_columns(base, len(severities)) if both else ()),
        {name: _against(base, name) for name in comparison.against if name in there},
        scores,
        tuple(failures),
        (
            *shown.get("notes", ()),
            *set_notes.about_intervals(count, set_notes.complete_sets(scores, tuple(labels)), runs),
            *rare_notes,
            set_notes.about_gain(both=both),
            *set_notes.about_rivals(comparison.against, scores, severities),
            *set_notes.about_marks(count, runs, compared=both or bool(comparison.against)),
            *set_notes.about_others(elsewhere, card["label"]),
        ),
    )


def _gain_columns(base: Column, severities: int) -> list[Column]:
    gain = Column(f"{base.metric}_{GAIN}", LABELS, f"Δ{base.label}", base.direction, False, derived=True)
    worse = Column(f"{base.metric}_{WORSE}", LABELS, "worse", "lower", False, derived=True)
    return [gain, worse] if severities > 1 else [gain]


def _against(base: Column, method: str) -> Column:
    name, label = f"{base.metric}-{method}", f"{base.label}−{method}"
    return Column(name, LABELS, label, base.direction, False, derived=True)


def _frequent_column(first: Column, label: str, common: int, every: int) -> Column:
    name = f"{first.metric}_{FREQUENT}"
    return replace(first, metric=name, label=f"{label} {FREQUENT}({common}/{every})")


def _covered(shown: Mapping[str, Any], column: str, scores: Mapping[Place, SetScores]) -> str:
    """`(5/6)` where not every class of the dataset is in the mean: not known, or not in these images."""
    prefix, every = shown.get("class_figures", ""), shown.get("every", 0)
    if not prefix or not scores:
        return ""
    of_column = every[column] if isinstance(every, Mapping) else None
    known = [name.removeprefix(prefix) for name in _classes(prefix, next(iter(scores.values())))]
    counted = sum(of_column is None or name in of_column for name in known)
    total = _should_cover(shown, column)
    return "" if counted == total else f"({counted}/{total})"


def _should_cover(shown: Mapping[str, Any], column: str) -> int:
    """How many classes of the dataset a mean should be over."""
    every = shown["every"]
    return len(every[column]) if isinstance(every, Mapping) else int(every)


def _classes(prefix: str, scores: SetScores) -> list[str]:
    """Names of the figures of classes that have one."""
    return [
        name
        for name, value in scores.figures.items()
        if prefix and name.startswith(prefix) and name in scores.scenes and math.isfinite(value)
    ]


def _by_scenes(prefix: str, scores: Mapping[Place, SetScores]) -> tuple[dict[str, int], list[str]]:
    """Classes in too few scenes with how many, and the figures of all others."""
    fewest: dict[str, int] = {}
    for each in scores.values():
        for name in _classes(prefix, each):
            fewest[name] = min(fewest.get(name, each.known), each.scenes[name])
    rare = {name.removeprefix(prefix): count for name, count in fewest.items() if count < FEWEST_SCENES}
    return rare, [name for name, count in fewest.items() if count >= FEWEST_SCENES]


def _with_frequent(scores: SetScores, name: str, classes: Sequence[str]) -> SetScores:
    """Scores with the mean over some classes, of the whole set and of each drawn one."""
    drawn = {name: np.mean([scores.drawn[each] for each in classes], axis=0)} if scores.drawn else {}
    mean = float(np.mean([scores.figures[each] for each in classes]))
    return replace(
        scores,
        figures={**scores.figures, name: mean},
        drawn={**scores.drawn, **drawn},
        scenes={**scores.scenes, name: min(scores.scenes[each] for each in classes)},
    )


def _compared_with(cell: StoredCell, metric: str) -> tuple[Any, Any]:
    identity = cell.stamp["identity"]
    return identity["metrics"].get(metric), identity.get("labels")


def _at(results: SetResults, method: str, severities: Sequence[float]) -> list[SetScores]:
    """A method's scores at every severity; none at all if it lacks one."""
    own = [results.scores.get((method, severity)) for severity in severities]
    known = [scores for scores in own if scores is not None]
    return known if len(known) == len(severities) else []


def _gains(
    results: SetResults,
    by_method: Mapping[str, Sequence[SetScores]],
    singles: Sequence[str],
    fused: Sequence[str],
) -> dict[str, dict[Column, Value]]:
    """What fusing gains over the better of the single images, which is chosen by its own figure."""
    column = results.compared
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
    return _values(results.against[rival], _from(results.compared, compared_with, others))


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
    values = {column: figures.pop(column.metric) for column in (*results.plain, *results.frequent)}
    for of_column in compared:
        values |= of_column.get(row.method, {})
    values = {column: value for column, value in values.items() if np.isfinite(value.mean)}
    return replace(row, values={**row.values, **values}, figures={**row.figures, **figures})
