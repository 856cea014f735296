"""The commands, gathered."""

from __future__ import annotations

import typer

from fusionbench.cli import (
    calibrate,
    cost,
    data,
    degrade,
    detections,
    doctor,
    evaluate,
    fuse,
    leaderboard,
    listing,
    measure,
    score,
    train,
    train_network,
    weights,
)

app = typer.Typer(
    name="fusionbench",
    help="Benchmark infrared-visible image fusion under haze, darkness and noise.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from fusionbench import __version__

        typer.echo(f"fusionbench {__version__}")
        raise typer.Exit


@app.callback()
def fusionbench(
    version: bool = typer.Option(
        False, "--version", help="Print the version and leave.", callback=_print_version, is_eager=True
    ),
) -> None:
    """Benchmark infrared-visible image fusion under haze, darkness and noise."""


app.command("eval")(evaluate.evaluate)
app.command("score")(score.score)
app.command("measure")(measure.measure)
app.command("fuse")(fuse.fuse)
app.command("train")(train.train)
app.command("train-detector")(train_network.train_network)
app.command("train-segmenter")(train_network.train_network)
app.command("degrade")(degrade.degrade)
app.command("detections")(detections.detections)
app.command("calibrate")(calibrate.calibrate)
app.command("leaderboard")(leaderboard.leaderboard)
app.command("cost")(cost.cost)
app.command("list")(listing.list_plugins)
app.command("info")(listing.info)
app.add_typer(data.app, name="data")
app.add_typer(weights.app, name="weights")
app.command("doctor")(doctor.doctor)
