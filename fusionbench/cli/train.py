"""`fusionbench train`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fusionbench.cli import options
from fusionbench.errors import InputError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from fusionbench.training.following import Follower

LINE_EVERY_SECONDS = 30.0
"""How often a run whose output is no terminal says how far it is."""


def train(
    method: Annotated[
        str,
        typer.Argument(
            help="A method that offers a recipe, such as sgafusion.", autocompletion=options.complete_method
        ),
    ],
    recipe: Annotated[
        str | None,
        typer.Option(help="A preset's name or a TOML file; `fusionbench info METHOD` lists presets."),
    ] = None,
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            "--dataset",
            "-d",
            help="Datasets to learn from, with a split where wanted (msrs:train); repeat or separate by "
            "commas (default: the recipe's).",
            autocompletion=options.complete_dataset,
        ),
    ] = None,
    root: options.Root = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for everything written (default: runs/METHOD-RECIPE).")
    ] = None,
    stage: Annotated[str | None, typer.Option(help="Run this stage alone.")] = None,
    anew_from: Annotated[
        str | None, typer.Option("--from", help="Forget what was trained from this stage on.")
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Override a setting: joint.steps=500, or batch=4 in all stages.",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of everything random (default: the recipe's).")
    ] = None,
    device: options.DeviceName = "auto",
    workers: Annotated[
        int, typer.Option(help="Processes that prepare batches; 0 prepares them where training runs.")
    ] = 0,
    processes: Annotated[
        int | None,
        typer.Option(help="How many training processes there must be (started by torchrun); else an error."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Two steps of every stage on a few pairs; keeps nothing.")
    ] = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a method through the stages of its recipe.

    Interrupted, by whatever, the same command goes on and ends in the same weights. A stage that is done is
    not done again. With several processes: `torchrun --nproc-per-node 2 -m fusionbench train ...`.
    """
    from fusionbench.training import plan_training
    from fusionbench.training import train as run_training
    from fusionbench.training.train import dry_run as try_training

    if workers < 0:
        raise InputError(f"--workers {workers}: expected 0 or more")
    if dry_run and (stage or anew_from):
        raise InputError("--dry-run: tries every stage and keeps nothing; leave --stage and --from out")
    plan = plan_training(
        method,
        recipe,
        out=out or Path("runs") / f"{Path(method).stem}-{Path(recipe or 'default').stem}",
        datasets=options.names_in(dataset),
        root=root,
        overrides=options.named_values("--set NAME=VALUE", setting),
        seed=seed,
        device=options.device(device),
        workers=workers,
        processes=processes,
    )
    is_first = os.environ.get("RANK", "0") == "0"
    with _followed(quiet=quiet or not is_first) as follower:
        if dry_run:
            expected = try_training(plan, follower)
            _say_expected(expected, quiet=quiet or not is_first)
            return
        artefact = run_training(plan, follower, only=stage, anew_from=anew_from)
    if not quiet and is_first:
        typer.echo(f"trained: {artefact}")


def _say_expected(expected: Mapping[str, float], *, quiet: bool) -> None:
    if quiet:
        return
    for name, seconds in expected.items():
        typer.echo(f"{name}: about {_duration(seconds)}")
    typer.echo("every stage ran two steps; nothing was kept")


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


class _Lines:
    """A line now and then, for logs and pipes; reports on standard output."""

    def __init__(self) -> None:
        self._begun = self._last = 0.0
        self._from = 0
        self._stage = ""

    def began(self, stage: str, done: int, steps: int) -> None:
        """Say what there is to do."""
        already = f", {done} done before" if done else ""
        _say(f"{stage}: {steps} steps{already}")
        self._begun = self._last = time.monotonic()
        self._from = done
        self._stage = stage

    def stepped(self, stage: str, done: int, steps: int, losses: Mapping[str, float]) -> None:
        """Say how far it is, if it is time to."""
        now = time.monotonic()
        if done == self._from + 1:
            # Counted from the first step, which finds and prepares what the others use again.
            self._begun, self._from = now, done
        if now - self._last < LINE_EVERY_SECONDS or done == self._from:
            return
        self._last = now
        left = (steps - done) * (now - self._begun) / (done - self._from)
        _say(f"{stage}: {done} of {steps}, loss {losses['total']:.4g}, {_duration(left)} left")

    def ended(self, stage: str, report: Mapping[str, Any]) -> None:
        """Show the report."""
        _show(stage, report, was_done=stage != self._stage)


class _Bar:
    """A bar with the loss and the time left."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def began(self, stage: str, done: int, steps: int) -> None:
        """Start the bar where the run goes on."""
        self._task = self._progress.add_task(stage, total=steps, completed=done)

    def stepped(self, stage: str, done: int, steps: int, losses: Mapping[str, float]) -> None:
        """Move on."""
        del steps
        if self._task is not None:
            self._progress.update(
                self._task, completed=done, description=f"{stage}, loss {losses['total']:.4g}"
            )

    def ended(self, stage: str, report: Mapping[str, Any]) -> None:
        """Show the report in the bar's place."""
        was_done = self._task is None
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None
        _show(stage, report, was_done=was_done)


@contextmanager
def _followed(*, quiet: bool) -> Iterator[Follower]:
    from fusionbench.cli.progress import bar
    from fusionbench.training.following import Silent

    if quiet:
        yield Silent()
    elif not sys.stderr.isatty():
        yield _Lines()
    else:
        with bar() as progress:
            yield _Bar(progress)


def _show(stage: str, report: Mapping[str, Any], *, was_done: bool) -> None:
    """A stage's report: plain values in a line, a table for each table in it."""
    from rich.console import Console

    console = Console()
    plain = [f"{name} {value}" for name, value in report.items() if not isinstance(value, Mapping)]
    done = "done before" if was_done else "done"
    console.print(", ".join([f"{stage}: {done}", *plain]), highlight=False)
    tables = {name: value for name, value in report.items() if isinstance(value, Mapping)}
    nested = {name: value for name, value in tables.items() if _is_grid(value)}
    if tables and not nested:
        nested = {"held-out frames": tables}
    for name, grid in nested.items():
        console.print(_table(f"{stage}: {name}", grid))


def _table(title: str, grid: Mapping[str, Mapping[str, Any]]) -> Any:
    """A grid of values, its longer side downwards."""
    from rich import box
    from rich.table import Table

    columns = list(dict.fromkeys(column for row in grid.values() for column in row))
    rows = {name: [str(values.get(column, "")) for column in columns] for name, values in grid.items()}
    if len(columns) > len(rows):
        rows = {name: [cells[place] for cells in rows.values()] for place, name in enumerate(columns)}
        columns = list(grid)
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("")
    for column in columns:
        table.add_column(column, justify="right")
    for name, cells in rows.items():
        table.add_row(name, *cells)
    return table


def _is_grid(value: Mapping[str, Any]) -> bool:
    return bool(value) and all(isinstance(row, Mapping) for row in value.values())


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
