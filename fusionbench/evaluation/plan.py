"""What is to be computed: cells, each named by the hash of everything that changes one of its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fusionbench import registry
from fusionbench.contracts import CANONICAL, Dataset, MethodCard, Metric, Post, Sample
from fusionbench.datasets.splits import LIST_OPTION
from fusionbench.degrading import Condition, profiles
from fusionbench.degrading.native_choice import AUTOMATIC, EVERYTHING, chosen_samples, left_out, native_groups
from fusionbench.degrading.writing import already_degraded
from fusionbench.errors import InputError
from fusionbench.evaluation.provenance import (
    code_hash,
    content_hash,
    file_hash,
    folder_hash,
    method_hash,
    weights_hash,
)
from fusionbench.evaluation.whole_sets import (
    SHOWN_DIGITS,
    judges_identity,
    label_prints,
    labels_identity,
    metric_display,
    set_display,
    set_identity,
)
from fusionbench.measuring import (
    MetricRequest,
    needs_clean_output,
    profile_class,
    ready_metrics,
)
from fusionbench.method_references import SEPARATOR, MethodReference, card_with
from fusionbench.observing import SetMetrics

PIPELINE_VERSION = 1
"""Raised whenever the harness itself (reading, composing, fusing, rounding, measuring) changes a number."""


@dataclass(frozen=True)
class MethodRequest:
    """Which method to run, or whose finished images to read."""

    name: str
    """Name in tables."""
    method: str | None = None
    """Its reference, such as `lp` or `dcp>lp`; None for images fused elsewhere."""
    weights: Path | None = None
    post: Post = "clamp"
    """How its values become an image."""
    python: Path | None = None
    """Interpreter of an external method; changes no number."""
    fused: Path | None = None
    """Folder of fused images, for images fused elsewhere."""
    fused_clean: Path | None = None
    """Folder of what the same method made of the clean pairs, for metrics that compare with it."""


@dataclass(frozen=True)
class Cell:
    """One method under one condition on one list of samples: the unit that is stored, resumed and shared."""

    dataset: str
    split: str
    condition: Condition
    degradation: str
    """The condition's name without its severity, where all its terms have one severity."""
    severity: float
    """That severity; 0 where there is none to speak of."""
    seed: int
    method: MethodRequest
    samples: tuple[Sample, ...]
    """The samples it is about: the plan's, less those the condition is not applied to."""
    identity: Mapping[str, Any]
    """Everything that changes a number in the cell, and nothing else."""
    display: Mapping[str, Any]
    """What a table needs to show the cell where its plugins are not installed; changes no number."""

    @property
    def key(self) -> str:
        """Hash of the identity."""
        return content_hash(self.identity)


@dataclass(frozen=True, eq=False)
class Plan:
    """The cells of one evaluation and what they share."""

    dataset: Dataset
    samples: tuple[Sample, ...]
    """Every sample that at least one cell is about."""
    metrics: MetricRequest
    cells: tuple[Cell, ...]

    @property
    def conditions(self) -> list[Condition]:
        """The conditions in the order asked for."""
        return list(dict.fromkeys(cell.condition for cell in self.cells))


def make_plan(
    dataset: Dataset,
    conditions: Sequence[Condition],
    methods: Sequence[MethodRequest],
    metrics: MetricRequest,
    *,
    seed: int = 0,
    limit: int | None = None,
    dataset_options: Mapping[str, str] | None = None,
    native: str = AUTOMATIC,
) -> Plan:
    """Lay out the cells of an evaluation.

    Args:
        dataset: The opened dataset.
        conditions: What to do to the pairs before they are fused.
        methods: What to run; names must differ.
        metrics: What to measure.
        seed: Seed of the degradations' random fields.
        limit: Take only the first so many samples a condition is applied to.
        dataset_options: The options the dataset was opened with, for tables.
        native: Which samples by native condition: see `native_choice.chosen_samples`.

    Raises:
        InputError: If the dataset is empty, two methods have one name, a metric cannot be created, or every
            metric compares with the output on the clean pair and a condition is clean; if a condition
            would damage images that were degraded before.
        UnknownNameError: If a plugin is not registered.
    """
    every = tuple(dataset.samples)
    if not every:
        raise InputError(f"dataset {dataset.card.name}, split {dataset.split}: has no images to evaluate")
    given = already_degraded(dataset)
    _refuse_degrading_twice(dataset.card.name, given, conditions)
    samples_of = {condition: chosen_samples(every, condition, native, limit) for condition in conditions}
    _refuse_twins([method.name for method in methods])
    chosen = ready_metrics(metrics)
    of_set = SetMetrics(metrics)
    observing = {method.name: of_set.of(method.name) for method in methods}
    if not of_set:
        _refuse_nothing_to_measure(conditions, chosen)
    metric_identity = {**_metrics_identity(chosen, metrics), **set_identity(of_set)}
    shown_metrics = {name: metric_display(metric) for name, metric in chosen.items()}
    used = {sample.id: sample for samples in samples_of.values() for sample in samples}
    prints = {image_id: _fingerprint(dataset, sample) for image_id, sample in used.items()}
    listed = {
        condition: content_hash([[sample.id, prints[sample.id]] for sample in samples])
        for condition, samples in samples_of.items()
    }
    labels = label_prints(dataset, used.values()) if of_set else {}
    identities = {method.name: method_identity(method) for method in methods}
    cells = [
        Cell(
            dataset=dataset.card.name,
            split=dataset.split,
            condition=condition,
            degradation=_label(condition, given)[0],
            severity=_label(condition, given)[1],
            seed=seed,
            method=method,
            samples=samples_of[condition],
            identity={
                "pipeline": PIPELINE_VERSION,
                "dataset": {"name": dataset.card.name, "split": dataset.split, "samples": listed[condition]},
                "condition": _condition_identity(condition, seed),
                "method": {"name": method.name, **identities[method.name]},
                "metrics": metric_identity,
                **({} if metrics.profile == CANONICAL else {"profile": metrics.profile}),
                **_clean_output_identity(method, condition, chosen),
                **labels_identity(labels, samples_of[condition]),
                **judges_identity(of_set, method.name),
            },
            display={
                "metrics": {
                    **shown_metrics,
                    **{
                        name: set_display(runs, of_set.judges[name], dataset)
                        for name, runs in observing[method.name].items()
                    },
                },
                "method": _method_display(method, dataset.card.name, samples_of[condition]),
                "synthetic": dataset.card.synthetic,
                "limit": limit,
                "dataset_options": _publishable(dataset_options or {}),
                "chosen": bool(dataset_options) or native not in (AUTOMATIC, EVERYTHING),
                "native": native_groups(samples_of[condition]),
                "native_choice": native,
                "left_out": left_out(every, samples_of[condition], limit),
            },
        )
        for condition in conditions
        for method in methods
    ]
    return Plan(dataset, tuple(sample for sample in every if sample.id in used), metrics, tuple(cells))


def shard_of(plan: Plan, index: int, count: int) -> Plan:
    """The part of a plan that machine `index` of `count` computes (1-based), a fixed share of its cells.

    Raises:
        InputError: If the index is not within 1..count.
    """
    if not 1 <= index <= count:
        raise InputError(f"--shard {index}/{count}: expected 1/{count} to {count}/{count}")
    ordered = sorted(plan.cells, key=lambda cell: cell.key)
    mine = {cell.key for cell in ordered[index - 1 :: count]}
    return Plan(plan.dataset, plan.samples, plan.metrics, tuple(c for c in plan.cells if c.key in mine))


def _publishable(options: Mapping[str, str]) -> dict[str, str]:
    """Options with files and folders named by what they are: where a user keeps them is nobody's business."""
    return {name: _published(name, Path(value)) or value for name, value in options.items()}


def _published(option: str, path: Path) -> str:
    """What stands for a path; a list of images is known by its name and hash. Empty for what is no path."""
    if not path.exists():
        return ""
    return f"{path.name}@{file_hash(path)[:SHOWN_DIGITS]}" if option == LIST_OPTION else "PATH"


def _refuse_twins(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                f"method {name!r} is asked for twice; write it once, or give the classes different names or "
                "cards"
            )


def _fingerprint(dataset: Dataset, sample: Sample) -> str:
    try:
        return f"unusable: {sample.problem}" if sample.problem else dataset.fingerprint(sample)
    except Exception as error:
        return f"unusable: {error}"


def _label(condition: Condition, given: str) -> tuple[str, float]:
    """What tables call the condition, without its severity where there is one, and that severity."""
    if given:
        return f"already {given}", 0.0
    common = condition.common_severity
    return (condition.degradations, common) if common else (condition.name, 0.0)


def _condition_identity(condition: Condition, seed: int) -> dict[str, Any]:
    names = [name for name, _ in condition.terms]
    return {
        "name": condition.name,
        "code": {name: code_hash(profiles.defining_class(name, condition.profile)) for name in names},
        "seed": seed if names else None,
        # Levels may be calibrated anew without a change of code.
        **(
            {"levels": {name: list(profiles.levels(name, condition.profile)) for name in names}}
            if names
            else {}
        ),
    }


def _clean_output_identity(
    request: MethodRequest, condition: Condition, metrics: Mapping[str, Metric]
) -> dict[str, str]:
    """The images fused from the clean pairs, where they decide a value: apart from the method's own."""
    if request.fused_clean is None or condition.is_clean or not needs_clean_output(metrics):
        return {}
    return {"fused_clean": folder_hash(request.fused_clean)}


def method_identity(request: MethodRequest) -> dict[str, Any]:
    """Everything of a method that changes what it fuses."""
    if request.fused is not None:
        return {"fused": folder_hash(request.fused)}
    reference = request.method or request.name
    weights = None if request.weights is None else weights_hash(request.weights)
    return {
        "code": method_hash(reference),
        "weights": weights,
        **({} if request.post == "clamp" else {"post": request.post}),
    }


def _metrics_identity(metrics: Mapping[str, Metric], request: MetricRequest) -> dict[str, dict[str, str]]:
    weights = {name: {"weights": file_hash(path)} for name, path in request.weights}
    # The metrics of a profile stand in its module, whatever classes it makes them of.
    profile = None if request.profile == CANONICAL else profile_class(request.profile)
    return {
        name: {
            "version": metric.card.version,
            "code": code_hash(profile or type(metric)),
            **weights.get(name, {}),
        }
        for name, metric in metrics.items()
    }


def _refuse_degrading_twice(dataset: str, given: str, conditions: Sequence[Condition]) -> None:
    damaging = [condition.name for condition in conditions if not condition.is_clean]
    if given and damaging:
        raise InputError(
            f"{dataset}: these images are degraded already ({given}); leave --degradation out, or give the "
            f"root of the clean images"
        )


def _refuse_nothing_to_measure(conditions: Sequence[Condition], metrics: Mapping[str, Metric]) -> None:
    if len(needs_clean_output(metrics)) == len(metrics) and any(c.is_clean for c in conditions):
        raise InputError(
            f"metric {next(iter(metrics))}: compares the output on a degraded pair with that on the clean "
            "one; name a degradation (such as --degradation haze), or further metrics"
        )


def _method_display(request: MethodRequest, dataset: str, samples: Sequence[Sample]) -> dict[str, Any]:
    if request.fused is not None:
        return {"title": request.name, "reference": False, "scored": True, "written": request.name}
    reference = MethodReference(request.method or request.name)
    card = card_with(reference.method_class, request.weights)
    post = "" if request.post == "clamp" or card.reference else f"post={request.post}"
    return {
        "title": card.title,
        "detail": ", ".join(filter(None, (card.detail, post, _acquaintance(card, dataset, samples)))),
        "reference": card.reference,
        "source": card.source,
        "scored": False,
        "written": _written(reference),
    }


def _written(reference: MethodReference) -> str:
    """The reference as anybody may write it: where a user keeps files is nobody's business."""
    method = reference.method
    if method.startswith(registry.EXTERNAL):
        method = f"{registry.EXTERNAL}FOLDER"
    elif method not in registry.names("method"):
        method = f"FILE.py:{method.rpartition(':')[2]}"
    return SEPARATOR.join([*reference.enhancements, method])


def _acquaintance(card: MethodCard, dataset: str, samples: Sequence[Sample]) -> str:
    """How many of a cell's images a method's weights were trained on; empty for none."""
    known = sum(f"{dataset}/{sample.id}" in card.trained_on for sample in samples)
    return f"trained on {known} of {len(samples)}" if known else ""
