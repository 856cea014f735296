"""A recipe from its first unfinished stage to its last."""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from fusionbench import registry
from fusionbench.contracts import (
    Device,
    Recipe,
    StageCard,
    StageData,
    StageRequest,
    Trainable,
    named_generator,
)
from fusionbench.errors import FusionbenchError, InputError
from fusionbench.evaluation.provenance import file_hash
from fusionbench.training.checkpoints import differences, read_json, write_json
from fusionbench.training.settings import RecipeSettings, StageSettings, read_settings
from fusionbench.training.sources import stage_data

if TYPE_CHECKING:
    from accelerate import Accelerator

    from fusionbench.training.following import Follower

DRY_RUN_STEPS = 2

DRY_RUN_PAIRS = 2

EXTRA = 'training needs the extra "train": pip install "ivif-fusionbench[train]"'

FRAMES = "frames"

LOCK_ATTEMPTS = 8
"""Seconds to wait for a folder that is held."""


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


def train(
    plan: TrainingPlan,
    follower: Follower,
    *,
    only: str | None = None,
    anew_from: str | None = None,
) -> Path:
    """Run the stages that are not done yet, each from its last checkpoint.

    Args:
        plan: From `plan_training`.
        follower: Is told how it goes.
        only: Run this stage alone; those before it must be done.
        anew_from: Forget what was done in this stage and the later ones.

    Returns:
        The artefact of the last stage that was run or found done.

    Raises:
        InputError: If data, settings or files do not allow it; what was done stays.
        TrainingError: If a loss is not finite.
    """
    _require_stage(plan, only)
    _require_stage(plan, anew_from)
    accelerator = _accelerator(plan)
    with _alone(plan.out, accelerator), _written_or_said(plan.out):
        _forget(plan, anew_from, accelerator)
        _look_at_data(plan, only)
        earlier: dict[str, Path] = {}
        for settings in plan.settings.stages:
            is_asked = only in (None, settings.name)
            _stage(plan, settings, earlier, accelerator, follower, is_asked)
            earlier[settings.name] = plan.artefact(settings.name)
            if settings.name == only:
                break
    return list(earlier.values())[-1]


def dry_run(plan: TrainingPlan, follower: Follower) -> dict[str, float]:
    """Run two steps of every stage on a few pairs, and keep nothing.

    Returns:
        Seconds that all steps of each stage would take, by the second step.

    Raises:
        InputError: If data or settings do not allow it.
        TrainingError: If a loss is not finite.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InputError("--dry-run: tries a recipe in one process; leave torchrun out")
    short = tuple(
        replace(
            stage,
            optimisation=replace(stage.optimisation, steps=DRY_RUN_STEPS),
            data=replace(stage.data, limit=stage.data.limit or DRY_RUN_PAIRS),
        )
        for stage in plan.settings.stages
    )
    with tempfile.TemporaryDirectory() as folder:
        tried = replace(plan, out=Path(folder), settings=replace(plan.settings, stages=short))
        train(tried, follower)
        from fusionbench.training.logbook import read_log

        rows = {stage.name: read_log(Path(folder) / stage.name) for stage in short}
    return {
        stage.name: rows[stage.name][-1]["seconds"] * stage.optimisation.steps
        for stage in plan.settings.stages
        if rows[stage.name]
    }


def _stage(
    plan: TrainingPlan,
    settings: StageSettings,
    earlier: Mapping[str, Path],
    accelerator: Accelerator,
    follower: Follower,
    is_asked: bool,
) -> None:
    """Run a stage, or find that it is done."""
    identity = _identity(plan, settings, earlier, accelerator.num_processes)
    stamp = _finished(plan, settings.name, identity)
    if stamp is not None:
        if accelerator.is_main_process:
            follower.ended(settings.name, stamp["report"])
        return
    if not is_asked:
        raise InputError(
            f"{plan.artefact(settings.name)}: the stage {settings.name} is not done; run it first, without "
            "--stage or with --stage " + settings.name
        )
    _run(plan, settings, earlier, identity, accelerator, follower)


def _run(
    plan: TrainingPlan,
    settings: StageSettings,
    earlier: Mapping[str, Path],
    identity: Mapping[str, Any],
    accelerator: Accelerator,
    follower: Follower,
) -> None:
    import torch

    from fusionbench.training.stage_loop import StageRun, run_stage

    data = _data_of(plan, settings)
    random = named_generator(plan.settings.seed, settings.name, "first weights")
    torch.manual_seed(int(random.integers(2**62)))
    request = StageRequest(settings.name, settings.options, settings.optimisation.batch, data, dict(earlier))
    try:
        stage = plan.recipe.build(request)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"stage {settings.name}: {error}; change it with --set {settings.name}.NAME=VALUE"
        ) from error
    stage.module.to(accelerator.device)
    run = StageRun(
        settings.name,
        settings.optimisation,
        plan.settings.seed,
        plan.out / settings.name,
        identity,
        plan.workers,
    )
    run.folder.mkdir(parents=True, exist_ok=True)
    began, used = time.perf_counter(), time.process_time()
    run_stage(stage, run, accelerator, follower)
    if accelerator.is_main_process:
        report = dict(stage.report())
        learnt_from = _names(data.train)
        notes = _notes(plan, settings, identity, report, earlier, learnt_from)
        stage.write(plan.artefact(settings.name), notes)
        stamp = {
            "identity": identity,
            "artefact_sha256": file_hash(plan.artefact(settings.name)),
            "report": report,
            "learnt_from": learnt_from,
            "seconds": round(time.perf_counter() - began, 1),
            "cpu_seconds": round(time.process_time() - used, 1),
            "of_this_run_only": "seconds count from the last start",
            "made_with": _versions(str(accelerator.device)),
            "finished": datetime.now(timezone.utc).date().isoformat(),
        }
        write_json(plan.stamp(settings.name), stamp)
        follower.ended(settings.name, report)
    accelerator.wait_for_everyone()


def _look_at_data(plan: TrainingPlan, only: str | None) -> None:
    """Open what every stage to come is to learn from, so that what is missing is said before hours pass."""
    for settings in plan.settings.stages:
        is_done = plan.stamp(settings.name).is_file()
        if not is_done and only in (None, settings.name):
            _data_of(plan, settings)


def _data_of(plan: TrainingPlan, settings: StageSettings) -> StageData:
    card = _stage_card(plan, settings.name)
    return stage_data(card, settings.data, plan.settings.seed, plan.root, plan.out / FRAMES)


def _identity(
    plan: TrainingPlan, settings: StageSettings, earlier: Mapping[str, Path], processes: int
) -> dict[str, Any]:
    """Everything that decides what a stage learns, as plain values."""
    made = settings.as_json()
    return json.loads(  # type: ignore[no-any-return]
        json.dumps(
            {
                "method": plan.method,
                "stage": settings.name,
                "seed": plan.settings.seed,
                "precision": plan.settings.precision,
                "processes": processes,
                **made,
                **{f"after {name}": file_hash(path)[:16] for name, path in earlier.items()},
            }
        )
    )


def _finished(plan: TrainingPlan, stage: str, identity: Mapping[str, Any]) -> dict[str, Any] | None:
    """The stamp of a stage that is done; None for one that is not."""
    stamp, artefact = read_json(plan.stamp(stage)), plan.artefact(stage)
    if stamp is None or not artefact.is_file():
        return None
    differing = differences(identity, stamp.get("identity", {}))
    if differing:
        raise InputError(
            f"{artefact}: was trained by another recipe ({'; '.join(differing[:3])}); give another --out, or "
            f"train anew with --from {stage}"
        )
    if file_hash(artefact) != stamp.get("artefact_sha256"):
        raise InputError(f"{artefact}: was changed after training; train anew with --from {stage}")
    return stamp


def _forget(plan: TrainingPlan, stage: str | None, accelerator: Accelerator) -> None:
    """Remove what was done in a stage and those after it."""
    if stage is not None and accelerator.is_main_process:
        names = [each.name for each in plan.settings.stages]
        for name in names[names.index(stage) :]:
            # The stamp goes first: without it the artefact counts for nothing.
            for path in (plan.stamp(name), plan.artefact(name), plan.out / name / "checkpoint.pt"):
                path.unlink(missing_ok=True)
    accelerator.wait_for_everyone()


def _notes(
    plan: TrainingPlan,
    settings: StageSettings,
    identity: Mapping[str, Any],
    report: Mapping[str, Any],
    earlier: Mapping[str, Path],
    learnt_from: Sequence[str],
) -> dict[str, Any]:
    """What an artefact says of its making, with every pair that any of its stages learnt from."""
    stamps = [read_json(plan.stamp(name)) or {} for name in earlier]
    return {
        "recipe": plan.settings.preset,
        "seed": plan.settings.seed,
        "stage": settings.name,
        "settings": dict(identity),
        "report": dict(report),
        "earlier": {name: stamp.get("report", {}) for name, stamp in zip(earlier, stamps, strict=True)},
        "trained_on": sorted({*learnt_from, *(each for s in stamps for each in s.get("learnt_from", ()))}),
    }


def _names(frames: Any) -> list[str]:
    """The pairs behind frames, without conditions."""
    return sorted({name.rpartition(" ")[0] for name in frames.names})


def _versions(device: str) -> dict[str, str]:
    import torch

    from fusionbench import __version__

    return {
        "fusionbench": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "device": device,
        "threads": str(torch.get_num_threads()),
    }


def _accelerator(plan: TrainingPlan) -> Accelerator:
    from fusionbench.fusing import choose_device

    try:
        from accelerate import Accelerator
        from accelerate.utils import DistributedDataParallelKwargs
    except ImportError:
        raise InputError(EXTRA) from None
    chosen = choose_device(plan.device)
    precision = {"float32": "no"}.get(plan.settings.precision, plan.settings.precision)
    if precision == "fp16" and chosen != "cuda":
        # Half precision with its scaled losses is a matter of GPUs; released code ran on one.
        precision = "no"
    accelerator = Accelerator(
        cpu=chosen == "cpu",
        mixed_precision=precision,
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
    )
    there = accelerator.num_processes
    if plan.processes is not None and plan.processes != there:
        raise InputError(
            f"--processes {plan.processes}: there are {there}; start them with "
            f"`torchrun --nproc-per-node {plan.processes} -m fusionbench train ...`"
        )
    return accelerator


@contextmanager
def _alone(out: Path, accelerator: Accelerator) -> Iterator[None]:
    """Hold the folder, so that two runs do not write into it at once."""
    if not accelerator.is_main_process:
        yield
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = (out / ".running").open("w")
    except OSError as error:
        raise InputError(f"--out {out}: cannot be written ({error.strerror or error})") from error
    with lock:
        if sys.platform != "win32":
            _lock(lock, out)
        for leftover in out.rglob(".writing-*"):
            # Of a run that was killed while it wrote.
            leftover.unlink(missing_ok=True)
        yield


def _lock(file: TextIO, out: Path) -> None:
    """Hold a file; processes of a run that was just killed may hold it for some seconds more."""
    import fcntl

    for attempt in range(LOCK_ATTEMPTS):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if attempt == LOCK_ATTEMPTS - 1:
                raise InputError(
                    f"--out {out}: another training is running there; wait for it, or give another --out"
                ) from error
            time.sleep(1.0)


@contextmanager
def _written_or_said(out: Path) -> Iterator[None]:
    """Whatever cannot be written becomes one line."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, SafetensorError) as error:
        where = getattr(error, "filename", None) or out
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{where}: cannot be written or read ({reason}); free some space and run the same command again, "
            "it goes on from the last checkpoint"
        ) from error


def _require_stage(plan: TrainingPlan, stage: str | None) -> None:
    names = [each.name for each in plan.settings.stages]
    if stage is not None and stage not in names:
        raise InputError(f"no stage is called {stage!r}; this recipe has {', '.join(names)}")


def _stage_card(plan: TrainingPlan, name: str) -> StageCard:
    return next(card for card in plan.recipe.card.stages if card.name == name)


def _is_trainable(name: str) -> bool:
    try:
        return isinstance(registry.load("method", name), Trainable)
    except FusionbenchError:
        return False
