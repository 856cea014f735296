"""Tables in a terminal, and as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fusionbench.ranking.table import Column, Row, Table
from fusionbench.ranking.tidy import records

if TYPE_CHECKING:
    from rich.table import Table as RichTable
    from rich.text import Text

NAME_WIDTH = 30
"""Characters of a method's name in a line."""

NUMBER_WIDTH = 6
"""Characters of a mean: 0.1234 or 123.45."""

GAP = 2
"""Characters between two columns."""


def print_tables(tables: Sequence[Table]) -> None:
    """Print tables for a person, as one grid each where the terminal is wide enough."""
    from rich.console import Console

    console = Console()
    for table in tables:
        console.print(f"{table.title} ({table.images} pairs)", style="bold", highlight=False, markup=False)
        if table.left_out:
            console.print(table.left_out, highlight=False, markup=False)
        for index, columns in enumerate(_grids(table, console.width)):
            console.print(_grid(table, columns, ranked=index == 0), "")
    for note in _notes(tables):
        console.print(note, style="dim", highlight=False, markup=False)


def print_json(tables: Sequence[Table]) -> None:
    """Print tables as one JSON document for a machine."""
    document = {
        "tables": [
            {"title": table.title, "records": list(records(table)), "failures": list(table.all_failures)}
            for table in tables
        ]
    }
    json.dump(document, sys.stdout, indent=1)
    sys.stdout.write("\n")


def _grids(table: Table, width: int) -> list[list[Column]]:
    """Share columns out so that no grid is wider than the terminal; what was degraded starts a new one."""
    if _width(table, table.columns) <= width:
        return [list(table.columns)]
    grids: list[list[Column]] = [[]]
    for column in table.columns:
        starts_degraded = column.reference == "degraded" and all(c.reference != "degraded" for c in grids[-1])
        if grids[-1] and (starts_degraded or _width(table, [*grids[-1], column]) > width):
            grids.append([])
        grids[-1].append(column)
    return grids


def _width(table: Table, columns: Sequence[Column]) -> int:
    """Characters of a grid of these columns."""
    names = min(max(len(_name(row)) for row in table.rows), NAME_WIDTH)
    widths = [_column_width(table, column) + GAP for column in columns]
    return names + len("  rank  failed") + sum(widths)


def _column_width(table: Table, column: Column) -> int:
    values = [row.values[column] for row in table.rows if column in row.values]
    head = max(len(line) for line in _head(column).split("\n"))
    return max(head, NUMBER_WIDTH, *(len(table.number(column, value)) for value in values))


def _grid(table: Table, columns: Sequence[Column], *, ranked: bool) -> RichTable:
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    grid = RichTable(box=box.SIMPLE_HEAD, show_edge=False, collapse_padding=True)
    # A long name goes on in the next line: numbers may not be cut for it.
    grid.add_column("Method", overflow="fold", max_width=NAME_WIDTH)
    for column in columns:
        grid.add_column(_head(column), justify="right", no_wrap=True)
    failed = ranked and any(row.failed_images for row in table.rows)
    if ranked:
        grid.add_column("mean\nrank", justify="right", no_wrap=True)
    if failed:
        grid.add_column("failed", justify="right", style="red", no_wrap=True)
    for row in table.rows:
        cells: list[Text | str] = [_cell(table, row, column) for column in columns]
        if ranked:
            cells.append("–" if row.mean_rank is None else f"{row.mean_rank:.2f}")
        if failed:
            cells.append(str(row.failed_images or ""))
        grid.add_row(Text(_name(row)), *cells, style="dim" if row.reference else "")
    return grid


def _head(column: Column) -> str:
    arrow = "↑" if column.direction == "higher" else "↓"
    below = f"\n{column.against}" if column.against else ""
    return f"{column.label} {arrow}{below}"


def _name(row: Row) -> str:
    return f"({row.label})" if row.reference else row.label


def _cell(table: Table, row: Row, column: Column) -> Text:
    from rich.text import Text

    value = row.values.get(column)
    if value is None:
        return Text("–")
    style = {1: "bold", 2: "underline"}.get(value.place or 0, "")
    # As a span: the style of a whole text would also underline the blanks that align it.
    return Text.assemble((table.number(column, value), style))


def _notes(tables: Sequence[Table]) -> list[str]:
    """What holds for all tables, in one line, and a line for each sentence about figures of whole sets."""
    profiles = ", ".join(dict.fromkeys(table.profile for table in tables))
    notes = [f"metrics: {profiles}", "bold best, underlined second; (in brackets) for reference, not ranked"]
    if any(column.reference == "degraded" for table in tables for column in table.columns):
        notes.append("clean / degraded: compared with the undamaged / the damaged pair")
    if any(table.synthetic for table in tables):
        notes.append("synthetic scenes: no evidence about methods")
    of_sets: dict[str, list[str]] = {}
    for table in tables:
        for note in table.notes:
            of_sets.setdefault(note, []).append(table.title)
    return ["; ".join(notes), *(_note(note, of, len(tables)) for note, of in of_sets.items())]


def _note(note: str, of: Sequence[str], tables: int) -> str:
    """A sentence, with the tables it is about where that is not all of them; emphasis is Markdown's."""
    text = note.replace("**", "")
    return text if len(of) == tables else f"{'; '.join(of)}: {text}"
