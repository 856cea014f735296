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
    """A progress bar with the number of failures; what failed is told at the end."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None
        self._scoring: TaskID | None = None
        self._failed = 0

    def started(self, images: int, remaining: int) -> None:
        """Show the bar, already filled as far as earlier runs came."""
        if remaining:
            self._task = self._progress.add_task("evaluating", total=images, completed=images - remaining)

    def advanced(self, result: ImageResult) -> None:
        """Move on by one result."""
        if self._task is None:
            return
        if result.reasons:
            self._failed += 1
            self._progress.update(self._task, description=f"evaluating, {self._failed} failed")
        self._progress.advance(self._task)

    def scored(self) -> None:
        """Count one cell; how many there will be is not known."""
        if self._scoring is None:
            self._scoring = self._progress.add_task("drawing sets for intervals", total=None)
        self._progress.advance(self._scoring)


class Lines:
    """Plain lines for logs and pipes."""

    def __init__(self) -> None:
        self._total = 0
        self._done = 0
        self._already = 0
        self._failed = 0
        self._scored = 0
        self._begun = self._last = time.monotonic()

    def started(self, images: int, remaining: int) -> None:
        """Say how much there is to do."""
        self._total, self._done = images, images - remaining
        self._already = self._done
        if remaining:
            known = f", {self._done} more are already done" if self._done else ""
            _say(f"{remaining} fused images to measure{known}")

    def advanced(self, result: ImageResult) -> None:
        """Count one result."""
        self._done += 1
        self._failed += bool(result.reasons)
        now = time.monotonic()
        if self._done == self._already + 1:
            # Counted from the first result: creating methods is no measure of how fast images go.
            self._begun = self._last = now
        if now - self._last >= LINE_EVERY_SECONDS:
            self._last = now
            rate = (self._done - self._already) / (now - self._begun)
            failed = f", {self._failed} failed" if self._failed else ""
            left = (self._total - self._done) / rate
            _say(f"{self._done} of {self._total}{failed}, {left:.0f} s left")

    def scored(self) -> None:
        """Count one cell."""
        self._scored += 1
        now = time.monotonic()
        if now - self._last >= LINE_EVERY_SECONDS:
            self._last = now
            _say(f"drawing sets for intervals: {self._scored} cells done")


@contextmanager
def shown(*, quiet: bool) -> Iterator[Listener]:
    """A listener that shows progress the way standard error can."""
    if quiet:
        yield Silent()
    elif not sys.stderr.isatty():
        yield Lines()
    else:
        with bar() as progress:
            yield Bar(progress)


def bar() -> Progress:
    """A bar on standard error that leaves when it is done."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
