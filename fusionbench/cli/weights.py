"""`fusionbench weights`: the files that published methods need."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fusionbench.cli import options
from fusionbench.errors import InputError

if TYPE_CHECKING:
    from fusionbench.contracts import MethodCard

app = typer.Typer(help="Weights of published methods: what there is, get them, where they lie.")

EVERY_METHOD = "all"


@app.command("list")
def list_weights() -> None:
    """List every file: method, size, licence, and whether it is here."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from fusionbench.official_weights import where_official_weights_are

    grid = Table(box=box.SIMPLE_HEAD)
    for column in ("method", "file", "KB", "licence of the weights", "here"):
        grid.add_column(column, justify="right" if column == "KB" else "left", overflow="fold")
    for card in _cards():
        here = "yes" if where_official_weights_are(card) else "no"
        for each in card.official_weights:
            note = "" if each.url else " (convert it: see info)"
            grid.add_row(card.name, each.name + note, f"{each.size / 1000:.0f}", each.licence, here)
    Console().print(grid)


@app.command("get")
def get_weights(
    methods: Annotated[
        list[str], typer.Argument(help="Methods, or all.", autocompletion=options.complete_method)
    ],
    source: Annotated[
        Path | None, typer.Option("--from", help="Folder that holds the authors' files already.")
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Download, check and convert the weights of methods into FUSIONBENCH_WEIGHTS or the user's cache."""
    from fusionbench.official_weights import get_official_weights

    known = {card.name: card for card in _cards()}
    failed = False
    for name in known if EVERY_METHOD in methods else methods:
        try:
            path = get_official_weights(_card_called(name, known), source)
        except InputError as error:
            if len(methods) == 1 and EVERY_METHOD not in methods:
                raise
            typer.echo(f"failed: {error}", err=True)
            failed = True
            continue
        if not quiet:
            typer.echo(f"{name}: {path}")
    if failed:
        raise typer.Exit(1)


@app.command("path")
def path_of_weights(
    method: Annotated[str, typer.Argument(help="Method.", autocompletion=options.complete_method)],
) -> None:
    """Print where the weights of a method lie."""
    from fusionbench.official_weights import where_official_weights_are

    card = _card_called(method, {card.name: card for card in _cards()})
    found = where_official_weights_are(card)
    if found is None:
        raise InputError(f"weights of {method} are not here; fusionbench weights get {method}")
    typer.echo(str(found))


def _cards() -> list[MethodCard]:
    """Of the methods that need their authors' weights."""
    from fusionbench import registry
    from fusionbench.method_references import card_of

    cards = [card_of(method) for method in registry.load_all("method").values()]
    return [card for card in cards if card.official_weights]


def _card_called(name: str, known: dict[str, MethodCard]) -> MethodCard:
    from fusionbench import registry

    if name not in known and name in registry.names("method"):
        raise InputError(f"method {name} needs no weights of its authors")
    if name not in known:
        from fusionbench.errors import UnknownNameError

        raise UnknownNameError("method with weights", name, known)
    return known[name]
