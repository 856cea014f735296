"""What `fusionbench data split` and `fusionbench data leakage` print."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fusionbench.datasets.leakage import LeakageReport, Neighbours
from fusionbench.datasets.near_duplicates import BITS
from fusionbench.datasets.split_files import Split, describe

_SHOWN_PAIRS = 10
_SHOWN_DIGITS = 12
_BIN_EDGES = (0, 1, 5, 9, 13, 17, 21, 25, BITS + 1)


def print_split(split: Split, digests: Mapping[str, str], folder: Path) -> None:
    """Print what each part holds, what a reader should know, and where the lists are."""
    console = Console()
    table = _table(("", *(f"{part} ({share:g} %)" for part, share in split.shares.items())))
    parts = list(split.counts.values())
    table.add_row("images", *(_of(part.images, len(split.items)) for part in parts))
    table.add_row("groups", *(str(part.groups) for part in parts))
    for label in parts[0].boxes:
        total = sum(part.boxes[label] for part in parts)
        table.add_row(label, *(_of(part.boxes[label], total) for part in parts))
        table.add_row("  in groups", *(str(part.groups_with[label]) for part in parts))
    console.print(table)
    for remark in split.remarks:
        _say(console, remark, style="yellow")
    for name, digest in digests.items():
        _say(console, f"{folder / name}  sha256 {digest[:_SHOWN_DIGITS]}…")


def print_split_json(split: Split, digests: Mapping[str, str]) -> None:
    """Print what `split.json` holds."""
    _print_json(describe(split, digests))


def print_leakage(report: LeakageReport) -> None:
    """Print a histogram of distances, the worst pairs, and the verdict."""
    console = Console()
    bins = list(pairwise(_BIN_EDGES))
    table = _table(("Nearest training image", *(_range(low, high - 1) for low, high in bins)))
    for modality, histogram in report.histogram.items():
        table.add_row(modality, *(str(sum(histogram[low:high]) or "–") for low, high in bins))
    console.print(table)
    _say(console, f"test images by bits of {BITS} that differ; worst pairs, test and training image:")
    for line in _worst(report.nearest[:_SHOWN_PAIRS]):
        _say(console, line)
    limits = report.thresholds
    rule = f"{limits.anywhere} bits anywhere, {limits.near} within {limits.window} positions"
    verdict = f"{len(report.leaks)} of {report.test_images} test images leak ({rule})"
    _say(console, verdict, style="bold red" if report.leaks else "green")


def print_leakage_json(report: LeakageReport) -> None:
    """Print the whole report as one JSON document."""
    document = asdict(report)
    document["leaks"] = len(report.leaks)
    _print_json(document)


def _worst(pairs: Sequence[Neighbours]) -> Iterator[str]:
    for pair in pairs:
        mark = "leaks: " if pair.leaks else ""
        if pair.test == pair.train:
            yield f"  {mark}{pair.test} is in both lists"
        else:
            yield (
                f"  {mark}{pair.test} and {pair.train}: {pair.distance} bits ({pair.modality}), "
                f"{pair.apart} positions apart"
            )


def _range(low: int, high: int) -> str:
    if low == high:
        return str(low)
    return f"{low}+" if high == BITS else f"{low}–{high}"


def _of(count: int, total: int) -> str:
    return f"{count} ({100 * count / total:.1f} %)"


def _table(columns: Sequence[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left")
    return table


def _say(console: Console, text: str, style: str = "") -> None:
    console.print(Text(text, style=style), soft_wrap=True)


def _print_json(document: Mapping[str, Any]) -> None:
    json.dump(document, sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")
