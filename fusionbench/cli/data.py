"""`fusionbench data`: look datasets over, get them and split them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fusionbench.cli import options
from fusionbench.datasets.sources import SOURCES, Source
from fusionbench.errors import InputError

app = typer.Typer(help="Look datasets over, get them and split them.", no_args_is_help=True)

Window = Annotated[int, typer.Option(help="Positions within which two images may be frames of one video.")]
Near = Annotated[int, typer.Option(help="Most of 64 bits that differ between frames within the window.")]
Anywhere = Annotated[
    int, typer.Option(help="Most of 64 bits that differ between copies, wherever they stand.")
]
DatasetToRead = Annotated[str, typer.Argument(help="Dataset.", autocompletion=options.complete_dataset)]


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
    from fusionbench.datasets.sources import source

    wanted = source(dataset)
    data_report.print_terms(wanted)
    if wanted.lists:
        _download_lists(wanted, root, any((url, archive, sha256)))
        return
    if wanted.repository is None and url is None and archive is None:
        data_report.print_steps(wanted)
        raise typer.Exit(1)
    into = _target_root(root)
    with data_report.transferring() as on_step:
        installed = install(wanted, into, on_step, url=url, archive=archive, sha256=sha256)
    data_report.print_installed(installed)
    if wanted.companion:
        typer.echo(f"boxes for it: fusionbench data download {wanted.companion} --root {into}")


@app.command()
def split(
    dataset: DatasetToRead,
    out: Annotated[Path, typer.Option(help="Folder for the lists, groups.csv and split.json.")],
    root: options.Root = None,
    of: Annotated[
        str | None, typer.Option("--split", help="Split to divide (default: all, else the first).")
    ] = None,
    dataset_option: options.DatasetOption = None,
    shares: Annotated[str, typer.Option(help="Percent for train/val/test, or train/test.")] = "70/10/20",
    seed: Annotated[int, typer.Option(help="Decides between groups of one size.")] = 0,
    window: Window = 10,
    near: Near = 10,
    anywhere: Anywhere = 4,
    as_json: options.AsJson = False,
) -> None:
    """Split a dataset so that images that look alike stay in one part, with the boxes of each class balanced.

    Takes every image of the dataset. The lists are for `--dataset-option list=FILE`.
    """
    from fusionbench.cli import data_report, split_report
    from fusionbench.datasets.grouped_split import read_shares
    from fusionbench.datasets.image_hashes import open_whole
    from fusionbench.datasets.split_files import Thresholds, make_split, write_split

    wanted, thresholds = read_shares(shares), Thresholds(window, near, anywhere)
    opened = open_whole(dataset, root, of, options.dataset_options(dataset_option))
    with data_report.counting() as on_split:
        made = make_split(opened, wanted, seed, thresholds, on_split(dataset, len(opened.samples)))
    digests = write_split(made, out)
    if as_json:
        split_report.print_split_json(made, digests)
    else:
        split_report.print_split(made, digests, out)


@app.command()
def leakage(
    dataset: DatasetToRead,
    train: Annotated[str, typer.Option(help="List of ids to train on, or a split's name.")],
    test: Annotated[str, typer.Option(help="List of ids to test on, or a split's name.")],
    root: options.Root = None,
    of: Annotated[
        str | None, typer.Option("--split", help="Split that holds both (default: all, else the first).")
    ] = None,
    dataset_option: options.DatasetOption = None,
    window: Window = 10,
    near: Near = 10,
    anywhere: Anywhere = 4,
    as_json: options.AsJson = False,
) -> None:
    """Look for test images that look like training images; exit 1 if there are some."""
    from fusionbench.cli import data_report, split_report
    from fusionbench.datasets.image_hashes import open_whole
    from fusionbench.datasets.leakage import find_leakage, listed_ids
    from fusionbench.datasets.split_files import Thresholds

    thresholds = Thresholds(window, near, anywhere)
    chosen = options.dataset_options(dataset_option)
    opened = open_whole(dataset, root, of, chosen)
    lists = [listed_ids(opened, given, root, chosen) for given in (train, test)]
    with data_report.counting() as on_split:
        on_sample = on_split(dataset, len({*lists[0], *lists[1]}))
        report = find_leakage(opened, lists[0], lists[1], thresholds, on_sample)
    if as_json:
        split_report.print_leakage_json(report)
    else:
        split_report.print_leakage(report)
    if report.leaks:
        raise typer.Exit(1)


def _download_lists(wanted: Source, root: Path | None, other_archive: bool) -> None:
    from fusionbench.cli import data_report
    from fusionbench.datasets.published_lists import install_lists

    if other_archive:
        raise InputError(f"{wanted.name}: has no archive; leave out --url, --from and --sha256")
    with data_report.transferring() as on_step:
        data_report.print_installed(install_lists(wanted, _target_root(root), on_step))


def _target_root(root: Path | None) -> Path:
    from fusionbench.datasets.roots import data_root

    into = data_root(None, root)
    if into is None:
        raise InputError("data download: give --root DIR, the folder that is to hold the dataset's own")
    return into


def _nothing_found(root: Path | None) -> str:
    from fusionbench.datasets.roots import data_root

    place = data_root(None, root)
    where = f"{place}: holds no known dataset" if place else "no data folder is set"
    return f"{where}; give --root, or get one with `fusionbench data download` ({', '.join(SOURCES)})"
