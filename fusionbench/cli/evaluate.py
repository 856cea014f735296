"""`fusionbench eval`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fusionbench.cli import options
from fusionbench.errors import InputError

if TYPE_CHECKING:
    from fusionbench.evaluation.evaluate import Evaluation

SHOWN_FAILURES = 20
"""Failures named one by one at the end; the store has them all."""


def evaluate(
    dataset: options.DatasetName = "scenes",
    root: options.Root = None,
    split: options.Split = None,
    dataset_option: options.DatasetOption = None,
    visible: options.VisibleFolder = None,
    infrared: options.InfraredFolder = None,
    depth: options.DepthFolder = None,
    degradation: options.DegradationNames = None,
    severity: options.Severity = None,
    method: options.MethodNames = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FILE", help="Trained weights of a method, metric or detector; repeat."),
    ] = None,
    metric: options.MetricNames = None,
    profile: options.ProfileName = "canonical",
    limit: options.Limit = None,
    seed: options.Seed = 0,
    native: options.Native = "auto",
    results: options.Results = Path("results"),
    out: options.TablesFolder = Path("leaderboards"),
    post: options.PostName = "clamp",
    python: options.Python = None,
    device: options.DeviceName = "auto",
    engine: options.EngineName = "process",
    workers: options.Workers = 0,
    batch_size: Annotated[int, typer.Option(help="Pairs of one size fused together.")] = 1,
    shard: Annotated[
        str | None, typer.Option(metavar="I/N", help="Compute only this machine's share of the cells.")
    ] = None,
    against: options.Against = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Fuse images that failed once more.")
    ] = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Degrade, fuse and measure a dataset, and print the table.

    Everything computed is kept in --results: interrupted, the same command continues; repeated, it only
    reads. Tables are written to --out as Markdown and CSV.
    """
    from fusionbench.cli.progress import shown
    from fusionbench.evaluation.evaluate import evaluate as run

    conditions = ["clean"] if degradation is None else options.names_in(degradation) or [""]
    with shown(quiet=quiet or as_json) as listener:
        evaluation = run(
            dataset,
            root=root,
            split=split,
            dataset_options=options.dataset_options(dataset_option, depth=depth),
            visible=visible,
            infrared=infrared,
            degradation=conditions,
            severity=options.severity_of(severity, conditions),
            methods=options.names_in(method),
            weights=options.named_values("--weights NAME=FILE", weights),
            metrics=options.names_in(metric),
            profile=profile,
            limit=limit,
            seed=seed,
            native=native,
            results=results,
            device=options.device(device),
            engine=options.engine(engine),
            workers=workers,
            batch_size=batch_size,
            post=options.post(post),
            python=python,
            retry_failed=retry_failed,
            shard=_shard(shard),
            against=options.rivals_in(against),
            listener=listener,
        )
    finish(evaluation, results, out, as_json=as_json, quiet=quiet)


def finish(evaluation: Evaluation, results: Path, out: Path, *, as_json: bool, quiet: bool) -> None:
    """Show an evaluation and leave: exit status 1 if an image failed."""
    from fusionbench.cli.tables import print_json, print_tables
    from fusionbench.ranking.files import write_tables

    written = write_tables(evaluation.boards, out)
    if as_json:
        print_json(evaluation.tables)
    elif not quiet:
        print_tables(evaluation.tables)
        typer.echo(_account(evaluation))
        typer.echo("tables: " + ", ".join(str(path) for path in written))
    for notice in evaluation.notices:
        typer.echo(f"notice: {notice}", err=True)
    for failure in evaluation.failures[:SHOWN_FAILURES]:
        typer.echo(f"failed: {failure}", err=True)
    if len(evaluation.failures) > SHOWN_FAILURES:
        typer.echo(f"failed: {len(evaluation.failures) - SHOWN_FAILURES} more, all in {results}", err=True)
    for reason in evaluation.left_out:
        typer.echo(f"left out: {reason}", err=True)
    for name in evaluation.unscored:
        typer.echo(f"not scored: {name} belongs to no sample of the dataset", err=True)
    if evaluation.failures:
        raise typer.Exit(1)


def _account(evaluation: Evaluation) -> str:
    """Where the time went, in one line."""
    report = evaluation.report
    if report.computed == 0:
        return f"all {report.reused} results were in the store already"
    reused = f" ({report.reused} more were in the store)" if report.reused else ""
    head = f"{report.computed} results in {report.wall_seconds:.1f} s{reused}"
    spent = report.seconds
    if report.harness_share is None:
        seconds = f"measuring {spent.measure:.0f} s, fusing {spent.fuse:.0f} s"
        return f"{head} on a cluster: {seconds}, degrading {spent.degrade:.0f} s"
    available = report.wall_seconds * (report.workers or 1)
    shares = {"measuring": spent.measure, "fusing": spent.fuse, "degrading": spent.degrade}
    parts = [f"{name} {100 * seconds / available:.0f} %" for name, seconds in shares.items()]
    return f"{head}: {', '.join(parts)}, starting, reading and keeping {100 * report.harness_share:.0f} %"


def _shard(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    index, slash, count = text.partition("/")
    if not (slash and index.isdigit() and count.isdigit()):
        raise InputError(f"--shard {text}: write I/N, for example 1/4")
    return int(index), int(count)
