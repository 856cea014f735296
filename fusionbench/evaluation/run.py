"""Run a plan: skip what is done, continue what was interrupted, keep every finished image."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from fusionbench.contracts import Device
from fusionbench.degrading import Condition
from fusionbench.devices import choose_device
from fusionbench.evaluation.engines import run_here, run_in_processes, run_on_ray
from fusionbench.evaluation.plan import Cell, Plan
from fusionbench.evaluation.provenance import environment
from fusionbench.evaluation.store import ImageResult, Journal, Store
from fusionbench.evaluation.work import Outcome, Seconds, Task, WorkerSetup

Engine = Literal["process", "ray"]


class Listener(Protocol):
    """Hears how a run goes on."""

    def started(self, images: int, remaining: int) -> None:
        """The run has so many (image, method) results to give, of which so many are still to be computed."""
        ...

    def advanced(self, result: ImageResult) -> None:
        """One result was computed and kept."""
        ...

    def scored(self) -> None:
        """The figures of one cell's whole set, and of sets drawn from it, were made from its records."""
        ...


class Silent:
    """A listener that does not care."""

    def started(self, images: int, remaining: int) -> None:
        """Ignore."""

    def advanced(self, result: ImageResult) -> None:
        """Ignore."""

    def scored(self) -> None:
        """Ignore."""


@dataclass(frozen=True)
class RunOptions:
    """How to run; nothing here changes a number."""

    device: Device = "auto"
    engine: Engine = "process"
    """`process`: in this process or in `workers` of them; `ray`: on a cluster."""
    workers: int = 1
    batch_size: int = 1
    retry_failed: bool = False
    """Compute again the cells in which an image failed."""


@dataclass
class RunReport:
    """What a run did and where its time went."""

    computed: int = 0
    """Results computed now."""
    reused: int = 0
    """Results found in the store or in journals."""
    wall_seconds: float = 0.0
    workers: int | None = 1
    """None where a cluster did the work: how many took part is not known."""
    seconds: Seconds = field(default_factory=Seconds)

    @property
    def harness_share(self) -> float | None:
        """Share of the workers' time that was neither fusing, degrading nor measuring, in 0..1.

        None where a cluster did the work.
        """
        if self.workers is None:
            return None
        available = self.wall_seconds * self.workers
        useful = self.seconds.fuse + self.seconds.degrade + self.seconds.measure
        return max(0.0, 1.0 - useful / available) if available > 0 else 0.0


class _OpenCell:
    """A cell being computed: its journal and the results so far."""

    def __init__(self, cell: Cell, store: Store, *, retry_failed: bool) -> None:
        self.cell = cell
        finished = store.results(cell) if store.is_done(cell) else store.covered(cell)
        kept = {**finished, **store.journalled(cell)}
        self.results = {name: kept[name] for name in kept if not (retry_failed and kept[name].reasons)}
        self.missing = [sample for sample in cell.samples if sample.id not in self.results]
        self.journal: Journal = store.open_journal(cell)


def run_plan(plan: Plan, store: Store, options: RunOptions, listener: Listener | None = None) -> RunReport:
    """Compute every cell of a plan that the store does not hold yet.

    Raises:
        StoreError: If results cannot be written; everything kept so far stays.
        FusionbenchError: If a plugin cannot be created or a worker process dies.
    """
    started = time.perf_counter()
    listener = listener or Silent()
    report = RunReport(workers=None if options.engine == "ray" else options.workers)
    pending = [cell for cell in plan.cells if not _is_done(cell, store, options)]
    waiting = {cell.key for cell in pending}
    for done in plan.cells:
        if done.key not in waiting:
            store.confirm(done)
    opened = {
        (cell.condition, cell.method.name): _OpenCell(cell, store, retry_failed=options.retry_failed)
        for cell in pending
    }
    total, remaining = (
        sum(len(cell.samples) for cell in plan.cells),
        sum(len(cell.missing) for cell in opened.values()),
    )
    report.reused = total - remaining
    listener.started(total, remaining)
    # Resolved once: what the stamp says is where it ran, on whatever machine.
    device = choose_device(options.device) if opened else "cpu"
    described = environment(device)
    try:
        _finish_complete(list(opened.values()), store, described)
        for outcome in _outcomes(plan, opened, replace(options, device=device)):
            _keep(outcome, opened, listener, report)
            touched = [opened[outcome.condition, name] for name in {name for name, _ in outcome.results}]
            _finish_complete(touched, store, described)
    finally:
        for cell in opened.values():
            cell.journal.close()
        report.wall_seconds = time.perf_counter() - started
    return report


def _is_done(cell: Cell, store: Store, options: RunOptions) -> bool:
    if not store.is_done(cell):
        return False
    return not (options.retry_failed and store.stamp(cell)["failed_images"])


def _outcomes(
    plan: Plan, opened: Mapping[tuple[Condition, str], _OpenCell], options: RunOptions
) -> Iterator[Outcome]:
    tasks = list(_tasks(plan, opened, options.batch_size))
    if not tasks:
        return iter(())
    needed = {name for (_, name), cell in opened.items() if cell.missing}
    methods = {cell.method.name: cell.method for cell in plan.cells if cell.method.name in needed}
    setup = WorkerSetup(
        dataset=plan.dataset,
        methods=tuple(methods.values()),
        metrics=plan.metrics,
        seed=plan.cells[0].seed,
        device=options.device,
        threads=1 if options.workers > 1 or options.engine == "ray" else None,
    )
    if options.engine == "ray":
        return run_on_ray(setup, tasks)
    if options.workers > 1:
        return run_in_processes(setup, tasks, options.workers)
    return run_here(setup, tasks)


def _tasks(plan: Plan, opened: Mapping[tuple[Condition, str], _OpenCell], batch_size: int) -> Iterator[Task]:
    for condition in plan.conditions:
        cells = [cell for (of, _), cell in opened.items() if of == condition]
        missing = {cell.cell.method.name: {sample.id for sample in cell.missing} for cell in cells}
        images = [
            (sample, names)
            for sample in plan.samples
            if (names := frozenset(name for name, ids in missing.items() if sample.id in ids))
        ]
        for first in range(0, len(images), batch_size):
            yield Task(condition, tuple(itertools.islice(images, first, first + batch_size)))


def _keep(
    outcome: Outcome,
    opened: Mapping[tuple[Condition, str], _OpenCell],
    listener: Listener,
    report: RunReport,
) -> None:
    report.seconds.add(outcome.seconds)
    for name, result in outcome.results:
        cell = opened[outcome.condition, name]
        cell.journal.add(result)
        cell.results[result.image] = result
        report.computed += 1
        listener.advanced(result)


def _finish_complete(cells: list[_OpenCell], store: Store, described: dict[str, str]) -> None:
    for cell in cells:
        if len(cell.results) == len(cell.cell.samples):
            cell.journal.close()
            store.finish(cell.cell, [cell.results[sample.id] for sample in cell.cell.samples], described)
