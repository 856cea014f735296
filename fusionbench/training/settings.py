"""A recipe's settings: readable TOML, which the command line can override, and nothing misspelt gets by."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from fusionbench.contracts import RecipeCard, StageCard
from fusionbench.errors import InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Optimiser = Literal["adam", "adamw"]
Schedule = Literal["constant", "cosine", "one_cycle", "half_then_linear", "half_then_compounding"]
Precision = Literal["float32", "bf16", "fp16"]


@dataclass(frozen=True)
class OptimisationSettings:
    """How a stage is optimised; every recipe's stages have these."""

    steps: int
    """Updates of the weights."""
    batch: int
    """Items of one batch of one process."""
    learning_rate: float
    """At its highest."""
    optimiser: Optimiser = "adam"
    weight_decay: float = 0.0
    """Of adamw."""
    momentum: float = 0.9
    """Adam's first beta."""
    memory: float = 0.999
    """Adam's second beta."""
    schedule: Schedule = "constant"
    warm_up: int = 0
    """Steps during which the rate rises from 0 (cosine)."""
    epoch: int = 1
    """Steps of an epoch, which the schedules of released code count in."""
    clip: float = 0.0
    """Greatest norm of the gradient; 0 does not clip."""
    average: float = 0.0
    """Weights are averaged over steps with this memory, and the average is what counts; 0 does not."""
    accumulate: int = 1
    """Batches to an update."""


@dataclass(frozen=True)
class DataSettings:
    """What is learnt from."""

    datasets: tuple[str, ...] = ()
    """Names, each with its split if it is not the default: `llvip:train`."""
    conditions: tuple[str, ...] = ("clean",)
    severities: tuple[float, float] = (1.0, 5.0)
    variants: int = 1
    longest_side: int = 640
    limit: int = 0
    """Only so many pairs of each dataset and part, spread over it; 0 takes all."""


@dataclass(frozen=True)
class StageSettings:
    """A stage's settings."""

    name: str
    optimisation: OptimisationSettings
    data: DataSettings
    options: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Flat, as plain values, by the names a person writes them."""
        plain: dict[str, Any] = {}
        for part in (self.optimisation, self.data):
            for each in fields(part):
                value = getattr(part, each.name)
                plain[each.name] = list(value) if isinstance(value, tuple) else value
        return {**plain, **self.options}


@dataclass(frozen=True)
class RecipeSettings:
    """All stages' settings, in order."""

    preset: str
    seed: int
    precision: Precision
    stages: tuple[StageSettings, ...]


def read_settings(
    card: RecipeCard,
    preset: str,
    *,
    datasets: Iterable[str] | None = None,
    overrides: Mapping[str, str] | None = None,
    seed: int | None = None,
) -> RecipeSettings:
    """Read a recipe's settings.

    Args:
        card: Of the recipe.
        preset: Name of one of its presets, or path of a TOML file.
        datasets: Taken for every stage, in place of what the file says, except for stages that name their
            own in `overrides`.
        overrides: `STAGE.NAME` or `NAME` (of all stages that have it) to the value as TOML, or bare text.
        seed: Taken in place of the file's.

    Raises:
        InputError: If there is no such preset, the file is no TOML, or a name or value is not understood.
    """
    document, source = _document(card, preset)
    given = list(datasets) if datasets is not None else None
    changes = [_change(card, name, text) for name, text in (overrides or {}).items()]
    # What is said of one stage goes before what is said of all.
    changes.sort(key=lambda change: change[0] is not None)
    tables = _table("stages", document.pop("stages", {}), source)
    shared = _table("data", document.pop("data", {}), source)
    file_seed = _checked(document.pop("seed", 0), 0, f"{source}: seed")
    precision = document.pop("precision", "float32")
    _require_choice("precision", precision, Precision, source)
    document.pop("title", None)
    _require_known(document, ("title", "seed", "precision", "data", "stages"), source)
    _require_known(tables, [stage.name for stage in card.stages], f"{source}, stages")
    stages = []
    for stage in card.stages:
        if stage.name not in tables:
            continue
        values = {**shared, **_table(f"stages.{stage.name}", tables[stage.name], source)}
        if given is not None:
            values["datasets"] = given
        values |= {
            key: value
            for name, key, value in changes
            if name in (None, stage.name) and key in known_names(stage)
        }
        stages.append(_stage(stage, values, f"{source}, stage {stage.name}"))
    if not stages:
        raise InputError(f"{source}: has no stage; name one of {', '.join(s.name for s in card.stages)}")
    return RecipeSettings(preset, file_seed if seed is None else seed, precision, tuple(stages))


def _table(name: str, value: Any, source: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{source}: {name} is {value!r}; expected a table [{name}]")
    return value


def known_names(stage: StageCard) -> list[str]:
    """The settings a stage has."""
    return [each.name for part in (OptimisationSettings, DataSettings) for each in fields(part)] + list(
        stage.options
    )


def _document(card: RecipeCard, preset: str) -> tuple[dict[str, Any], str]:
    path = card.presets.get(preset)
    if path is None:
        path = Path(preset)
        if path.suffix != ".toml":
            raise InputError(
                f"--recipe {preset}: {card.method} has {', '.join(card.presets)}; or give a .toml file"
            )
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")), f"recipe {preset}"
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give a recipe's file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is no TOML ({error})") from error


def _change(card: RecipeCard, name: str, text: str) -> tuple[str | None, str, Any]:
    """Stage (None for all), setting and value of an override."""
    stage_name, dot, key = name.rpartition(".")
    stages = {stage.name: stage for stage in card.stages}
    if dot and stage_name not in stages:
        raise InputError(f"--set {name}: there is no stage {stage_name!r}; there are {', '.join(stages)}")
    known = {each for stage in card.stages if stage_name in ("", stage.name) for each in known_names(stage)}
    if key not in known:
        raise InputError(f"--set {name}: {_unknown(key, known)}")
    return stage_name or None, key, _toml_value(text)


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        # Text without quotes, as a shell leaves it.
        return text


def _stage(card: StageCard, values: Mapping[str, Any], source: str) -> StageSettings:
    _require_known(values, known_names(card), source)
    optimisation = _filled(OptimisationSettings, values, source)
    data = _filled(DataSettings, values, source)
    options = {
        name: _checked(values.get(name, default), default, f"{source}: {name}")
        for name, default in card.options.items()
    }
    _check_optimisation(optimisation, source)
    _check_data(data, source)
    return StageSettings(card.name, optimisation, data, options)


def _filled(kind: type[Any], values: Mapping[str, Any], source: str) -> Any:
    chosen = {}
    examples = {int: 1, float: 1.0, str: ""}
    for each in fields(kind):
        if each.name in values:
            default = each.default if each.default is not MISSING else examples[_plain(each.type)]
            chosen[each.name] = _checked(values[each.name], default, f"{source}: {each.name}")
        elif each.default is MISSING:
            raise InputError(f"{source}: {each.name} is missing")
    return kind(**chosen)


def _plain(annotation: Any) -> type:
    return {"int": int, "float": float}.get(str(annotation), str)


def _checked(value: Any, default: Any, where: str) -> Any:
    """The value, if it is of the default's type."""
    if isinstance(default, tuple):
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, (list, tuple)):
            raise InputError(f"{where} is {value!r}; expected a list such as {list(default)}")
        example = default[0] if default else ""
        return tuple(_checked(each, example, where) for each in listed)
    if isinstance(default, dict):
        if not isinstance(value, dict):
            raise InputError(f"{where} is {value!r}; expected a table such as {default}")
        return {name: _checked(each, 1.0, f"{where}.{name}") for name, each in value.items()}
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not type(default):
        raise InputError(f"{where} is {value!r}; expected {_KINDS[type(default)]}")
    return value


_KINDS: Mapping[type, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


def _check_optimisation(settings: OptimisationSettings, source: str) -> None:
    for name in ("steps", "batch", "accumulate", "epoch"):
        if getattr(settings, name) < 1:
            raise InputError(f"{source}: {name} is {getattr(settings, name)}; expected 1 or more")
    if not settings.learning_rate > 0:
        raise InputError(f"{source}: learning_rate is {settings.learning_rate}; expected more than 0")
    _require_choice("optimiser", settings.optimiser, Optimiser, source)
    _require_choice("schedule", settings.schedule, Schedule, source)
    for name in ("clip", "weight_decay", "warm_up"):
        if getattr(settings, name) < 0:
            raise InputError(f"{source}: {name} is {getattr(settings, name)}; expected 0 or more")
    for name in ("momentum", "memory", "average"):
        if not 0 <= getattr(settings, name) < 1:
            raise InputError(f"{source}: {name} is {getattr(settings, name)}; expected 0 to below 1")


def _require_choice(name: str, value: Any, allowed: Any, source: str) -> None:
    if value not in get_args(allowed):
        raise InputError(f"{source}: {name} is {value!r}; expected {', '.join(get_args(allowed))}")


def _check_data(settings: DataSettings, source: str) -> None:
    least, greatest = settings.severities if len(settings.severities) == 2 else (0.0, 0.0)
    if not 1 <= least <= greatest <= 5:
        raise InputError(f"{source}: severities are {list(settings.severities)}; expected two from 1 to 5")
    for name in ("variants", "longest_side"):
        if getattr(settings, name) < 1:
            raise InputError(f"{source}: {name} is {getattr(settings, name)}; expected 1 or more")
    if settings.limit < 0:
        raise InputError(f"{source}: limit is {settings.limit}; expected 0 or more")
    if not settings.conditions:
        raise InputError(f"{source}: conditions are empty; name clean, haze or others")


def _require_known(values: Mapping[str, Any], known: Iterable[str], source: str) -> None:
    for name in values:
        if name not in set(known):
            raise InputError(f"{source}: {_unknown(name, known)}")


def _unknown(name: str, known: Iterable[str]) -> str:
    nearest = difflib.get_close_matches(name, list(known), n=2, cutoff=0.5)
    hint = f"did you mean {' or '.join(nearest)}?" if nearest else f"there are {', '.join(sorted(known))}"
    return f"there is no setting {name!r}; {hint}"
