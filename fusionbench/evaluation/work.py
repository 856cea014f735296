"""The work itself: load, degrade, fuse and measure a few images. Runs in this process or in a worker.

A `Worker` holds what is expensive to create (methods, metrics); a `Task` is small and picklable, and its
outcome depends on nothing but the task: not on the worker, the order or the batch it came in.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fusionbench.batch_measuring import KeptSources, measure_batch
from fusionbench.contracts import Dataset, Device, ImagePair, Labels, MeasuredImage, Sample, SourceImages
from fusionbench.datasets.pairing import normal_id
from fusionbench.degrading import Condition, DegradedPair, degrade_pair
from fusionbench.errors import FusionbenchError, InputError, MethodError
from fusionbench.evaluation.plan import MethodRequest
from fusionbench.evaluation.store import ImageResult
from fusionbench.fusing import Fused, fuse_pairs
from fusionbench.images import image_files, measured, measured_sources, read_visible
from fusionbench.measuring import (
    Measurement,
    MetricRequest,
    Reference,
    failed,
    measure_image,
    needs_clean_output,
    ready_metrics,
)
from fusionbench.observing import SetMetrics, not_observed, observe_image
from fusionbench.ready_methods import ReadyMethod, ready_method


@dataclass(frozen=True)
class WorkerSetup:
    """What a worker needs to know once."""

    dataset: Dataset
    methods: tuple[MethodRequest, ...]
    metrics: MetricRequest
    seed: int
    device: Device
    threads: int | None
    """Threads of torch on the CPU; None leaves torch's own choice."""


@dataclass(frozen=True)
class Task:
    """Images to degrade together, and which methods still have to fuse each of them."""

    condition: Condition
    images: tuple[tuple[Sample, frozenset[str]], ...]
    """Sample and the names of its pending methods."""


@dataclass
class Seconds:
    """Where the time of a task went."""

    load: float = 0.0
    degrade: float = 0.0
    fuse: float = 0.0
    measure: float = 0.0

    def add(self, other: Seconds) -> None:
        """Add another task's times."""
        self.load += other.load
        self.degrade += other.degrade
        self.fuse += other.fuse
        self.measure += other.measure


@dataclass(frozen=True)
class Outcome:
    """What a task produced."""

    condition: Condition
    results: tuple[tuple[str, ImageResult], ...]
    """Method name and result, for each image and pending method of the task."""
    seconds: Seconds


@dataclass
class _Prepared:
    """One image of a task that could be loaded and degraded, or the reason why not."""

    sample: Sample
    pending: frozenset[str]
    degraded: DegradedPair | None
    problem: str = ""
    sources: dict[Reference, SourceImages] = field(default_factory=dict)
    labels: Labels | str = ""
    """Its annotations, or why they cannot be read; only where a metric compares with them."""


@dataclass(frozen=True)
class _Output:
    """What a method made of one image, or the reason why there is nothing."""

    method: str
    image: _Prepared
    fused: Fused | str
    clean: Fused | str | None
    """What it made of the clean pair; None where no metric asks for that."""

    @property
    def sources(self) -> dict[Reference, SourceImages]:
        """What the fused image is compared with."""
        if not isinstance(self.clean, Fused):
            return self.image.sources
        clean_output = replace(self.image.sources["clean"], clean_output=measured(self.clean.image))
        return {**self.image.sources, "clean_output": clean_output}


class Worker:
    """Runs tasks. Creating one imports the plugins and loads the weights.

    Raises:
        FusionbenchError: If a plugin cannot be created.
    """

    def __init__(self, setup: WorkerSetup) -> None:
        self._dataset = setup.dataset
        self._seed = setup.seed
        self._device = setup.device
        self._metrics = ready_metrics(setup.metrics)
        self._of_clean_output = needs_clean_output(self._metrics)
        self._set_metrics = SetMetrics(setup.metrics, setup.device)
        self._observing = {request.name: self._set_metrics.of(request.name) for request in setup.methods}
        if setup.threads is not None:
            _limit_threads(setup.threads)
        self._ready: dict[str, ReadyMethod] = {}
        self._folders: dict[str, FusedFolder] = {}
        self._clean_folders: dict[str, FusedFolder] = {}
        for request in setup.methods:
            if request.fused is not None:
                self._folders[request.name] = FusedFolder(request.fused)
                if request.fused_clean is not None:
                    self._clean_folders[request.name] = FusedFolder(request.fused_clean)
            else:
                name = request.method or request.name
                self._ready[request.name] = ready_method(
                    name, request.weights, setup.device, post=request.post, python=request.python
                )

    def run(self, task: Task) -> Outcome:
        """Do a task; whatever goes wrong with an image becomes rows that say so."""
        seconds = Seconds()
        prepared = [
            self._prepare(task.condition, sample, pending, seconds) for sample, pending in task.images
        ]
        results: list[tuple[str, ImageResult]] = []
        kept = KeptSources()
        for name in [*self._ready, *self._folders]:
            waiting = [image for image in prepared if name in image.pending]
            started = time.perf_counter()
            outputs = self._fuse(name, waiting)
            clean_outputs = self._fuse_clean(name, waiting, task.condition)
            seconds.fuse += time.perf_counter() - started
            made = [_Output(name, *each) for each in zip(waiting, outputs, clean_outputs, strict=True)]
            results += [(name, result) for result in self._measure(task.condition, made, kept, seconds)]
        return Outcome(task.condition, tuple(results), seconds)

    def _prepare(
        self, condition: Condition, sample: Sample, pending: frozenset[str], seconds: Seconds
    ) -> _Prepared:
        started = time.perf_counter()
        try:
            if sample.problem:
                raise InputError(sample.problem)
            pair = self._dataset.load(sample)
        except FusionbenchError as error:
            return _Prepared(sample, pending, None, str(error))
        except Exception as error:
            return _Prepared(sample, pending, None, f"could not be loaded: {type(error).__name__}: {error}")
        finally:
            loaded = time.perf_counter()
            seconds.load += loaded - started
        try:
            degraded = degrade_pair(pair, condition, self._seed, self._dataset.card.name)
        except Exception as error:
            return _Prepared(
                sample, pending, None, f"{condition.name} failed: {type(error).__name__}: {error}"
            )
        finally:
            seconds.degrade += time.perf_counter() - loaded
        started = time.perf_counter()
        sources = _sources(degraded, condition)
        seconds.measure += time.perf_counter() - started
        return _Prepared(sample, pending, degraded, sources=sources, labels=self._labels(sample))

    def _labels(self, sample: Sample) -> Labels | str:
        if not self._set_metrics:
            return ""
        try:
            return self._dataset.labels(sample)
        except Exception as error:
            return str(error) if isinstance(error, FusionbenchError) else f"{type(error).__name__}: {error}"

    def _fuse(self, name: str, images: Sequence[_Prepared]) -> list[Fused | str]:
        """Fuse images by one method: a result, or the reason why there is none, for each."""
        if name in self._folders:
            return [image.problem or self._folders[name].read(image) for image in images]
        return _fuse_all(self._ready[name], [_pair(image) for image in images], images)

    def _fuse_clean(
        self, name: str, images: Sequence[_Prepared], condition: Condition
    ) -> Sequence[Fused | str | None]:
        """What the same method makes of the clean pairs, where a metric asks for it; else None for each."""
        if not self._of_clean_output or condition.is_clean:
            return [None] * len(images)
        if name in self._clean_folders:
            return [image.problem or self._clean_folders[name].read(image) for image in images]
        clean = [None if image.degraded is None else image.degraded.clean for image in images]
        return _fuse_all(self._ready[name], clean, images)

    def _measure(
        self, condition: Condition, outputs: Sequence[_Output], kept: KeptSources, seconds: Seconds
    ) -> list[ImageResult]:
        """Measure what one method made: as a batch on a GPU, else one by one, which needs less memory."""
        if self._device != "cuda" and len(outputs) > 1:
            return [result for each in outputs for result in self._measure(condition, [each], kept, seconds)]
        started = time.perf_counter()
        made = [(output, output.fused) for output in outputs if isinstance(output.fused, Fused)]
        own_rows = self._rows([(measured(fused.image), output.sources) for output, fused in made], kept)
        rows = iter(
            [own + self._observe(output, fused) for own, (output, fused) in zip(own_rows, made, strict=True)]
        )
        spent = time.perf_counter() - started
        seconds.measure += spent
        return [
            self._without_rows(condition, output.image, output.fused)
            if isinstance(output.fused, str)
            else self._with_rows(next(rows), output, output.fused, spent / len(made))
            for output in outputs
        ]

    def _rows(
        self, fused: Sequence[tuple[MeasuredImage, dict[Reference, SourceImages]]], kept: KeptSources
    ) -> list[list[Measurement]]:
        if self._device == "cuda":
            images, sources = [image for image, _ in fused], [compared for _, compared in fused]
            return measure_batch(images, sources, self._metrics, self._device, kept)
        return [measure_image(image, compared, self._metrics) for image, compared in fused]

    def _observe(self, output: _Output, fused: Fused) -> list[Measurement]:
        if output.image.degraded is None:
            return []
        clean, labels = output.image.degraded.clean, output.image.labels
        return observe_image(fused.image, labels, clean, self._dataset.card, self._observing[output.method])

    def _without_rows(self, condition: Condition, image: _Prepared, reason: str) -> ImageResult:
        references = _references(condition, clean_output=bool(self._of_clean_output))
        rows = failed(self._metrics, references, reason) + not_observed(self._set_metrics.classes, reason)
        return ImageResult(image.sample.id, tuple(rows))

    def _with_rows(
        self, rows: list[Measurement], output: _Output, fused: Fused, seconds: float
    ) -> ImageResult:
        if isinstance(output.clean, str):
            rows = rows + failed(self._of_clean_output, ("clean_output",), output.clean)
        return ImageResult(output.image.sample.id, tuple(rows), fused.clamped, fused.seconds, seconds)


class FusedFolder:
    """Images that were fused elsewhere, found by the stem they share with the dataset's sample."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, list[Path]] = {}
        for path in image_files(folder):
            self._files.setdefault(normal_id(path.stem), []).append(path)

    @property
    def stems(self) -> frozenset[str]:
        """Stems of all images in the folder."""
        return frozenset(self._files)

    def read(self, image: _Prepared) -> Fused | str:
        """The fused image of a sample, or why it cannot be used."""
        sample, pair = image.sample, _pair(image)
        found = self._files.get(sample.id, [])
        if len(found) != 1:
            names = ", ".join(path.name for path in found)
            what = (
                f"has {names}; keep one" if found else f"has no image called {sample.id}; fuse it and add it"
            )
            return f"{self.folder}: {what}"
        try:
            pixels = read_visible(found[0])
        except InputError as error:
            return str(error)
        if pair is not None and pixels.shape[:2] != pair.size:
            height, width = pair.size
            return (
                f"{found[0]}: is {pixels.shape[1]}x{pixels.shape[0]} but its pair is {width}x{height}; "
                "score images at the size of the dataset"
            )
        return Fused(pixels, 0.0, 0.0)


def _limit_threads(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)


def _pair(image: _Prepared) -> ImagePair | None:
    return None if image.degraded is None else image.degraded.pair


def _references(condition: Condition, *, clean_output: bool = False) -> tuple[Reference, ...]:
    if condition.is_clean:
        return ("clean",)
    return ("clean", "degraded", "clean_output") if clean_output else ("clean", "degraded")


def _sources(degraded: DegradedPair, condition: Condition) -> dict[Reference, SourceImages]:
    pairs = {"clean": degraded.clean, "degraded": degraded.pair}
    return {reference: measured_sources(pairs[reference]) for reference in _references(condition)}


def _fuse_all(
    ready: ReadyMethod, pairs: Sequence[ImagePair | None], images: Sequence[_Prepared]
) -> list[Fused | str]:
    """Fuse pairs in batches of one size; an image without a pair has its own problem as the reason."""
    outputs: dict[int, Fused | str] = {index: image.problem for index, image in enumerate(images)}
    for batch in _batches_of_one_size(pairs):
        chosen = [pair for index in batch if (pair := pairs[index]) is not None]
        outputs.update(zip(batch, _fuse_or_reasons(ready, chosen), strict=True))
    return [outputs[index] for index in range(len(images))]


def _batches_of_one_size(pairs: Sequence[ImagePair | None]) -> Iterable[list[int]]:
    by_size: dict[tuple[int, int], list[int]] = {}
    for index, pair in enumerate(pairs):
        if pair is not None:
            by_size.setdefault(pair.size, []).append(index)
    return by_size.values()


def _fuse_or_reasons(ready: ReadyMethod, pairs: Sequence[ImagePair]) -> list[Fused | str]:
    """Fuse a batch; if it fails, fuse its images one by one, so that only the guilty ones fail."""
    try:
        return list(fuse_pairs(ready, pairs))
    except MethodError as error:
        if len(pairs) == 1:
            return [str(error)]
        return [result for pair in pairs for result in _fuse_or_reasons(ready, [pair])]
