"""`fusionbench detections`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fusionbench.cli import options
from fusionbench.errors import FusionbenchError, InputError

if TYPE_CHECKING:
    from fusionbench.contracts import Dataset, Post, Sample, SetMetric, Uint8Image
    from fusionbench.degrading import Condition
    from fusionbench.measuring import MetricRequest
    from fusionbench.ready_methods import ReadyMethod

DEFAULT_LIMIT = 4

SOURCES = ("visible", "infrared")
"""Methods whose panels show what the others were given; always first."""


def detections(
    method: Annotated[
        list[str],
        typer.Option(
            "--method",
            "-m",
            help="Registered name, file.py:ClassName, external:FOLDER, or dcp>NAME; all for every one that "
            "can run here; repeat or separate by commas.",
            autocompletion=options.complete_method,
        ),
    ],
    dataset: options.DatasetName = "scenes",
    weights: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FILE", help="Trained weights of the detector, or of a method; repeat."),
    ] = None,
    root: options.Root = None,
    split: options.Split = None,
    dataset_option: options.DatasetOption = None,
    depth: options.DepthFolder = None,
    degradation: options.DegradationNames = None,
    severity: options.Severity = None,
    image_id: Annotated[
        list[str] | None, typer.Option("--id", help="Id of a pair; repeat or separate by commas.")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(help=f"Only the first so many pairs, without --id (default: {DEFAULT_LIMIT})."),
    ] = None,
    score: Annotated[float, typer.Option(help="Least score of a detection that counts.")] = 0.25,
    seed: options.Seed = 0,
    native: options.Native = "auto",
    post: options.PostName = "clamp",
    python: options.Python = None,
    device: options.DeviceName = "auto",
    out: Annotated[Path, typer.Option(help="Folder for the pictures, ID-CONDITION.png.")] = Path(
        "detections"
    ),
    quiet: options.Quiet = False,
) -> None:
    """Draw what a detector finds in the fused images of some pairs, and what it misses: a picture a pair.

    The visible and the infrared image, as the methods were given them, stand beside the fused images. A
    detection is one of an object if both are of one class and overlap by half.
    """
    from fusionbench.datasets import open_dataset
    from fusionbench.images import write_png
    from fusionbench.measuring import choose_metrics

    if not 0 <= score <= 1:
        raise InputError(f"--score {score:g}: expected 0 to 1")
    opened = open_dataset(dataset, root, split, options.dataset_options(dataset_option, depth=depth))
    if not opened.card.box_classes:
        raise InputError(
            f"dataset {opened.card.name}: has no boxes, so that nothing can be found or missed; "
            "take one with boxes, such as m3fd"
        )
    conditions = _conditions(opened, degradation, severity)
    chosen = [(each, _samples(opened, each, image_id, limit, native)) for each in conditions]
    named = options.named_values("--weights NAME=FILE", weights)
    files = {name: Path(file).expanduser() for name, file in named.items()}
    measured = choose_metrics(["map"], weights=files)
    artist = _Artist(
        opened,
        _ready_methods(method, files, measured, options.post(post), python, device),
        *_ready_detector(opened, measured, device),
        least_score=score,
        seed=seed,
    )
    skipped = False
    for condition, samples in chosen:
        for sample in samples:
            try:
                picture = artist.draw(sample, condition)
            except FusionbenchError as error:
                typer.echo(f"skipped: {sample.id}: {error}", err=True)
                skipped = True
                continue
            target = out / f"{sample.id}-{condition.name.replace(':', '_')}.png"
            write_png(target, picture)
            if not quiet:
                typer.echo(f"drawn: {target}")
    if skipped:
        raise typer.Exit(1)


@dataclass(frozen=True)
class _Artist:
    """What is needed to draw any pair."""

    dataset: Dataset
    methods: Sequence[ReadyMethod]
    metric: SetMetric
    detector: str
    unknown: Sequence[str]
    """Classes of the dataset that the detector does not know."""
    least_score: float
    seed: int

    def draw(self, sample: Sample, condition: Condition) -> Uint8Image:
        """Degrade, fuse, detect and draw one pair.

        Raises:
            FusionbenchError: If it cannot be read, has no labels, or a method fails.
        """
        from fusionbench.degrading import degrade_pair
        from fusionbench.detection_pictures import LEAST_OVERLAP, Panel, draw_picture, judged
        from fusionbench.fusing import fuse_pairs

        if sample.problem is not None:
            raise InputError(sample.problem)
        labels = self.dataset.labels(sample)
        if labels.boxes is None:
            raise InputError("has no labels; add its annotation, or leave the image out")
        card = self.dataset.card
        pair = degrade_pair(self.dataset.load(sample), condition, self.seed, card.name).pair
        panels = []
        for ready in self.methods:
            (fused,) = fuse_pairs(ready, [pair])
            record = self.metric.observe(fused.image, labels, card)
            panels.append(Panel(ready.name, fused.image, judged(record, labels, self.least_score)))
        title = (
            f"{card.name} {sample.id}, {condition.name}; {self.detector}, "
            f"score from {self.least_score:g}, overlap from {LEAST_OVERLAP:g}"
        )
        return draw_picture(panels, title, self.unknown)


def _conditions(dataset: Dataset, degradation: list[str] | None, severity: str | None) -> list[Condition]:
    from fusionbench.degrading import parse_condition, parse_severities
    from fusionbench.degrading.writing import already_degraded

    names = ["clean"] if degradation is None else options.names_in(degradation) or [""]
    levels = parse_severities(options.severity_of(severity, names))
    parsed = [parse_condition(name) for name in names]
    conditions = list(dict.fromkeys(each.with_severity(level) for each in parsed for level in levels))
    before = already_degraded(dataset)
    if before and any(not condition.is_clean for condition in conditions):
        raise InputError(
            f"{dataset.card.name}: these images are degraded already ({before}); leave --degradation out, or "
            "give the root of the clean images"
        )
    return conditions


def _samples(
    dataset: Dataset, condition: Condition, ids: list[str] | None, limit: int | None, native: str
) -> Sequence[Sample]:
    """The pairs asked for by name, or the first ones that the condition is applied to."""
    from fusionbench.degrading.native_choice import chosen_samples
    from fusionbench.degrading.sheet import sample_called

    if ids is None:
        if limit is not None and limit < 1:
            raise InputError(f"--limit {limit}: expected 1 or more")
        if not dataset.samples:
            raise InputError(f"dataset {dataset.card.name}, split {dataset.split}: has no images to draw")
        return chosen_samples(dataset.samples, condition, native, limit or DEFAULT_LIMIT)
    if limit is not None:
        raise InputError(f"--limit {limit}: --id says which pairs to draw; leave one of them out")
    return [sample_called(dataset, each) for each in dict.fromkeys(options.names_in(ids) or [""])]


def _ready_methods(
    names: list[str],
    files: Mapping[str, Path],
    measured: MetricRequest,
    post: Post,
    python: Path | None,
    device: str,
) -> list[ReadyMethod]:
    from fusionbench.evaluation.method_choice import choose_methods, method_requests
    from fusionbench.ready_methods import ready_method

    references, left_out = choose_methods(options.names_in(names) or [], files, post)
    if not references:
        raise InputError("--method: name at least one")
    for reason in left_out:
        typer.echo(f"left out: {reason}", err=True)
    every = list(dict.fromkeys([*SOURCES, *references]))
    return [
        ready_method(
            request.method or request.name,
            request.weights,
            options.device(device),
            post=request.post,
            python=request.python,
        )
        for request in method_requests(every, files, measured, post, python)
    ]


def _ready_detector(
    dataset: Dataset, measured: MetricRequest, device: str
) -> tuple[SetMetric, str, Sequence[str]]:
    """The metric that finds the objects, what its detector is called, and the classes that one lacks."""
    from fusionbench import registry
    from fusionbench.downstream import ONE_RUN
    from fusionbench.observing import SetMetrics

    if not measured.downstream:
        known = registry.names("detector")
        raise InputError(
            f"no weights of a detector are given: --weights {known[0] if known else 'DETECTOR'}=FILE "
            f"(detectors: {', '.join(known) or 'none is installed'})"
        )
    judge = measured.downstream[0]
    if judge.trained_for_methods:
        raise InputError(
            f"{judge.weights}: is a folder; name the file of one detector, which looks at all panels"
        )
    metric = SetMetrics(measured, options.device(device)).of("")["map"][ONE_RUN]
    name = judge.name
    notice = registry.load("detector", name).card.notice
    if notice:
        typer.echo(f"notice: {notice}", err=True)
    return metric, f"{name} ({judge.weights.name})", metric.display(dataset.card)["missing"]
