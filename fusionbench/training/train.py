"""A recipe from its first unfinished stage to its last."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusionbench.contracts import StageCard, StageData, StageRequest, named_generator
from fusionbench.errors import InputError
from fusionbench.evaluation.provenance import file_hash
from fusionbench.training.checkpoints import write_json
from fusionbench.training.plan import TrainingPlan
from fusionbench.training.settings import StageSettings
from fusionbench.training.sources import stage_data
from fusionbench.training.stamps import finished, forget, identity_of, notes_of, versions
from fusionbench.training.surroundings import accelerator_for, alone_in, written_or_said

if TYPE_CHECKING:
    from accelerate import Accelerator

    from fusionbench.training.following import Follower

DRY_RUN_STEPS = 2

DRY_RUN_PAIRS = 2

FRAMES = "frames"


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
    accelerator = accelerator_for(plan)
    with alone_in(plan.out, accelerator), written_or_said(plan.out):
        if anew_from is not None and accelerator.is_main_process:
            forget(plan, anew_from)
        accelerator.wait_for_everyone()
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
    identity = identity_of(plan, settings, earlier, accelerator.num_processes)
    stamp = finished(plan, settings.name, identity)
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
        learnt_from = sorted({name.rpartition(" ")[0] for name in data.train.names})
        notes = notes_of(plan, settings, identity, report, earlier, learnt_from)
        stage.write(plan.artefact(settings.name), notes)
        stamp = {
            "identity": identity,
            "artefact_sha256": file_hash(plan.artefact(settings.name)),
            "report": report,
            "learnt_from": learnt_from,
            "seconds_since_last_start": round(time.perf_counter() - began, 1),
            "cpu_seconds_since_last_start": round(time.process_time() - used, 1),
            "made_with": versions(str(accelerator.device)),
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


def _require_stage(plan: TrainingPlan, stage: str | None) -> None:
    names = [each.name for each in plan.settings.stages]
    if stage is not None and stage not in names:
        raise InputError(f"no stage is called {stage!r}; this recipe has {', '.join(names)}")


def _stage_card(plan: TrainingPlan, name: str) -> StageCard:
    return next(card for card in plan.recipe.card.stages if card.name == name)
