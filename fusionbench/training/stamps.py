"""How a stage's artefact came about, when it counts as done, and what it says of itself."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fusionbench.errors import InputError
from fusionbench.evaluation.provenance import file_hash
from fusionbench.training.checkpoints import CHECKPOINT_FILE, differences, read_json
from fusionbench.training.plan import TrainingPlan
from fusionbench.training.settings import StageSettings


def identity_of(
    plan: TrainingPlan, settings: StageSettings, earlier: Mapping[str, Path], processes: int
) -> dict[str, Any]:
    """Everything that decides what a stage learns, as plain values."""
    identity = {
        "method": plan.method,
        "stage": settings.name,
        "seed": plan.settings.seed,
        "precision": plan.settings.precision,
        "processes": processes,
        **settings.as_json(),
        **{f"after {name}": file_hash(path)[:16] for name, path in earlier.items()},
    }
    # As a stamp gives it back: a tuple is a list there.
    plain: dict[str, Any] = json.loads(json.dumps(identity))
    return plain


def finished(plan: TrainingPlan, stage: str, identity: Mapping[str, Any]) -> dict[str, Any] | None:
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


def forget(plan: TrainingPlan, stage: str) -> None:
    """Remove what was done in a stage and those after it."""
    names = [each.name for each in plan.settings.stages]
    for name in names[names.index(stage) :]:
        # The stamp goes first: without it the artefact counts for nothing.
        for path in (plan.stamp(name), plan.artefact(name), plan.out / name / CHECKPOINT_FILE):
            path.unlink(missing_ok=True)


def notes_of(
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


def versions(device: str) -> dict[str, str]:
    """What a stage was trained with."""
    import torch

    from fusionbench import __version__

    return {
        "fusionbench": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "device": device,
        "threads": str(torch.get_num_threads()),
    }
