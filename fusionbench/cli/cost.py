"""`fusionbench cost`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fusionbench.cli import options
from fusionbench.errors import FusionbenchError, InputError

if TYPE_CHECKING:
    from fusionbench.costing import Cost


def cost(
    methods: Annotated[
        list[str],
        typer.Argument(help="Methods as eval takes them, or all.", autocompletion=options.complete_method),
    ],
    weights: Annotated[
        list[str] | None, typer.Option(metavar="NAME=FILE", help="Trained weights of a method; repeat.")
    ] = None,
    size: Annotated[str, typer.Option(metavar="WIDTHxHEIGHT", help="Of the pair.")] = "640x480",
    threads: Annotated[int, typer.Option(help="Of torch, on the CPU.", min=1)] = 1,
    device: options.DeviceName = "cpu",
    as_json: options.AsJson = False,
) -> None:
    """Measure what methods cost: weights, multiplications, seconds and memory for one pair.

    Each runs in a process of its own. Compare figures of one run only: machines and their neighbours differ.
    """
    from fusionbench.costing import cost_of
    from fusionbench.evaluation.method_choice import choose_methods

    files = {
        name: Path(path).expanduser()
        for name, path in options.named_values("--weights NAME=FILE", weights).items()
    }
    chosen, left_out = choose_methods(options.names_in(methods), files)
    height, width = _size(size)
    found: dict[str, Cost] = {}
    failures: list[str] = []
    for name in chosen:
        try:
            given = files.get(name, files.get(name.rpartition(">")[2]))
            found[name] = cost_of(
                name, given, size=(height, width), device=options.device(device), threads=threads
            )
        except FusionbenchError as error:
            failures.append(str(error))
    show_costs(found, as_json=as_json)
    for reason in left_out:
        typer.echo(f"left out: {reason}", err=True)
    for failure in failures:
        typer.echo(f"failed: {failure}", err=True)
    if failures:
        raise typer.Exit(1)


def show_costs(found: dict[str, Cost], *, as_json: bool) -> None:
    """A table in the terminal, the quickest first; or JSON, as `leaderboard --costs` reads it."""
    from dataclasses import asdict

    if as_json:
        import json

        typer.echo(json.dumps({name: asdict(each) for name, each in found.items()}, indent=2))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    grid = Table(box=box.SIMPLE_HEAD)
    grid.add_column("method", no_wrap=True)
    for column in ("weights", "GMAC", "seconds", "MB"):
        grid.add_column(column, justify="right", no_wrap=True)
    for name, each in sorted(found.items(), key=lambda item: item[1].seconds):
        grid.add_row(
            name,
            "–" if each.parameters is None else f"{each.parameters:,}",
            "–" if each.gmacs is None else f"{each.gmacs:.2f}",
            f"{each.seconds:.2f}",
            f"{each.megabytes:.0f}",
        )
    Console().print(grid)


def _size(text: str) -> tuple[int, int]:
    width, x, height = text.lower().partition("x")
    if not (x and width.isdigit() and height.isdigit() and int(width) and int(height)):
        raise InputError(f"--size {text}: write WIDTHxHEIGHT, such as 640x480")
    return int(height), int(width)
