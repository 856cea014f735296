"""`fusionbench degrade`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fusionbench.cli import options
from fusionbench.errors import InputError

if TYPE_CHECKING:
    from fusionbench.contracts import Dataset
    from fusionbench.degrading import Condition
    from fusionbench.degrading.writing import Written


def degrade(
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to, in the layout of the dataset.")
    ] = None,
    degradation: Annotated[
        str | None,
        typer.Option(
            "--degradation",
            "-x",
            help="haze, haze@2.5, haze+low_light@2 (default: haze); for --sheet a list with commas "
            "(default: all).",
            autocompletion=options.complete_degradation,
        ),
    ] = None,
    severity: Annotated[
        str | None,
        typer.Option("--severity", "-s", help="1 to 5, or between two levels (default: 3)."),
    ] = None,
    dataset: options.DatasetName = "folder",
    root: options.Root = None,
    split: options.Split = None,
    dataset_option: options.DatasetOption = None,
    visible: options.VisibleFolder = None,
    infrared: options.InfraredFolder = None,
    depth: options.DepthFolder = None,
    limit: options.Limit = None,
    seed: options.Seed = 0,
    native: options.Native = "auto",
    maps: Annotated[bool, typer.Option("--maps", help="Write the ground truth too, as maps/ID.npz.")] = False,
    verify: Annotated[
        Path | None, typer.Option(help="Check a folder that was written before, and do nothing else.")
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(help="Draw degradations of one --image by all severities into this PNG, and no more."),
    ] = None,
    image: Annotated[str | None, typer.Option(help="Id of the pair to draw (default: the first).")] = None,
    quiet: options.Quiet = False,
) -> None:
    """Write degraded copies of a dataset, reproducible to the bit.

    With any dataset: `degrade --dataset msrs -x haze -s 3 --out DIR`. With your own images:
    `degrade --visible DIR --infrared DIR -x low_light --out DIR`. Interrupted, the same command continues.
    """
    from fusionbench.datasets import open_dataset
    from fusionbench.degrading.native_choice import chosen_samples, left_out
    from fusionbench.degrading.writing import degrade_dataset

    if verify is not None:
        _require(out is None, "--out: --verify checks a folder and writes none; leave it out")
        _verify(verify, quiet=quiet)
        return
    chosen = options.dataset_options(dataset_option, visible, infrared, depth)
    if sheet is not None:
        _require(severity is None, "--severity: a sheet shows all; for one write --degradation haze@2")
        _draw(sheet, open_dataset(dataset, root, split, chosen), image, degradation, seed)
        if not quiet:
            typer.echo(f"drawn in {sheet}")
        return
    _require(image is None, "--image: is for --sheet; give --sheet FILE.png too")
    if out is None:
        raise InputError("--out: give the folder to write to")
    _require(limit is None or limit > 0, f"--limit {limit}: expected 1 or more")
    condition = _condition(degradation, severity)
    opened = open_dataset(dataset, root, split, chosen)
    samples = chosen_samples(opened.samples, condition, native, limit)
    named = options.dataset_options(dataset_option)
    images = degrade_dataset(opened, condition, seed, out, options=named, maps=maps, samples=samples)
    counts = _follow(images, len(samples), quiet=quiet)
    _tell_left_out(left_out(opened.samples, samples, limit))
    if not quiet:
        typer.echo(
            f"{condition.name}: {counts['written']} written, {counts['kept']} there already, "
            f"{counts['failed']} failed, in {out}"
        )
    if counts["failed"]:
        raise typer.Exit(1)


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise InputError(otherwise)


def _tell_left_out(counts: Mapping[str, int]) -> None:
    if counts:
        images = " and ".join(f"{number} ({taken_in})" for taken_in, number in counts.items())
        typer.echo(f"images left out: {images}; --native all takes every image", err=True)


def _condition(degradation: str | None, severity: str | None) -> Condition:
    """The one condition of a set."""
    from fusionbench.degrading import parse_condition, parse_severities

    text = "haze" if degradation is None else degradation
    if "," in text:
        raise InputError(
            f"--degradation {text}: a set has one condition; join degradations with + to have them together, "
            "or run the command once for each"
        )
    severities = parse_severities(options.severity_of(severity, [text]))
    if len(severities) > 1:
        raise InputError(f"--severity {severity}: a set has one severity; run the command once for each")
    return parse_condition(text).with_severity(severities[0])


def _draw(file: Path, dataset: Dataset, image_id: str | None, degradations: str | None, seed: int) -> None:
    from fusionbench import registry
    from fusionbench.degrading import parse_condition
    from fusionbench.degrading.native_choice import natives_unsuited_to
    from fusionbench.degrading.sheet import render_sheet, sample_called
    from fusionbench.images import write_png

    if file.suffix.lower() != ".png":
        raise InputError(f"--sheet {file}: expected a file name that ends in .png")
    usable = [sample.id for sample in dataset.samples if sample.problem is None]
    if not usable:
        raise InputError(f"{dataset.card.name}: split {dataset.split!r} has no pair that can be read")
    sample = sample_called(dataset, usable[0] if image_id is None else image_id)
    names = None if degradations is None else options.names_in([degradations]) or [""]
    conditions = [parse_condition(name) for name in names or registry.load_all("degradation")]
    for condition in conditions:
        if sample.native in natives_unsuited_to(condition):
            note = f"note: {sample.id} was taken in {sample.native}, where {condition.name} is not applied"
            typer.echo(f"{note} unless asked", err=True)
    write_png(file, render_sheet(dataset.load(sample), conditions, seed, dataset.card.name))


def _verify(folder: Path, *, quiet: bool) -> None:
    from fusionbench.degrading.manifest import read_manifest, read_settings
    from fusionbench.degrading.reestimation import reestimate
    from fusionbench.degrading.writing import verify_set

    read_settings(folder)
    checked = len(read_manifest(folder))
    if checked == 0:
        raise InputError(f"{folder}: its manifest lists no image; there is nothing to verify")
    mismatches = 0
    for line in verify_set(folder):
        print(line, file=sys.stderr)
        mismatches += 1
    if not quiet:
        typer.echo(f"{folder}: {checked} images checked, {mismatches} mismatches")
        # A record that was changed is nothing to compare with.
        for estimate in [] if mismatches else reestimate(folder):
            typer.echo(str(estimate))
    if mismatches:
        raise typer.Exit(1)


def _follow(images: Iterable[Written], total: int, *, quiet: bool) -> Counter[str]:
    """Work through the images, telling of each failure as it happens."""
    from fusionbench.cli.progress import bar

    counts: Counter[str] = Counter()
    with nullcontext() if quiet else bar() as progress:
        task = None if progress is None else progress.add_task("degrading", total=total)
        for image in images:
            counts[image.outcome] += 1
            if image.outcome == "failed":
                print(f"failed: {image.reason}", file=sys.stderr)
            if progress is not None and task is not None:
                progress.advance(task)
    return counts
