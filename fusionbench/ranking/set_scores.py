"""Figures of whole sets (mAP) in a table: values, intervals by scene, and differences between methods."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from fusionbench import registry
from fusionbench.errors import InputError
from fusionbench.observing import LABELS
from fusionbench.ranking.query import StoredCell
from fusionbench.ranking.set_differences import Difference, difference, distinct, value_of
from fusionbench.ranking.set_draws import DRAWS, FEWEST_SCENES, Scorer, SetScores
from fusionbench.ranking.set_records import Failure, Place, read_records, scenes_of
from fusionbench.ranking.table import Column, Row, Table, Value

if TYPE_CHECKING:
    from fusionbench.contracts import SetMetric

SINGLE_IMAGES = frozenset({"visible", "infrared"})
"""A gain is over the better of both."""

FEW_SCENES = 20
"""Below, intervals by drawing are known to be too narrow."""

FEW_SCENES_OF_A_CLASS = 5
"""Below, the figure of a class rests on next to nothing."""

GAIN, WORSE = "gain", "worse"
"""Derived columns: gain over the better single image, and share of severities at which it is a loss."""


def _nothing() -> None:
    """For scores nobody waits for."""


@dataclass(frozen=True)
class Comparison:
    """What tables of whole sets should compare beyond the single images."""

    against: tuple[str, ...] = ()
    """Methods from which every other's difference is a column."""
    scored: Callable[[], None] = _nothing
    """Called for each cell whose drawn sets had to be scored, which takes a while."""


def require_rivals(tables: Iterable[Table], against: Sequence[str]) -> None:
    """Check that each method others are to be compared with stands in a table with a figure of a whole set.

    Raises:
        InputError: If one does not.
    """
    compared = {
        row.method
        for table in tables
        for row in table.rows
        if any(column.reference == LABELS for column in row.values)
    }
    for name in against:
        if name not in compared:
            known = ", ".join(sorted(compared)) or "no method: ask for --metric map or miou"
            raise InputError(
                f"--against {name}: stands in no table with a figure of a whole set; there is {known}"
            )


@dataclass(frozen=True, eq=False)
class SetResults:
    """One metric of whole sets in one table."""

    plain: tuple[Column, ...]
    """Its figures."""
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
        return (*self.plain, *self.gain, *self.against.values())


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
        values = _gains(results, by_method, singles, fused) if results.gain else {}
        compared = [values, *(_differences(results, by_method, name) for name in results.against)]
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
    chosen = [cell for cell in having if _compared_with(cell, metric) == newest]
    records, failures = read_records(chosen, metric, images)
    scenes = scenes_of(list(records.values()))
    labels: Mapping[str, str] = card["set"]["columns"]
    plugin = cast("type[SetMetric]", registry.load("metric", metric))
    scorer = Scorer(metric, plugin, tuple(labels), scenes, having[-1].store, comparison.scored)
    scores = {place: scorer.scores(of_cell) for place, of_cell in records.items()}
    covered = _covered(card["set"], scores)
    plain = tuple(
        Column(name, LABELS, f"{label}{covered}", card["direction"], card["rewards_noise"])
        for name, label in labels.items()
    )
    both = {cell.stamp["display"]["method"].get("source") for cell in chosen} >= SINGLE_IMAGES
    there = {method for method, _ in records}
    elsewhere = {cell.stamp["method"] for cell in having} - there - {failure.method for failure in failures}
    return SetResults(
        plain,
        tuple(_gain_columns(plain[0], len({severity for _, severity in scores})) if both else ()),
        {name: _against(plain[0], name) for name in comparison.against if name in there},
        scores,
        tuple(failures),
        (
            *card["set"].get("notes", ()),
            _about_intervals(len(set(scenes.values())), _drawn_whole(scores, tuple(labels))),
            *_about_classes(scores),
            _about_gain(both=both),
            *_about_marks([name for name in comparison.against if name in there], both=both),
            *_about_others(elsewhere, card["label"]),
        ),
    )


def _gain_columns(first: Column, severities: int) -> list[Column]:
    gain = Column(f"{first.metric}_{GAIN}", LABELS, f"Δ{first.label}", first.direction, False, derived=True)
    worse = Column(f"{first.metric}_{WORSE}", LABELS, "worse", "lower", False, derived=True)
    return [gain, worse] if severities > 1 else [gain]


def _against(first: Column, method: str) -> Column:
    return Column(
        f"{first.metric}-{method}", LABELS, f"{first.label}−{method}", first.direction, False, derived=True
    )


def _covered(shown: Mapping[str, Any], scores: Mapping[Place, SetScores]) -> str:
    """`(5/6)` where not every class of the dataset is in the mean: not known, or not in these images."""
    prefix, every = shown.get("class_figures", ""), shown.get("every", 0)
    if not prefix or not scores:
        return ""
    figures = next(iter(scores.values())).figures
    counted = sum(
        name.startswith(prefix) and " " not in name and bool(np.isfinite(figures[name])) for name in figures
    )
    return "" if counted == every else f"({counted}/{every})"


def _about_gain(*, both: bool) -> str:
    if not both:
        return "No Δ: it needs the rows of the visible and the infrared image alone."
    return (
        "Δ is the gain over the better of the visible and the infrared image alone, `worse` the share of "
        "severities at which fusing loses."
    )


def _about_marks(against: Sequence[str], *, both: bool) -> list[str]:
    of_methods = [f"−{' and −'.join(against)}: the difference from that method."] if against else []
    if not against and not both:
        return []
    return [*of_methods, "* differs from zero even when all rows of its column are judged at once."]


def _about_others(methods: set[str], label: str) -> list[str]:
    if not methods:
        return []
    names = ", ".join(sorted(methods))
    return [f"{names}: {label} in the store is by other weights or annotations, and left out here."]


def _drawn_whole(scores: Mapping[Place, SetScores], columns: Sequence[str]) -> int:
    """How many drawn sets have every class; of the method and severity with the fewest."""
    counts = [
        int(np.isfinite(each.drawn[name]).sum())
        for each in scores.values()
        for name in columns
        if name in each.drawn
    ]
    return min(counts, default=0)


def _about_intervals(scenes: int, whole: int) -> str:
    if scenes < FEWEST_SCENES:
        return "All images are of one scene: there are no intervals."
    some = f" {whole} of the sets have every class; the others are left out." if whole < DRAWS else ""
    few = " **So few scenes tell little.**" if scenes < FEW_SCENES else ""
    return (
        f"Intervals hold 95 of 100 of {DRAWS} sets drawn scene by scene, the same for every method, from "
        f"{scenes} scenes (images that look alike are of one).{some}{few}"
    )


def _about_classes(scores: Mapping[Place, SetScores]) -> list[str]:
    """Classes that occur in too few scenes for their figures to mean much."""
    for found in scores.values():
        rare = {
            name.partition("/")[2]: count
            for name, count in found.scenes.items()
            if 0 < count < FEW_SCENES_OF_A_CLASS
        }
        if rare:
            listed = ", ".join(f"{name} ({count})" for name, count in rare.items())
            return [f"In fewer than {FEW_SCENES_OF_A_CLASS} scenes, and so of little weight: {listed}."]
    return []


def _compared_with(cell: StoredCell, metric: str) -> tuple[Any, Any]:
    identity = cell.stamp["identity"]
    return identity["metrics"][metric], identity.get("labels")


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
    first = results.plain[0]
    known = [by_method[name] for name in singles if by_method[name]]
    if len(known) < len(SINGLE_IMAGES):
        return {}
    choose = max if first.direction == "higher" else min
    best = [
        choose(rivals, key=lambda each: each.figures[first.metric]) for rivals in zip(*known, strict=True)
    ]
    found = _from(first, best, {name: by_method[name] for name in fused})
    gain, *worse = results.gain
    values = _values(gain, found)
    for name, each in found.items():
        values[name] |= dict.fromkeys(worse, Value(each.lost, 0.0, each.images))
    return values


def _differences(
    results: SetResults, by_method: Mapping[str, Sequence[SetScores]], rival: str
) -> dict[str, dict[Column, Value]]:
    if not by_method.get(rival):
        return {}
    others = {name: own for name, own in by_method.items() if name != rival}
    return _values(results.against[rival], _from(results.plain[0], by_method[rival], others))


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
        name: {column: replace(value_of(each.mean, each.drawn, each.images), distinct=name in told)}
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
    figures = {name: _mean(name, own) for name in own[0].figures if name in shared}
    plain = {column: figures.pop(column.metric) for column in results.plain}
    values = {column: value for column, value in plain.items() if np.isfinite(value.mean)}
    for of_column in compared:
        values |= {
            column: value
            for column, value in of_column.get(row.method, {}).items()
            if np.isfinite(value.mean)
        }
    return replace(row, values={**row.values, **values}, figures={**row.figures, **figures})


def _mean(name: str, own: Sequence[SetScores]) -> Value:
    drawn = [scores.drawn[name] for scores in own if name in scores.drawn]
    return value_of(
        float(np.mean([scores.figures[name] for scores in own])),
        np.mean(drawn, axis=0) if drawn else np.array([]),
        frozenset.intersection(*(scores.images for scores in own)),
    )
