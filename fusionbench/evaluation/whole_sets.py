"""Metrics of whole sets in a cell: what decides their records, and what tables say of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fusionbench import registry
from fusionbench.contracts import Dataset, Metric, Sample, SetMetric
from fusionbench.downstream import DownstreamRequest
from fusionbench.evaluation.provenance import array_hash, code_hash, content_hash, file_hash
from fusionbench.observing import Runs, SetMetrics

SHOWN_DIGITS = 12
"""Digits of a file's SHA-256 that tables show."""


def metric_display(metric: Metric | SetMetric) -> dict[str, Any]:
    """What tables say of any metric."""
    card = metric.card
    return {
        "label": card.label,
        "direction": card.direction,
        "rewards_noise": card.rewards_noise,
        "won_by": card.won_by,
    }


def set_identity(metrics: SetMetrics) -> dict[str, Any]:
    """The metrics of whole sets, with what looks at the images for them: shared by all methods."""
    found = {}
    for name, metric in metrics.classes.items():
        found[name] = {"version": metric.card.version, "code": code_hash(metric)}  # type: ignore[attr-defined]
        judge = metrics.judges[name]
        if judge is not None:
            trained = judge.trained_for_methods
            found[name] |= {
                judge.kind: judge.name,
                f"{judge.kind}_code": code_hash(registry.load(judge.kind, judge.name)),
                "weights": content_hash(judge.training) if trained else file_hash(judge.weights),
            }
    return found


def judges_identity(metrics: SetMetrics, method: str) -> dict[str, Any]:
    """The networks that were trained for a method, by metric and run."""
    judges = {name: judge for name, judge in metrics.judges.items() if judge and judge.trained_for_methods}
    if not judges:
        return {}
    return {
        "judges": {
            name: {run: file_hash(path) for run, path in judge.runs(method).items()}
            for name, judge in judges.items()
        }
    }


def set_display(runs: Runs, judge: DownstreamRequest | None, dataset: Dataset) -> dict[str, Any]:
    """What tables say of a metric of a whole set: its columns, and what a reader has to know."""
    metric = next(iter(runs.values()))
    shown = dict(metric.display(dataset.card))
    notes = [*_about_judge(judge), *shown.get("notes", ())]
    return {**metric_display(metric), "set": {**shown, "notes": notes}}


def _about_judge(judge: DownstreamRequest | None) -> list[str]:
    if judge is None:
        return []
    card = registry.load(judge.kind, judge.name).card
    if judge.trained_for_methods:
        return [f"{card.title} ({card.settings}): {judge.training['note']}."]
    digest = file_hash(judge.weights)[:SHOWN_DIGITS]
    return [
        f"{card.title}, {judge.weights.name} (SHA-256 {digest}; {card.settings}), was trained on other "
        "images and is frozen: figures say how much the fused images look like what it knows, not what one "
        "trained on them would reach."
    ]


def label_prints(dataset: Dataset, samples: Iterable[Sample]) -> dict[str, Any]:
    """What tells the annotations of each image from others, by id.

    None for a generated dataset, whose annotations are in its samples' fingerprints already.
    """
    if dataset.card.synthetic:
        return {}
    return {sample.id: _labels_print(dataset, sample) for sample in samples}


def labels_identity(prints: Mapping[str, Any], samples: Iterable[Sample]) -> dict[str, str]:
    """The annotations of a list of images, of the prints of at least these."""
    if not prints:
        return {}
    return {"labels": content_hash([[sample.id, prints[sample.id]] for sample in samples])}


def _labels_print(dataset: Dataset, sample: Sample) -> Any:
    try:
        labels = dataset.labels(sample)
    except Exception as error:
        return f"unusable: {error}"
    boxes = None if labels.boxes is None else [list(vars(box).values()) for box in labels.boxes]
    return [boxes, None if labels.mask is None else array_hash(labels.mask)]
