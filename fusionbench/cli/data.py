"""`fusionbench data`: look datasets over and get them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fusionbench.cli import options
from fusionbench.datasets.sources import SOURCES
from fusionbench.errors import InputError

app = typer.Typer(help="Look datasets over and get them.", no_args_is_help=True)


def _complete_source(incomplete: str) -> list[str]:
    return [name for name in SOURCES if name.startswith(incomplete)]


@app.command()
def check(
    dataset: Annotated[
        str | None,
        typer.Argument(
            help="Dataset (default: all that are found).", autocompletion=options.complete_dataset
        ),
    ] = None,
    root: options.Root = None,
    split: Annotated[str | None, typer.Option(help="Only this split (default: all that are there).")] = None,
    dataset_option: options.DatasetOption = None,
    as_json: options.AsJson = False,
) -> None:
    """Count, pair and decode every file, read every label; exit 1 if something cannot be used.

    Fewer images than the authors document are reported, but are no error: a sample may be all you need.
    """
    from fusionbench import registry
    from fusionbench.cli import data_report
    from fusionbench.datasets.check import check_dataset, datasets_under

    names = [dataset] if dataset else datasets_under(root)
    if not names:
        raise InputError(_nothing_found(root))
    given = options.dataset_options(dataset_option)
    with data_report.counting() as on_split:
        reports = [check_dataset(name, root, split, given, on_split) for name in names]
    if as_json:
        data_report.print_json(reports)
    else:
        absent = (
            []
            if dataset
            else [name for name in registry.names("dataset") if name in SOURCES and name not in names]
        )
        data_report.print_report(reports, absent)
    if any(report.problems for report in reports):
        raise typer.Exit(1)


@app.command()
def download(
    dataset: Annotated[
        str, typer.Argument(help=f"One of {', '.join(SOURCES)}.", autocompletion=_complete_source)
    ],
    root: Annotated[
        Path | None,
        typer.Option(
            help="Folder that is to hold the dataset's own (default: FUSIONBENCH_DATA, config file)."
        ),
    ] = None,
    url: Annotated[str | None, typer.Option(help="A mirror of the zip archive.")] = None,
    archive: Annotated[
        Path | None, typer.Option("--from", help="A zip archive you have; it stays where it is.")
    ] = None,
    sha256: Annotated[str | None, typer.Option(help="Checksum the archive must have.")] = None,
) -> None:
    """Download, verify and unpack a dataset, or say what a person must do where a share link forbids it.

    Run again, it resumes. Nothing that exists is overwritten.
    """
    from fusionbench.cli import data_report
    from fusionbench.datasets.download import install
    from fusionbench.datasets.roots import data_root
    from fusionbench.datasets.sources import source

    wanted = source(dataset)
    data_report.print_terms(wanted)
    if wanted.repository is None and url is None and archive is None:
        data_report.print_steps(wanted)
        raise typer.Exit(1)
    into = data_root(None, root)
    if into is None:
        raise InputError("data download: give --root DIR, the folder that is to hold the dataset's own")
    with data_report.transferring() as on_step:
        installed = install(wanted, into, on_step, url=url, archive=archive, sha256=sha256)
    data_report.print_installed(installed)
    if wanted.companion:
        typer.echo(f"boxes for it: fusionbench data download {wanted.companion} --root {into}")


def _nothing_found(root: Path | None) -> str:
    from fusionbench.datasets.roots import data_root

    place = data_root(None, root)
    where = f"{place}: holds no known dataset" if place else "no data folder is set"
    return f"{where}; give --root, or get one with `fusionbench data download` ({', '.join(SOURCES)})"
