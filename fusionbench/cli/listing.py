"""`fusionbench list` and `fusionbench info`."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fusionbench import registry
from fusionbench.cli import options
from fusionbench.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from fusionbench.contracts import DegradationProfile, MetricCard, Profile, Trainable

KIND_OF_PLURAL: Mapping[str, registry.Kind] = {f"{kind}s": kind for kind in registry.KINDS}


def list_plugins(
    kind: Annotated[
        str | None,
        typer.Argument(
            help=f"One of {', '.join(KIND_OF_PLURAL)} (default: all).",
            autocompletion=lambda: list(KIND_OF_PLURAL),
        ),
    ] = None,
) -> None:
    """List what is installed, with licences."""
    from rich.console import Console

    if kind is not None and kind not in KIND_OF_PLURAL:
        raise UnknownNameError("kind of plugin", kind, KIND_OF_PLURAL)
    console = Console()
    for plural in [kind] if kind else KIND_OF_PLURAL:
        console.print(_listing(plural, registry.load_all(KIND_OF_PLURAL[plural])))


def info(
    name: Annotated[
        str,
        typer.Argument(
            help="Name of a method, metric, profile, degradation or dataset.",
            autocompletion=options.complete_any,
        ),
    ],
    cost: Annotated[
        bool, typer.Option("--cost", help="Measure what a method costs for a pair of 640x480, too.")
    ] = False,
) -> None:
    """Show a plugin's card: what it is, where it comes from, under which terms, in which file."""
    from rich.console import Console

    from fusionbench.contracts import Trainable
    from fusionbench.degrading.profiles import OWN_PROFILES

    found = _plugins_called(name)
    if cost and "method" not in (kind for kind, _ in found):
        raise InputError(f"--cost: {name} is no method; leave it out")
    if name in OWN_PROFILES:
        typer.echo(f"{name} (degradation profile): {OWN_PROFILES[name]}")
        return
    if not found:
        every = {known for kind in registry.KINDS for known in registry.names(kind)}
        raise UnknownNameError("plugin", name, every)
    console = Console()
    for kind, plugin in found:
        console.print(_details(kind, plugin))
        if kind == "method" and isinstance(plugin, Trainable):
            console.print("", _recipe_of(plugin))
        if kind == "metric":
            console.print("", _conventions(name, plugin.card))
        if kind == "profile":
            console.print("", _metrics_of(plugin()))
        if kind == "degradation_profile":
            console.print("", _degradations_of(plugin()))
    if cost:
        _show_cost(name)


def _plugins_called(name: str) -> list[tuple[registry.Kind, Any]]:
    """Those registered by a name, in whatever kind; of `dcp>lp` both parts."""
    if ">" in name:
        from fusionbench.method_references import MethodReference

        reference = MethodReference(name)
        steps: list[tuple[registry.Kind, Any]] = [
            ("enhancement", type(each)) for each in reference.create_enhancements()
        ]
        return [*steps, ("method", reference.method_class)]
    if ".py" in name or name.startswith(registry.EXTERNAL):
        return [("method", registry.method_class(name))]
    return [(kind, registry.load(kind, name)) for kind in registry.KINDS if name in registry.names(kind)]


def _show_cost(name: str) -> None:
    from fusionbench.cli.cost import show_costs
    from fusionbench.costing import cost_of

    show_costs({name: cost_of(name)}, as_json=False)


def _card(kind: str, plugin: type) -> Any:
    from fusionbench.method_references import card_of

    return card_of(plugin) if kind == "method" else plugin.card  # type: ignore[attr-defined]


def _listing(plural: str, plugins: Mapping[str, type]) -> Any:
    from rich import box
    from rich.table import Table

    from fusionbench.degrading.profiles import OWN_PROFILES

    columns = {
        "methods": ("title", "venue", "year", "licence", "needs"),
        "enhancements": ("title", "against", "year", "licence"),
        "metrics": ("label", "direction", "compares", "core", "needs"),
        "profiles": ("title", "code"),
        "degradations": ("title", "modality", "parameter"),
        "degradation_profiles": ("title", "reference"),
        "datasets": ("title", "splits", "licence"),
        "detectors": ("title", "licence", "needs"),
        "segmenters": ("title", "licence", "needs"),
    }[plural]
    grid = Table(title=plural, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    grid.add_column("name", style="bold", no_wrap=True)
    for column in columns:
        grid.add_column(column)
    if plural == "degradation_profiles":
        for name, title in OWN_PROFILES.items():
            grid.add_row(name, title, "")
    for name, plugin in plugins.items():
        card = _card(KIND_OF_PLURAL[plural], plugin)
        shown = {column: getattr(card, column) for column in columns}
        # Whose code and weights may be used for what is told in full.
        whole = "licence" if plural == "methods" else ""
        grid.add_row(name, *(_text(each) if key == whole else _brief(each) for key, each in shown.items()))
    return grid


def _details(kind: str, plugin: type) -> Any:
    from rich.table import Table

    card = _card(kind, plugin)
    grid = Table(show_header=False, box=None, title=f"{card.name} ({kind})", title_justify="left")
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for entry in dataclasses.fields(card):
        value = getattr(card, entry.name)
        if value is not False and value not in ("", (), None) and value != {} and value != frozenset():
            grid.add_row(entry.name.replace("_", " "), _text(value))
    grid.add_row("source file", _source_file(plugin))
    return grid


def _recipe_of(method: Trainable) -> Any:
    """How a method is trained: stages, with a setting of each that a preset may change."""
    from rich.markup import escape

    card = method.recipe().card
    title = f"how to train it: fusionbench train {card.method} [--recipe {'|'.join(card.presets)}]"
    grid = _wrapping_grid(escape(title), "stage", "what it learns", "its own settings")
    for stage in card.stages:
        settings = ", ".join(f"{name}={value}" for name, value in stage.options.items())
        grid.add_row(stage.name, escape(stage.title), escape(settings))
    return grid


def _conventions(name: str, card: MetricCard) -> Any:
    """How the profiles compute a metric, with their values for one and the same example."""
    from rich.markup import escape

    from fusionbench.contracts import CANONICAL

    grid = _wrapping_grid("the same name elsewhere", "convention", "example", "how it differs, and why")
    grid.add_row(CANONICAL, _figure(card), escape(card.summary))
    for profile, plugin in registry.load_all("profile").items():
        metric = plugin().metrics.get(name)
        if metric is not None:
            grid.add_row(profile, _figure(metric.card), escape(metric.card.difference or "as canonical"))
    return grid


def _metrics_of(profile: Profile) -> Any:
    """The metrics of a profile, and where they leave the canonical ones."""
    from rich.markup import escape

    from fusionbench.contracts import CANONICAL

    canonical = registry.load_all("metric")
    grid = _wrapping_grid("its metrics", "metric", CANONICAL, profile.card.name, "how it differs, and why")
    for name, metric in profile.metrics.items():
        own = _figure(canonical[name].card) if name in canonical else "–"
        grid.add_row(name, own, _figure(metric.card), escape(metric.card.difference or "as canonical"))
    return grid


def _degradations_of(profile: DegradationProfile) -> Any:
    """The degradations of a profile, with their parameter at severities 1 to 5."""
    from rich.markup import escape

    prefix = escape(profile.card.name)
    grid = _wrapping_grid("its degradations", "condition", "severities 1 to 5", "parameter")
    for name, degradation in profile.degradations.items():
        levels = " ".join(f"{level:g}" for level in degradation.card.levels)
        grid.add_row(f"{prefix}:{name}", levels, escape(degradation.card.parameter))
    return grid


def _wrapping_grid(title: str, *columns: str) -> Any:
    from rich import box
    from rich.table import Table

    grid = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for column in columns[:-1]:
        grid.add_column(column, no_wrap=True)
    grid.add_column(columns[-1], overflow="fold")
    return grid


def _figure(card: MetricCard) -> str:
    return "–" if card.example is None else f"{card.example:g}"


def _brief(value: object) -> str:
    """As `_text`, without what follows a colon: a list has no room for where to get a file."""
    return _text(value.partition(": ")[0] if isinstance(value, str) else value)


def _text(value: object) -> str:
    from rich.markup import escape

    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, Mapping):
        return escape("\n".join(f"{key}: {item}" for key, item in value.items()))
    if isinstance(value, tuple):
        separator = "\n" if any(dataclasses.is_dataclass(item) for item in value) else ", "
        return escape(separator.join(_item(item) for item in value))
    return escape("" if value is None else str(value))


def _item(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        told = {entry.name: getattr(value, entry.name) for entry in dataclasses.fields(value)}
        return ", ".join(f"{name} {item}" for name, item in told.items() if item != "")
    return str(value)


def _source_file(plugin: type) -> str:
    source = inspect.getsourcefile(plugin)
    if source is None:
        raise InputError(f"{plugin.__qualname__}: its source file cannot be found; reinstall its package")
    return str(Path(source))
