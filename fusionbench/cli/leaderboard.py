"""`fusionbench leaderboard`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fusionbench.cli import options


def leaderboard(
    results: options.Results = Path("results"),
    out: options.TablesFolder = Path("leaderboards"),
    formats: Annotated[str, typer.Option("--format", help="md, csv or both: md,csv.")] = "md,csv",
    costs: Annotated[
        Path | None,
        typer.Option("--costs", help="What methods cost: the JSON of fusionbench cost all --json."),
    ] = None,
    against: options.Against = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Make tables of everything in the store: one for each dataset, split and degradation."""
    from fusionbench.api import leaderboard as make
    from fusionbench.cli.progress import shown
    from fusionbench.cli.tables import print_json, print_tables
    from fusionbench.ranking.files import write_tables

    with shown(quiet=quiet or as_json) as listener:
        tables = make(results, costs=costs, against=options.rivals_in(against), listener=listener)
    written = write_tables(tables, out, options.names_in([formats]) or [])
    if as_json:
        print_json(tables)
    elif not quiet:
        print_tables(tables)
        typer.echo("tables: " + ", ".join(str(path) for path in written))
