"""`fusionbench calibrate`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fusionbench.cli import options
from fusionbench.errors import InputError

if TYPE_CHECKING:
    from fusionbench.calibrating import Calibration
    from fusionbench.calibrating.solving import Reached
    from fusionbench.contracts import Degradation, DegradationCard

ACCEPTED_MISS = 0.05
"""Relative difference from a target below which a level is not remarked on."""


def calibrate(
    dataset: Annotated[
        list[str],
        typer.Option(
            "--dataset",
            "-d",
            help="Datasets to take pairs from; repeat or separate by commas.",
            autocompletion=options.complete_dataset,
        ),
    ],
    root: options.Root = None,
    dataset_option: options.DatasetOption = None,
    degradation: Annotated[
        list[str] | None,
        typer.Option(
            "--degradation",
            "-x",
            help="Registered names; repeat or separate by commas (default: all).",
            autocompletion=options.complete_degradation,
        ),
    ] = None,
    pairs: Annotated[int, typer.Option(help="Pairs of each dataset, spread evenly over it.")] = 10,
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("calibrated.csv"),
    seed: options.Seed = 0,
    workers: options.Workers = 0,
    quiet: options.Quiet = False,
) -> None:
    """Find the severities at which every degradation does the same damage to real pairs.

    The damage of severities 1 to 5 is a stated median of 1 - MS-SSIM (clean, degraded); the table says which
    parameter of each degradation does it.
    """
    from fusionbench.calibrating import calibrate as calibrations_of
    from fusionbench.calibrating import choose_pairs, write_table
    from fusionbench.calibrating.calibrate import large_enough
    from fusionbench.calibrating.table import table_text
    from fusionbench.datasets import open_dataset

    datasets = options.names_in(dataset)
    if datasets is None:
        raise InputError("--dataset: give one or more datasets with real pairs")
    names = options.names_in(degradation)
    degradations = _degradations(names)
    if out.exists():
        raise InputError(f"{out}: is there already; remove it, or give another file with --out")
    given = options.dataset_options(dataset_option)
    opened = [open_dataset(name, root, None, given) for name in dict.fromkeys(datasets)]
    chosen = [pair for one in opened for pair in choose_pairs(one, pairs)]
    usable = large_enough(chosen, lambda line: print(line, file=sys.stderr))
    if not usable:
        raise InputError(f"--dataset {','.join(datasets)}: none of {len(chosen)} pairs is large enough")
    found: list[Calibration] = []
    for calibration in calibrations_of(degradations, usable, seed=seed, processes=workers or 2):
        found.append(calibration)
        if not quiet:
            typer.echo(_line(calibration))
    write_table(out, table_text(found, usable, _command(datasets, names, pairs, seed)))
    if not quiet:
        typer.echo(f"{len(usable)} pairs; written to {out}")
    missed = _missed(found)
    for line in missed:
        print(line, file=sys.stderr)
    if missed:
        raise typer.Exit(1)


def _degradations(names: Sequence[str] | None) -> list[Degradation]:
    """Registered degradations by name; all of them for None."""
    from fusionbench import registry

    wanted = dict.fromkeys(names or registry.load_all("degradation"))
    for name in wanted:
        if set(name) & set(":+@"):
            raise InputError(
                f"--degradation {name}: give names of single degradations, without profile or level"
            )
    return [registry.degradation(name) for name in wanted]


def _command(datasets: Sequence[str], names: Sequence[str] | None, pairs: int, seed: int) -> str:
    """What was asked for, without the folders of this machine."""
    only = f" --degradation {','.join(names)}" if names else ""
    return f"fusionbench calibrate --dataset {','.join(datasets)}{only} --pairs {pairs} --seed {seed}"


def _line(calibration: Calibration) -> str:
    """Parameters with the median each reached in brackets."""
    levels = "  ".join(f"{level.parameter:.4g} ({level.damage:.4f})" for level in calibration.levels)
    return f"{calibration.card.name:16}{levels}"


def _missed(calibrations: Sequence[Calibration]) -> list[str]:
    return [
        f"not reached: {one.card.name}@{severity}: {level.damage:.4f} at {level.parameter:g}, "
        f"{_why_missed(one.card, level)}; the target is {level.target:g}"
        for one in calibrations
        for severity, level in enumerate(one.levels, start=1)
        if level.limited or abs(level.damage / level.target - 1) > ACCEPTED_MISS
    ]


def _why_missed(card: DegradationCard, level: Reached) -> str:
    if level.limited:
        return "the end of its range"
    return "the nearest whole number" if card.whole_numbers else "the nearest found"
