"""What `fusionbench data` prints."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Literal

from rich import box
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

from fusionbench.datasets.check import INCOMPLETE, DatasetReport, SplitReport
from fusionbench.datasets.sources import SOURCES, Source

if TYPE_CHECKING:
    from fusionbench.datasets.archives import Progress as OnBytes
    from fusionbench.datasets.download import Installed

_SHOWN_PROBLEMS = 20
_SHOWN_SIZES = 2
_LABEL_WIDTH = 9


def print_report(reports: Sequence[DatasetReport], not_found: Sequence[str]) -> None:
    """Print a table of all splits, what is peculiar or wrong with each dataset, and what was not found."""
    console = Console()
    table = Table(box=box.SIMPLE_HEAD)
    for name, justify in _COLUMNS:
        table.add_column(name, justify=justify)
    for report in reports:
        for split in report.splits:
            table.add_row(report.card.name, split.split, *_cells(split))
    console.print(table)
    for report in reports:
        _print_details(report, console)
    if not_found:
        console.print()
        _line(console, "not found", ", ".join(not_found))


def print_json(reports: Sequence[DatasetReport]) -> None:
    """Print the whole report as one JSON document."""
    document = [
        {
            "dataset": report.card.name,
            "source": report.card.source,
            "licence": report.card.licence,
            "missing_splits": list(report.missing_splits),
            "splits": [{**asdict(split), "state": split.state} for split in report.splits],
        }
        for report in reports
    ]
    json.dump(document, sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")


def print_terms(source: Source) -> None:
    """Print where a dataset comes from and under which terms."""
    console = Console()
    _line(console, source.folder, source.origin)
    _line(console, "terms", source.terms)


def print_steps(source: Source) -> None:
    """Print what a person must do to get a dataset that no program can download."""
    console = Console()
    console.print("A share link stands in the way of a program; do this:", highlight=False)
    for number, step in enumerate(source.steps, start=1):
        _line(console, f"{number}.", step)


def print_installed(installed: Installed) -> None:
    """Print where a dataset was put and what was counted."""
    console = Console()
    counts = ", ".join(f"{name} {count}" for name, count in installed.counts.items())
    _line(console, "verified", counts)
    _line(console, "unpacked", str(installed.folder))


@contextmanager
def counting() -> Iterator[Callable[[str, int], Callable[[], None]]]:
    """Progress on standard error: called with a name and a number of samples, gives what to call for each."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:

        def on_split(name: str, total: int) -> Callable[[], None]:
            task = progress.add_task(name, total=total)
            return lambda: progress.advance(task)

        yield on_split


@contextmanager
def transferring() -> Iterator[Callable[[str], OnBytes]]:
    """Progress in bytes on standard error: called with a step's name, gives what is told of its progress."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:

        def on_step(name: str) -> OnBytes:
            task = progress.add_task(name, total=None)
            return lambda done, total: progress.update(task, completed=done, total=total)

        yield on_step


_COLUMNS: tuple[tuple[str, Literal["left", "right"]], ...] = (
    ("Dataset", "left"),
    ("Split", "left"),
    ("Pairs", "right"),
    ("Size", "left"),
    ("Boxes in", "right"),
    ("Masks in", "right"),
    ("Result", "left"),
)


def _cells(split: SplitReport) -> list[str | Text]:
    result = Text("usable", style="green")
    if split.problems:
        result = Text(f"{len(split.problems)} problems", style="bold red")
    return [
        str(split.pairs) if split.documented is None else f"{split.pairs} of {split.documented}",
        _sizes(split),
        str(split.pairs_with_boxes or "–"),
        str(split.pairs_with_masks or "–"),
        result,
    ]


def _sizes(split: SplitReport) -> str:
    sizes = list(split.sizes)
    if len(sizes) <= _SHOWN_SIZES:
        return "\n".join(sizes)
    widths, heights = zip(*(map(int, size.split("x")) for size in sizes), strict=True)
    return f"{len(sizes)} sizes\n{min(widths)}–{max(widths)} x {min(heights)}–{max(heights)}"


def _print_details(report: DatasetReport, console: Console) -> None:
    console.print(Text(f"\n{report.card.title}", style="bold"))
    for split in report.splits:
        for name, text in _facts(split):
            _line(console, name, text)
    _line(console, "source", report.card.source)
    _line(console, "terms", report.card.licence)
    if report.missing_splits or any(split.state == INCOMPLETE for split in report.splits):
        _print_how_to_complete(report, console)
    for problem in report.problems[:_SHOWN_PROBLEMS]:
        _line(console, "problem", problem, style="red")
    if len(report.problems) > _SHOWN_PROBLEMS:
        _line(
            console, "", f"and {len(report.problems) - _SHOWN_PROBLEMS} more; --json lists all", style="red"
        )


def _facts(split: SplitReport) -> Iterator[tuple[str, str]]:
    if split.layout:
        yield split.split, split.layout
    if split.boxes:
        yield (
            "" if split.layout else split.split,
            "boxes: " + ", ".join(f"{count} {label}" for label, count in split.boxes.items()),
        )
    for note in split.notes:
        yield "", note


def _print_how_to_complete(report: DatasetReport, console: Console) -> None:
    missing = f"; not there: {', '.join(report.missing_splits)}" if report.missing_splits else ""
    _line(console, "state", f"{INCOMPLETE}{missing}")
    source = SOURCES.get(report.card.name)
    if source is None:
        return
    for step in source.steps or (f"fusionbench data download {source.name} --root DIR",):
        _line(console, "get it", step)
    if source.companion and not any(split.pairs_with_boxes for split in report.splits):
        _line(console, "boxes", f"fusionbench data download {source.companion} --root DIR")


def _line(console: Console, name: str, text: str, style: str = "") -> None:
    """Print a named line, its continuation indented."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(min_width=_LABEL_WIDTH, style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(name), Text(text, style=style))
    console.print(grid)
