"""`fusionbench fuse`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fusionbench.cli import options
from fusionbench.errors import FusionbenchError, InputError

if TYPE_CHECKING:
    from fusionbench.contracts import Dataset
    from fusionbench.evaluation.fused_record import FusedRecord
    from fusionbench.ready_methods import ReadyMethod


def fuse(
    method: Annotated[
        str,
        typer.Argument(
            help="Registered name, file.py:ClassName, external:FOLDER, or dcp>NAME.",
            autocompletion=options.complete_method,
        ),
    ],
    visible: Annotated[Path, typer.Option(help="Visible image, or a folder of them.")],
    infrared: Annotated[Path, typer.Option(help="Infrared image, or a folder of them.")],
    out: Annotated[Path, typer.Option(help="File to write, or a folder for ID.png.")],
    weights: Annotated[
        Path | None, typer.Option(help="Trained weights, where the method takes some.")
    ] = None,
    post: options.PostName = "clamp",
    python: options.Python = None,
    device: options.DeviceName = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there already.")] = False,
    quiet: options.Quiet = False,
) -> None:
    """Fuse a pair, or two folders of pairs with the same names.

    Images that the same method made of the same pairs are kept: interrupted, the same command continues.
    """
    from fusionbench.datasets import open_dataset
    from fusionbench.evaluation.fused_record import FusedRecord
    from fusionbench.ready_methods import ready_method

    ready = ready_method(method, weights, options.device(device), post=options.post(post), python=python)
    if visible.is_file() or infrared.is_file():
        target = _target(out, visible)
        if target.exists() and not overwrite:
            raise InputError(f"{target}: is there already; --overwrite replaces it")
        _fuse_files(ready, visible, infrared, target)
        if not quiet:
            typer.echo(f"fused: {target}")
        return
    dataset = open_dataset("folder", options={"visible": str(visible), "infrared": str(infrared)})
    record = FusedRecord.open(out, ready, method, weights, overwrite=overwrite)
    done = _fuse_folders(ready, dataset, out, record)
    if not quiet:
        kept = f", {done['kept']} were there already" if done["kept"] else ""
        typer.echo(f"fused: {done['fused']} pairs to {out}{kept}")
    if done["failed"]:
        raise typer.Exit(1)


def _target(out: Path, visible: Path) -> Path:
    if not out.suffix or out.is_dir():
        return out / f"{visible.stem}.png"
    if out.suffix.lower() != ".png":
        raise InputError(f"{out}: fused images are written as PNG, which loses nothing; name it .png")
    return out


def _fuse_files(ready: ReadyMethod, visible: Path, infrared: Path, target: Path) -> None:
    from fusionbench.fusing import fuse_pairs
    from fusionbench.images import read_pair, write_png

    write_png(target, fuse_pairs(ready, [read_pair(visible.stem, visible, infrared)])[0].image)


def _fuse_folders(ready: ReadyMethod, dataset: Dataset, out: Path, record: FusedRecord) -> Counter[str]:
    """Fuse every pair; say on standard error which failed and go on. Counts `fused`, `kept`, `failed`."""
    from fusionbench.fusing import fuse_pairs
    from fusionbench.images import write_png

    done: Counter[str] = Counter()
    for sample in dataset.samples:
        target = out / f"{sample.id}.png"
        try:
            made_from = record.identity(dataset, sample)
            if target.exists() and record.holds(sample, made_from):
                done["kept"] += 1
                continue
            fused = fuse_pairs(ready, [dataset.load(sample)])[0].image
        except FusionbenchError as error:
            typer.echo(f"failed: {sample.id}: {error}", err=True)
            done["failed"] += 1
            continue
        write_png(target, fused)
        record.add(sample, made_from)
        done["fused"] += 1
    return done
