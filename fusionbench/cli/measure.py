"""`fusionbench measure`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fusionbench import registry
from fusionbench.cli import options
from fusionbench.errors import UnknownNameError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.table import Table

    from fusionbench.measuring import Measurement

    Found = dict[str, dict[str, Measurement]]
    """Measurements by profile, then by metric."""


def measure(
    fused: Annotated[Path, typer.Argument(help="The fused image.")],
    visible: Annotated[Path, typer.Argument(help="The visible image it was made from.")],
    infrared: Annotated[Path, typer.Argument(help="The infrared image it was made from.")],
    metric: options.MetricNames = None,
    profile: Annotated[
        str,
        typer.Option(
            help="Whose conventions, one or several separated by commas: canonical, cddfuse, ..., or all.",
            autocompletion=options.complete_profile,
        ),
    ] = "canonical",
    grey: Annotated[
        bool,
        typer.Option("--grey", help="Turn colour to grey first, for profiles that measure every channel."),
    ] = False,
    fused_clean: Annotated[
        Path | None,
        typer.Option(help="What the method made of the clean pair, for the stability metrics."),
    ] = None,
    weights: Annotated[
        list[str] | None, typer.Option(metavar="METRIC=FILE", help="Trained weights of a metric; repeat.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Measure one fused image, by one code base's conventions or by several side by side."""
    from rich.console import Console

    from fusionbench.api import measurements
    from fusionbench.images import read_infrared

    images = [_read(fused, grey=grey), _read(visible, grey=grey), read_infrared(infrared)]
    clean_output = None if fused_clean is None else _read(fused_clean, grey=grey)
    profiles = _profiles(profile)
    files = options.named_values("--weights METRIC=FILE", weights)
    asked = _asked(options.names_in(metric), profiles)
    found: Found = {
        name: {
            m.metric: m
            for m in measurements(
                images[0],
                images[1],
                images[2],
                asked[name],
                profile=name,
                fused_clean=clean_output,
                weights=files if len(profiles) == 1 else _of_canonical(files, name),
            )
        }
        for name in profiles
    }
    if as_json:
        typer.echo(json.dumps(_values(found), indent=1))
    else:
        Console(highlight=False).print(_table(found))
    _report_failures(found)


def _read(path: Path, *, grey: bool) -> NDArray[np.uint8]:
    from fusionbench.images import read_visible, to_grey

    image = read_visible(path)
    return to_grey(image) if grey else image


def _profiles(text: str) -> list[str]:
    from fusionbench.contracts import CANONICAL

    if text == "all":
        return [CANONICAL, *registry.names("profile")]
    return options.names_in([text]) or [CANONICAL]


def _asked(names: Sequence[str] | None, profiles: Sequence[str]) -> dict[str, Sequence[str] | None]:
    """The names to ask each profile for: one alone for all, several each for what they have.

    Raises:
        UnknownNameError: If none of several profiles has a name.
    """
    from fusionbench.measuring import CORE, EVERY, metric_names

    if names is None or len(profiles) == 1:
        return dict.fromkeys(profiles, names)
    there = {profile: {CORE, EVERY, *metric_names(profile)} for profile in profiles}
    every = set().union(*there.values())
    for name in names:
        if name not in every:
            raise UnknownNameError("metric", name, sorted(every))
    return {profile: [name for name in names if name in there[profile]] for profile in profiles}


def _of_canonical(files: Mapping[str, str], profile: str) -> Mapping[str, str]:
    """Files of weights, which only canonical metrics read."""
    from fusionbench.contracts import CANONICAL

    return files if profile == CANONICAL else {}


def _table(found: Found) -> Table:
    from rich import box
    from rich.table import Table

    grid = Table(box=box.SIMPLE_HEAD, show_edge=False)
    grid.add_column("metric", style="bold", no_wrap=True)
    for profile in found:
        grid.add_column(profile, justify="right", no_wrap=True)
    for name in dict.fromkeys(name for of_profile in found.values() for name in of_profile):
        grid.add_row(name, *(_text(of_profile.get(name)) for of_profile in found.values()))
    return grid


def _text(measurement: Measurement | None) -> str:
    return "–" if measurement is None or measurement.value is None else f"{measurement.value:.6g}"


def _values(found: Found) -> dict[str, dict[str, float | None]]:
    return {
        profile: {name: measurement.value for name, measurement in of_profile.items()}
        for profile, of_profile in found.items()
    }


def _report_failures(found: Found) -> None:
    reasons = [
        f"failed: {name} ({profile}): {measurement.reason}"
        for profile, of_profile in found.items()
        for name, measurement in of_profile.items()
        if measurement.value is None
    ]
    for reason in reasons:
        typer.echo(reason, err=True)
    if reasons:
        raise typer.Exit(1)
