"""`fusionbench score`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fusionbench.cli import options


def score(
    fused: Annotated[Path, typer.Option(help="Folder of fused images, named as the dataset's pairs.")],
    name: Annotated[str, typer.Option(help="Name of the method in the table.")],
    dataset: options.DatasetName = "folder",
    root: options.Root = None,
    split: options.Split = None,
    dataset_option: options.DatasetOption = None,
    visible: options.VisibleFolder = None,
    infrared: options.InfraredFolder = None,
    depth: options.DepthFolder = None,
    degradation: Annotated[
        str, typer.Option("--degradation", "-x", help="Condition the method was given.")
    ] = "clean",
    severity: options.Severity = None,
    fused_clean: Annotated[
        Path | None,
        typer.Option(help="What the method made of the clean pairs, for the stability metrics."),
    ] = None,
    metric: options.MetricNames = None,
    weights: Annotated[
        list[str] | None, typer.Option(metavar="METRIC=FILE", help="Trained weights of a metric; repeat.")
    ] = None,
    profile: options.ProfileName = "canonical",
    limit: options.Limit = None,
    seed: options.Seed = 0,
    native: options.Native = "auto",
    results: options.Results = Path("results"),
    out: options.TablesFolder = Path("leaderboards"),
    workers: options.Workers = 0,
    against: options.Against = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure images that were fused elsewhere.

    With any dataset: `score --dataset msrs --fused DIR --name MyMethod`. With three folders of your own:
    `score --visible DIR --infrared DIR --fused DIR --name MyMethod`.
    """
    from fusionbench.cli.evaluate import finish
    from fusionbench.cli.progress import shown
    from fusionbench.evaluation.evaluate import score as run

    with shown(quiet=quiet or as_json) as listener:
        evaluation = run(
            dataset,
            fused,
            name=name,
            root=root,
            split=split,
            dataset_options=options.dataset_options(dataset_option, depth=depth),
            visible=visible,
            infrared=infrared,
            degradation=degradation,
            severity=options.severity_of(severity, [degradation]),
            fused_clean=fused_clean,
            metrics=options.names_in(metric),
            weights=options.named_values("--weights METRIC=FILE", weights),
            profile=profile,
            limit=limit,
            seed=seed,
            native=native,
            results=results,
            workers=workers,
            against=options.rivals_in(against),
            listener=listener,
        )
    finish(evaluation, results, out, as_json=as_json, quiet=quiet)
