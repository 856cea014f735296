"""Options that several commands share: one spelling, one help text, one completion."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from fusionbench import registry
from fusionbench.errors import InputError

if TYPE_CHECKING:
    from fusionbench.contracts import Device, Post
    from fusionbench.evaluation.run import Engine


def _complete(kind: registry.Kind, incomplete: str) -> list[str]:
    """Registered names that begin as typed."""
    return [name for name in registry.names(kind) if name.startswith(incomplete)]


def complete_dataset(incomplete: str) -> list[str]:
    """Registered datasets that begin as typed."""
    return _complete("dataset", incomplete)


def complete_degradation(incomplete: str) -> list[str]:
    """Registered degradations that begin as typed."""
    return _complete("degradation", incomplete)


def complete_method(incomplete: str) -> list[str]:
    """Registered methods that begin as typed."""
    return _complete("method", incomplete)


def complete_metric(incomplete: str) -> list[str]:
    """Registered metrics that begin as typed."""
    return _complete("metric", incomplete)


def complete_profile(incomplete: str) -> list[str]:
    """Profiles that begin as typed."""
    return [name for name in ("canonical", *registry.names("profile")) if name.startswith(incomplete)]


def complete_any(incomplete: str) -> list[str]:
    """Registered names of every kind that begin as typed."""
    return [name for kind in registry.KINDS for name in _complete(kind, incomplete)]


DatasetName = Annotated[
    str,
    typer.Option(
        "--dataset", "-d", help="Dataset; `fusionbench list datasets`.", autocompletion=complete_dataset
    ),
]
Root = Annotated[
    Path | None,
    typer.Option(help="The dataset's folder or one that holds it (default: FUSIONBENCH_DATA, config file)."),
]
Split = Annotated[str | None, typer.Option(help="Split (default: the dataset's first).")]
DatasetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--dataset-option", metavar="NAME=VALUE", help="Option of the dataset; `fusionbench info DATASET`."
    ),
]
VisibleFolder = Annotated[
    Path | None, typer.Option("--visible", help="Visible images, for --dataset folder.")
]
InfraredFolder = Annotated[
    Path | None, typer.Option("--infrared", help="Infrared images, for --dataset folder.")
]
DegradationNames = Annotated[
    list[str] | None,
    typer.Option(
        "--degradation",
        "-x",
        help="haze, haze+low_light@2, clean; repeat or separate by commas (default: clean).",
        autocompletion=complete_degradation,
    ),
]
Severity = Annotated[
    str | None, typer.Option("--severity", "-s", help="1 to 5: 3, 1-5, 1,3, 2.5 (default: 3).")
]
MethodNames = Annotated[
    list[str] | None,
    typer.Option(
        "--method",
        "-m",
        help="Registered name, file.py:ClassName, external:FOLDER, or dcp>NAME (enhanced first); all "
        "for every one that can run here; repeat or separate by commas (default: all that need no weights).",
        autocompletion=complete_method,
    ),
]
MetricNames = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        help="Metric, core or all; repeat or separate by commas (default: core, or a whole profile).",
        autocompletion=complete_metric,
    ),
]
ProfileName = Annotated[
    str,
    typer.Option(
        "--profile",
        help="Whose conventions to measure by: canonical, or one of `fusionbench list profiles`.",
        autocompletion=complete_profile,
    ),
]
Limit = Annotated[int | None, typer.Option(help="Only the first so many pairs.")]
Seed = Annotated[int, typer.Option(help="Seed of the degradations.")]
DepthFolder = Annotated[
    Path | None,
    typer.Option("--depth", help="Your depth maps, ID.png (16-bit, 256 a metre) or ID.npy (metres)."),
]
Native = Annotated[
    str,
    typer.Option(
        "--native",
        help="Images by the real condition they were taken in: auto (low_light leaves out what is dark "
        "already), all, day, night, fog, smoke.",
    ),
]
Results = Annotated[Path, typer.Option(help="Folder that keeps every result.", envvar="FUSIONBENCH_RESULTS")]
TablesFolder = Annotated[Path, typer.Option("--out", help="Folder for the Markdown and CSV tables.")]
Against = Annotated[
    list[str] | None,
    typer.Option(
        "--against",
        help="Show the others' difference from a method in mAP or mIoU; several: comma-separated.",
    ),
]
DeviceName = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")]
EngineName = Annotated[
    str, typer.Option("--engine", help="process, or ray to spread the work over a cluster (extra `ray`).")
]
PostName = Annotated[
    str,
    typer.Option(
        "--post",
        help="How a method's values become an image: clamp (fair), minmax (stretched, as most published "
        "tables did), official (its authors' script).",
    ),
]
Python = Annotated[
    Path | None, typer.Option("--python", help="Interpreter of methods given as external:FOLDER.")
]
Workers = Annotated[int, typer.Option(help="Processes; 0 chooses (default: 0).", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no table; errors only.")]


def device(name: str) -> Device:
    """Check the name of a device.

    Raises:
        InputError: If it is none of the known ones.
    """
    from fusionbench.contracts import Device

    if name not in get_args(Device):
        raise InputError(f"--device {name}: expected {', '.join(get_args(Device))}")
    return cast("Device", name)


def post(name: str) -> Post:
    """Check how values are to become images.

    Raises:
        InputError: If it is none of the known ways.
    """
    from fusionbench.contracts import Post

    if name not in get_args(Post):
        raise InputError(f"--post {name}: expected {', '.join(get_args(Post))}")
    return cast("Post", name)


def engine(name: str) -> Engine:
    """Check the name of an engine.

    Raises:
        InputError: If it is none of the known ones.
    """
    from fusionbench.evaluation.run import Engine

    if name not in get_args(Engine):
        raise InputError(f"--engine {name}: expected {' or '.join(get_args(Engine))}")
    return cast("Engine", name)


def names_in(values: Iterable[str] | None) -> list[str] | None:
    """Split repeated and comma-separated names; None if none were given."""
    if values is None:
        return None
    found = [name.strip() for value in values for name in value.split(",")]
    return [name for name in found if name] or None


def rivals_in(values: Iterable[str] | None) -> list[str]:
    """Methods to compare with.

    Raises:
        InputError: If the option is given without a name.
    """
    names = names_in(values)
    if values is not None and names is None:
        raise InputError("--against: name a method")
    return names or []


def severity_of(text: str | None, degradations: Iterable[str]) -> str:
    """The severities asked for, or the default.

    Raises:
        InputError: If there are some, and every degradation names its own.
    """
    from fusionbench.degrading import parse_condition
    from fusionbench.evaluation.evaluate import DEFAULT_SEVERITY

    if text is None:
        return DEFAULT_SEVERITY
    conditions = [condition for condition in map(parse_condition, degradations) if condition.terms]
    takes = any(level is None for condition in conditions for _, level in condition.terms)
    if conditions and not takes:
        names = ", ".join(condition.name for condition in conditions)
        raise InputError(f"--severity {text}: {names} says how strong it is; leave one of them out")
    return text


def named_values(usage: str, pairs: Iterable[str] | None) -> dict[str, str]:
    """Read options of the form `NAME=VALUE`.

    Args:
        usage: The option as a person should write it, for the error.
        pairs: What was written.

    Raises:
        InputError: If one has no `=`.
    """
    found: dict[str, str] = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not equals:
            raise InputError(f"{pair}: write {usage}")
        found[name.strip()] = value.strip()
    return found


def dataset_options(
    pairs: Iterable[str] | None,
    visible: Path | None = None,
    infrared: Path | None = None,
    depth: Path | None = None,
) -> dict[str, str]:
    """Read `--dataset-option`s, with the folders that have an option of their own beside them.

    Raises:
        InputError: If one has no `=`.
    """
    options = named_values("--dataset-option NAME=VALUE", pairs)
    folders = {"visible": visible, "infrared": infrared, "depth": depth}
    return {**options, **{name: str(folder) for name, folder in folders.items() if folder is not None}}
