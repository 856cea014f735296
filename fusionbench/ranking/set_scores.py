"""Figures of whole sets (mAP) in a table: values, intervals by scene, and what fusing gains over one camera.

Images of one scene are no independent witnesses: drawing images instead of scenes calls 45 of 100 differences
that are none significant where 5 are promised. So sets are drawn scene by scene, the same for every method;
scenes are found by the hashes kept with each image (`datasets.near_duplicates`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

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

FEWEST_SCENES = 2
"""Below, there is nothing to draw from."""

FEW_SCENES = 20
"""Below, intervals by drawing are known to be too narrow."""

GAIN, WORSE = "gain", "worse"
"""Derived columns: gain over the better single image, and share of conditions without one."""

Scores = Mapping[str, float]


@dataclass(frozen=True, eq=False)
class SetScores:
    """The figures of one method under one condition, with those of drawn sets."""

    images: frozenset[str]
    figures: Scores
    drawn: NDArray[np.float64]
    """`(columns, draws)`; no draws where there are too few scenes."""


@dataclass(frozen=True, eq=False)
class SetResults:
    """One metric of whole sets in one table."""

    columns: tuple[Column, ...]
    scores: Mapping[tuple[str, float], SetScores]
    """By method and severity."""
    notes: tuple[str, ...]


_computed: dict[tuple[str, str, tuple[str, ...]], SetScores] = {}
"""Scores of cells in this process: several tables show one cell."""


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
        singles = [row.method for row in rows if row.reference]
        rows = [_with_results(row, results, severities, singles) for row in rows]
    return list(rows)


def _results(
    metric: str, card: Mapping[str, Any], cells: Sequence[StoredCell], images: frozenset[str] | None
) -> SetResults:
    having = [cell for cell in cells if metric in cell.stamp["identity"]["metrics"]]
    # Two detectors, or two sets of annotations, never meet in one column: the newest counts.
    newest = _compared_with(having[-1], metric)
    chosen = [cell for cell in having if _compared_with(cell, metric) == newest]
    records = {id(cell): _records(cell, metric, images) for cell in chosen}
    scenes = _scenes(list(records.values()))
    labels: Mapping[str, str] = card["set"]["columns"]
    plugin = cast("type[SetMetric]", registry.load("metric", metric))
    scores = {
        (cell.stamp["method"], cell.stamp["severity"]): _scored(
            cell, metric, plugin, records[id(cell)], scenes, tuple(labels)
        )
        for cell in chosen
        if records[id(cell)]
    }
    columns = [
        Column(name, LABELS, label, card["direction"], card["rewards_noise"])
        for name, label in labels.items()
    ]
    first = columns[0]
    columns.append(
        Column(f"{first.metric}_{GAIN}", LABELS, f"Δ{first.label}", first.direction, False, derived=True)
    )
    if len({severity for _, severity in scores}) > 1:
        columns.append(Column(f"{first.metric}_{WORSE}", LABELS, "worse", "lower", False, derived=True))
    return SetResults(
        tuple(columns),
        scores,
        (*card["set"].get("notes", ()), _about_intervals(len(set(scenes.values())))),
    )


def _about_intervals(scenes: int) -> str:
    if scenes < FEWEST_SCENES:
        return "All images are of one scene: there are no intervals."
    few = " **So few scenes tell little.**" if scenes < FEW_SCENES else ""
    return (
        f"Intervals hold 95 of 100 of {DRAWS} sets drawn scene by scene, the same for every method, from "
        f"{scenes} scenes (images that look alike are of one).{few} Δ is the gain over the better of the "
        "visible and the infrared image alone, `worse` the share of severities at which fusing loses."
    )


def _compared_with(cell: StoredCell, metric: str) -> tuple[Any, Any]:
    identity = cell.stamp["identity"]
    return identity["metrics"][metric], identity.get("labels")


_Kept = dict[str, tuple[Mapping[str, "Record"], tuple[int, int]]]
"""Records by run and hashes of the pair, by image."""


def _records(cell: StoredCell, metric: str, images: frozenset[str] | None) -> _Kept:
    """Records of a cell and the hashes of its images, by image."""
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(cell.rows)
    if "record" not in table.column_names:
        return {}
    rows = table.select(["image", "metric", "record"]).to_pylist()
    return {
        row["image"]: read_record(row["record"])
        for row in rows
        if row["metric"] == metric and row["record"] and (images is None or row["image"] in images)
    }


def _scenes(records: Sequence[_Kept]) -> dict[str, int]:
    """Which scene each image is of."""
    hashes = {image: kept[1] for of_cell in records for image, kept in of_cell.items()}
    ids = sorted(hashes)
    groups = groups_of(ids, [hashes[image][0] for image in ids], [hashes[image][1] for image in ids])
    return dict(zip(ids, groups, strict=True))


def _scored(
    cell: StoredCell,
    metric: str,
    plugin: type[SetMetric],
    records: _Kept,
    scenes: Mapping[str, int],
    columns: tuple[str, ...],
) -> SetScores:
    ids = tuple(sorted(records))
    key = (cell.stamp["rows_sha256"], metric, ids)
    if key not in _computed:
        runs = sorted({run for image in ids for run in records[image][0]})
        summaries = [plugin.summarise([records[image][0][run] for image in ids]) for run in runs]
        drawn = _drawn(summaries, _drawn_counts(ids, scenes), columns)
        by_run = [summary.scores() for summary in summaries]
        figures = {name: float(np.mean([scores[name] for scores in by_run])) for name in by_run[0]}
        if len(runs) > 1:
            figures |= {
                f"{name} {run}": scores[name]
                for name in columns
                for run, scores in zip(runs, by_run, strict=True)
            }
        _computed[key] = SetScores(frozenset(ids), figures, drawn)
    return _computed[key]


def _drawn(
    summaries: Sequence[SetSummary], counts: Sequence[NDArray[np.int64]], columns: Sequence[str]
) -> NDArray[np.float64]:
    """Figures of drawn sets, each the mean over runs that are drawn as well: `(columns, draws)`."""
    generator = np.random.default_rng(1)
    shares = np.full(len(summaries), 1.0 / len(summaries))
    values = np.empty((len(columns), len(counts)))
    for place, (images, times) in enumerate(
        zip(counts, generator.multinomial(len(summaries), shares, size=len(counts)), strict=True)
    ):
        picked = [(summaries[int(run)].scores(images), times[run]) for run in np.flatnonzero(times)]
        for row, name in enumerate(columns):
            values[row, place] = sum(scores[name] * often for scores, often in picked) / len(summaries)
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
    further = {
        name: float(np.mean([scores.figures[name] for scores in known]))
        for name in known[0].figures
        if name not in {column.metric for column in plain}
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
    first = results.columns[0]
    gains, drawn = [], []
    for scores, severity in zip(own, severities, strict=True):
        rivals = [each for name in singles if (each := results.scores.get((name, severity))) is not None]
        if not rivals or any(rival.images != scores.images for rival in rivals):
            return {}
        best = max(rivals, key=lambda rival: rival.figures[first.metric])
        gains.append(scores.figures[first.metric] - best.figures[first.metric])
        if scores.drawn.size:
            drawn.append(scores.drawn[0] - best.drawn[0])
    values = {}
    for column in results.columns:
        if column.metric.endswith(f"_{GAIN}"):
            values[column] = _value(float(np.mean(gains)), np.mean(drawn, axis=0) if drawn else None, images)
        elif column.metric.endswith(f"_{WORSE}"):
            values[column] = Value(float(np.mean([gain < 0 for gain in gains])), 0.0, images)
    return values


def _value(mean: float, drawn: NDArray[np.float64] | None, images: frozenset[str]) -> Value:
    known = np.array([]) if drawn is None else drawn[~np.isnan(drawn)]
    if not known.size:
        return Value(mean, 0.0, images)
    tail = 100.0 * (1.0 - CONFIDENCE) / 2.0
    low, high = np.percentile(known, [tail, 100.0 - tail])
    return Value(mean, float(known.std()), images, interval=(float(low), float(high)))
