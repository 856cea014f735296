"""Figures of whole sets (mAP) in a table: values, intervals by scene, and what fusing gains over one camera.

Images of one scene are no independent witnesses: drawing images instead of scenes calls 45 of 100 differences
that are none significant where 5 are promised. So sets are drawn scene by scene, the same for every method;
scenes are found by the hashes kept with each image (`datasets.near_duplicates`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from fusionbench import registry
from fusionbench.datasets.near_duplicates import groups_of
from fusionbench.observing import LABELS, read_record
from fusionbench.ranking.query import StoredCell
from fusionbench.ranking.table import Column, Row, Value

if TYPE_CHECKING:
    from fusionbench.contracts import Record, SetMetric, SetSummary

DRAWS = 1000
"""Sets drawn for an interval."""

CONFIDENCE = 0.95

SINGLE_IMAGES = frozenset({"visible", "infrared"})
"""A gain is over the better of both."""

FEWEST_SCENES = 2
"""Below, there is nothing to draw from."""

FEW_SCENES = 20
"""Below, intervals by drawing are known to be too narrow."""

GAIN, WORSE = "gain", "worse"
"""Derived columns: gain over the better single image, and share of severities at which it is a loss."""

Scores = Mapping[str, float]


@dataclass(frozen=True, eq=False)
class SetScores:
    """The figures of one method under one condition, with those of drawn sets."""

    images: frozenset[str]
    figures: Scores
    drawn: NDArray[np.float64]
    """`(columns, draws)`; no draws where there are too few scenes."""


class Failure(NamedTuple):
    """An image without a record, as a row beside the values of metrics of images."""

    method: str
    severity: float
    image: str
    metric: str
    reference: str
    value: float
    reason: str


@dataclass(frozen=True, eq=False)
class SetResults:
    """One metric of whole sets in one table."""

    columns: tuple[Column, ...]
    scores: Mapping[tuple[str, float], SetScores]
    """By method and severity."""
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]


_computed: dict[tuple[tuple[str, ...], tuple[str, ...], tuple[int, ...]], SetScores] = {}
"""Scores in this process, by metric and files, images and their scenes: several tables show one cell."""


def set_results(cells: Sequence[StoredCell], images: frozenset[str] | None = None) -> list[SetResults]:
    """The metrics of whole sets in comparable cells.

    Args:
        cells: Of one table.
        images: Only these; None for all.
    """
    shown: dict[str, Mapping[str, Any]] = {
        name: card
        for cell in cells
        for name, card in cell.stamp["display"]["metrics"].items()
        if "set" in card
    }
    return [_results(name, card, cells, images) for name, card in shown.items()]


def with_set_values(
    rows: Sequence[Row], found: Sequence[SetResults], severities: Sequence[float]
) -> list[Row]:
    """Rows with the values of metrics of whole sets, as means over severities.

    A method without its figures at one of them has no value.
    """
    for results in found:
        singles = [row.method for row in rows if row.source]
        rows = [_with_results(row, results, severities, singles) for row in rows]
    return list(rows)


def _results(
    metric: str, card: Mapping[str, Any], cells: Sequence[StoredCell], images: frozenset[str] | None
) -> SetResults:
    having = [cell for cell in cells if metric in cell.stamp["identity"]["metrics"]]
    # Two detectors, or two sets of annotations, never meet in one column: the newest counts.
    newest = _compared_with(having[-1], metric)
    chosen = [cell for cell in having if _compared_with(cell, metric) == newest]
    records, failures = _records(chosen, metric, images)
    scenes = _scenes(list(records.values()))
    labels: Mapping[str, str] = card["set"]["columns"]
    plugin = cast("type[SetMetric]", registry.load("metric", metric))
    scores = {
        key: _scored((metric, *_made_of(chosen, key)), plugin, kept, scenes, tuple(labels))
        for key, kept in records.items()
    }
    covered = _covered(card["set"], scores)
    columns = [
        Column(name, LABELS, f"{label}{covered}", card["direction"], card["rewards_noise"])
        for name, label in labels.items()
    ]
    both = {cell.stamp["display"]["method"].get("source") for cell in chosen} >= SINGLE_IMAGES
    if both:
        columns += _derived(columns[0], len({severity for _, severity in scores}))
    elsewhere = {cell.stamp["method"] for cell in having} - {method for method, _ in records}
    elsewhere -= {failure[0] for failure in failures}
    return SetResults(
        tuple(columns),
        scores,
        tuple(failures),
        (
            *card["set"].get("notes", ()),
            _about_intervals(len(set(scenes.values()))),
            _about_gain(both=both),
            *_about_others(elsewhere, card["label"]),
        ),
    )


def _made_of(cells: Sequence[StoredCell], key: tuple[str, float]) -> tuple[str, ...]:
    """What the records of a method at a severity came from."""
    own = [cell for cell in cells if (cell.stamp["method"], cell.stamp["severity"]) == key]
    return tuple(str(cell.stamp["rows_sha256"]) for cell in own)


def _derived(first: Column, severities: int) -> list[Column]:
    gain = Column(f"{first.metric}_{GAIN}", LABELS, f"Δ{first.label}", first.direction, False, derived=True)
    worse = Column(f"{first.metric}_{WORSE}", LABELS, "worse", "lower", False, derived=True)
    return [gain, worse] if severities > 1 else [gain]


def _covered(shown: Mapping[str, Any], scores: Mapping[tuple[str, float], SetScores]) -> str:
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


def _about_others(methods: set[str], label: str) -> list[str]:
    if not methods:
        return []
    names = ", ".join(sorted(methods))
    return [f"{names}: {label} in the store is by other weights or annotations, and left out here."]


def _about_intervals(scenes: int) -> str:
    if scenes < FEWEST_SCENES:
        return "All images are of one scene: there are no intervals."
    few = " **So few scenes tell little.**" if scenes < FEW_SCENES else ""
    return (
        f"Intervals hold 95 of 100 of {DRAWS} sets drawn scene by scene, the same for every method, from "
        f"{scenes} scenes (images that look alike are of one); sets without an object of some class are left "
        f"out.{few}"
    )


def _compared_with(cell: StoredCell, metric: str) -> tuple[Any, Any]:
    identity = cell.stamp["identity"]
    return identity["metrics"][metric], identity.get("labels")


_Kept = dict[str, tuple[Mapping[str, "Record"], tuple[int, int]]]
"""Records by run and hashes of the pair, by image."""


def _records(
    cells: Sequence[StoredCell], metric: str, images: frozenset[str] | None
) -> tuple[dict[tuple[str, float], _Kept], list[Failure]]:
    """Records by method and severity, and the images that have none; a record wins over a failure."""
    import pyarrow.parquet

    records: dict[tuple[str, float], _Kept] = {}
    failures: dict[tuple[str, float, str], Failure] = {}
    for cell in cells:
        key = cell.stamp["method"], cell.stamp["severity"]
        for row in pyarrow.parquet.read_table(cell.rows).to_pylist():
            image = row["image"]
            if row["metric"] != metric or (images is not None and image not in images):
                continue
            if row.get("record"):
                records.setdefault(key, {})[image] = read_record(row["record"])
            else:
                failures[(key[0], key[1], image)] = Failure(
                    *key, image, metric, LABELS, math.nan, row["reason"]
                )
    left = [
        each for each in failures.values() if each.image not in records.get((each.method, each.severity), {})
    ]
    return records, left


def _scenes(records: Sequence[_Kept]) -> dict[str, int]:
    """Which scene each image is of."""
    hashes = {image: kept[1] for of_cell in records for image, kept in of_cell.items()}
    ids = sorted(hashes)
    groups = groups_of(ids, [hashes[image][0] for image in ids], [hashes[image][1] for image in ids])
    return dict(zip(ids, groups, strict=True))


def _scored(
    source: tuple[str, ...],
    plugin: type[SetMetric],
    records: _Kept,
    scenes: Mapping[str, int],
    columns: tuple[str, ...],
) -> SetScores:
    ids = tuple(sorted(records))
    key = (source, ids, tuple(scenes[image] for image in ids))
    if key not in _computed:
        runs = sorted({run for image in ids for run in records[image][0]})
        summaries = [plugin.summarise([records[image][0][run] for image in ids]) for run in runs]
        by_run = [summary.scores() for summary in summaries]
        figures = {name: float(np.mean([scores[name] for scores in by_run])) for name in by_run[0]}
        drawn = _drawn(summaries, _drawn_counts(ids, scenes), columns, by_run[0])
        if len(runs) > 1:
            figures |= {
                f"{name} {run}": scores[name]
                for name in columns
                for run, scores in zip(runs, by_run, strict=True)
            }
        _computed[key] = SetScores(frozenset(ids), figures, drawn)
    return _computed[key]


def _drawn(
    summaries: Sequence[SetSummary],
    counts: Sequence[NDArray[np.int64]],
    columns: Sequence[str],
    whole: Scores,
) -> NDArray[np.float64]:
    """Figures of drawn sets, each the mean over runs that are drawn as well: `(columns, draws)`.

    A set that lacks a class the whole set has is one of another quantity, and NaN.
    """
    classes = [name for name in whole if "/" in name and math.isfinite(whole[name])]
    generator = np.random.default_rng(1)
    shares = np.full(len(summaries), 1.0 / len(summaries))
    values = np.empty((len(columns), len(counts)))
    for place, (images, times) in enumerate(
        zip(counts, generator.multinomial(len(summaries), shares, size=len(counts)), strict=True)
    ):
        picked = [(summaries[int(run)].scores(images), times[run]) for run in np.flatnonzero(times)]
        lacking = any(math.isnan(picked[0][0][name]) for name in classes)
        for row, name in enumerate(columns):
            mean = sum(scores[name] * often for scores, often in picked) / len(summaries)
            values[row, place] = math.nan if lacking else mean
    return values


def _drawn_counts(ids: Sequence[str], scenes: Mapping[str, int]) -> list[NDArray[np.int64]]:
    """How often each image is in each drawn set: as often as its scene was drawn."""
    known = sorted(set(scenes.values()))
    if len(known) < FEWEST_SCENES:
        return []
    generator = np.random.default_rng(0)
    places = np.array([known.index(scenes[image]) for image in ids])
    draws = generator.multinomial(len(known), np.full(len(known), 1.0 / len(known)), size=DRAWS)
    return [np.ascontiguousarray(counts[places]) for counts in draws.astype(np.int64)]


def _with_results(row: Row, results: SetResults, severities: Sequence[float], singles: Sequence[str]) -> Row:
    own = [results.scores.get((row.method, severity)) for severity in severities]
    known = [scores for scores in own if scores is not None]
    if len(known) < len(severities):
        return row
    plain = [column for column in results.columns if not column.derived]
    images = frozenset.intersection(*(scores.images for scores in known))
    values = {
        column: _value(
            float(np.mean([scores.figures[column.metric] for scores in known])),
            np.mean([scores.drawn[place] for scores in known], axis=0) if known[0].drawn.size else None,
            images,
        )
        for place, column in enumerate(plain)
    }
    if not row.reference:
        values |= _gain(known, results, severities, singles, images)
    # A seed may have been added between two severities.
    shared = set.intersection(*(set(scores.figures) for scores in known))
    further = {
        name: float(np.mean([scores.figures[name] for scores in known]))
        for name in known[0].figures
        if name in shared and name not in {column.metric for column in plain}
    }
    values = {column: value for column, value in values.items() if np.isfinite(value.mean)}
    return replace(row, values={**row.values, **values}, figures={**row.figures, **further})


def _gain(
    own: Sequence[SetScores],
    results: SetResults,
    severities: Sequence[float],
    singles: Sequence[str],
    images: frozenset[str],
) -> dict[Column, Value]:
    """What fusing gains over the better of the single images, which is chosen by its own figure."""
    first, derived = results.columns[0], [column for column in results.columns if column.derived]
    gains, drawn = [], []
    for scores, severity in zip(own, severities, strict=True):
        rivals = [each for name in singles if (each := results.scores.get((name, severity))) is not None]
        if (
            not derived
            or len(rivals) < len(SINGLE_IMAGES)
            or any(rival.images != scores.images for rival in rivals)
        ):
            return {}
        best = max(rivals, key=lambda rival: rival.figures[first.metric])
        gains.append(scores.figures[first.metric] - best.figures[first.metric])
        if scores.drawn.size:
            drawn.append(scores.drawn[0] - best.drawn[0])
    gain, *worse = derived
    lost = Value(float(np.mean([each < 0 for each in gains])), 0.0, images)
    mean = _value(float(np.mean(gains)), np.mean(drawn, axis=0) if drawn else None, images)
    return {gain: mean, **dict.fromkeys(worse, lost)}


def _value(mean: float, drawn: NDArray[np.float64] | None, images: frozenset[str]) -> Value:
    known = np.array([]) if drawn is None else drawn[~np.isnan(drawn)]
    if not known.size:
        return Value(mean, 0.0, images)
    tail = 100.0 * (1.0 - CONFIDENCE) / 2.0
    low, high = np.percentile(known, [tail, 100.0 - tail])
    return Value(mean, float(known.std()), images, interval=(float(low), float(high)))
