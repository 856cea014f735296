"""Progress of a run on standard error: a bar with the time left in a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fusionbench.evaluation.run import Listener, Silent
from fusionbench.evaluation.store import ImageResult

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LINE_EVERY_SECONDS = 30.0
"""How often a run whose output is no terminal says how far it is."""


class Bar:
    """A progress bar that prints each failure once, as it happens."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None
        self._told: set[str] = set()

    def started(self, images: int, remaining: int) -> None:
        """Show the bar, already filled as far as earlier runs came."""
        self._task = self._progress.add_task("evaluating", total=images, completed=images - remaining)

    def advanced(self, result: ImageResult) -> None:
        """Move on by one result."""
        if self._task is not None:
            self._progress.advance(self._task)
        for reason in _new_reasons(self._told, result):
            self._progress.console.print(f"failed: {reason}", style="red", markup=False, highlight=False)


class Lines:
    """Plain lines for logs and pipes."""

    def __init__(self) -> None:
        self._total = 0
        self._done = 0
        self._already = 0
        self._begun = self._last = 0.0
        self._told: set[str] = set()

    def started(self, images: int, remaining: int) -> None:
        """Say how much there is to do."""
        self._total, self._done = images, images - remaining
        self._already = self._done
        known = f", {self._done} already done" if self._done else ""
        _say(f"{images} fused images to measure{known}")

    def advanced(self, result: ImageResult) -> None:
        """Count one result."""
        self._done += 1
        now = time.monotonic()
        if self._done == self._already + 1:
            # Counted from the first result: creating methods is no measure of how fast images go.
            self._begun = self._last = now
        for reason in _new_reasons(self._told, result):
            _say(f"failed: {reason}")
        if now - self._last >= LINE_EVERY_SECONDS:
            self._last = now
            rate = (self._done - self._already) / (now - self._begun)
            _say(f"{self._done} of {self._total}, {(self._total - self._done) / rate:.0f} s left")


@contextmanager
def shown(*, quiet: bool) -> Iterator[Listener]:
    """A listener that shows progress the way standard error can."""
    if quiet:
        yield Silent()
    elif not sys.stderr.isatty():
        yield Lines()
    else:
        with _rich_progress() as progress:
            yield Bar(progress)


def _rich_progress() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _new_reasons(told: set[str], result: ImageResult) -> list[str]:
    lines = [reason if result.image in reason else f"{result.image}: {reason}" for reason in result.reasons]
    new = [line for line in lines if line not in told]
    told.update(new)
    return new


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
