"""What is to be trained: a method's recipe with its settings, and where everything goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fusionbench import registry
from fusionbench.contracts import Device, Recipe, Trainable
from fusionbench.errors import FusionbenchError, InputError
from fusionbench.training.settings import RecipeSettings, read_settings


@dataclass(frozen=True)
class TrainingPlan:
    """What is to be trained, checked as far as it can be before anything runs."""

    method: str
    recipe: Recipe
    settings: RecipeSettings
    out: Path
    root: Path | None = None
    device: Device = "auto"
    workers: int = 0
    """Processes that make batches."""
    processes: int | None = None
    """How many processes there must be; None takes what there are."""

    def artefact(self, stage: str) -> Path:
        """Where a stage's artefact lies."""
        return self.out / f"{stage}.safetensors"

    def stamp(self, stage: str) -> Path:
        """Where a stage's stamp lies: how its artefact came about, and what its report says."""
        return self.out / f"{stage}.json"


def plan_training(
    method: str,
    recipe: str | None = None,
    *,
    out: Path,
    datasets: Sequence[str] | None = None,
    root: Path | None = None,
    overrides: Mapping[str, str] | None = None,
    seed: int | None = None,
    device: Device = "auto",
    workers: int = 0,
    processes: int | None = None,
) -> TrainingPlan:
    """Find a method's recipe and read its settings.

    Args:
        method: Registered name, or `file.py:ClassName`.
        recipe: A preset's name or a TOML file; None takes the default.
        out: Folder for everything that is written.
        datasets: To learn from in every stage, with a split where wanted (`llvip:train`).
        root: Folder of the datasets, or one that holds them.
        overrides: `STAGE.NAME` or `NAME` to a value.
        seed: Of everything random.
        device: Where to train.
        workers: Processes that make batches; 0 makes them in the training process.
        processes: How many training processes there must be; None takes what there are.

    Raises:
        InputError: If the method offers no recipe, or a setting is not understood.
        UnknownNameError: If no method has this name.
    """
    offering = registry.method_class(method)
    if not isinstance(offering, Trainable):
        offered = ", ".join(name for name in registry.names("method") if _is_trainable(name))
        raise InputError(f"method {method}: offers no recipe to train it by; these do: {offered}")
    found = offering.recipe()
    settings = read_settings(
        found.card,
        recipe or next(iter(found.card.presets)),
        datasets=datasets,
        overrides=overrides,
        seed=seed,
    )
    return TrainingPlan(method, found, settings, out, root, device, workers, processes)


def _is_trainable(name: str) -> bool:
    try:
        return isinstance(registry.load("method", name), Trainable)
    except FusionbenchError:
        return False
