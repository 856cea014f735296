"""The loop of one stage: batch, loss, gradient, update, checkpoint."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from fusionbench.contracts import Batch, Draw, TrainingStage, named_generator
from fusionbench.errors import FusionbenchError, InputError, TrainingError
from fusionbench.training.checkpoints import CHECKPOINT_FILE, differences, read_checkpoint, write_checkpoint
from fusionbench.training.following import Follower
from fusionbench.training.logbook import Logbook
from fusionbench.training.schedules import rate_factor
from fusionbench.training.settings import OptimisationSettings

if TYPE_CHECKING:
    from accelerate import Accelerator

SECONDS_BETWEEN_CHECKPOINTS = 30.0

PACE_VARIABLE = "FUSIONBENCH_CHECKPOINT_SECONDS"
"""Environment variable with another number of seconds between checkpoints; it changes no result."""

AVERAGE_START = 10
"""The average's memory grows with the steps, so that the first weights do not linger."""

NAMES_SHOWN = 8

FAILED = "failed"
"""Key of a batch that could not be made."""


@dataclass(frozen=True)
class StageRun:
    """One stage of one run."""

    name: str
    settings: OptimisationSettings
    seed: int
    folder: Path
    identity: Mapping[str, Any]
    """What a checkpoint must agree with."""
    workers: int = 0
    """Processes that make batches; 0 makes them here."""


class _Objective(nn.Module):
    """The stage's loss as a module, since data parallelism and mixed precision wrap a forward pass."""

    def __init__(self, stage: TrainingStage) -> None:
        super().__init__()
        self.module = stage.module
        self._stage = [stage]

    def forward(self, batch: Batch) -> Mapping[str, torch.Tensor]:
        return self._stage[0].loss(batch)


class _Steps(torch.utils.data.Dataset[Batch]):
    """Batches by number."""

    def __init__(self, stage: TrainingStage, run: StageRun, rank: int, processes: int) -> None:
        self._stage, self._run, self._rank, self._processes = stage, run, rank, processes

    def __getitem__(self, step: int) -> Batch:
        """The batch; of one that cannot be made the error, which keeps its one line across processes."""
        draw = Draw(self._run.seed, self._run.name, step, self._rank, self._processes)
        try:
            return self._stage.batch(draw)
        except FusionbenchError as error:
            return {FAILED: error}


def run_stage(stage: TrainingStage, run: StageRun, accelerator: Accelerator, follower: Follower) -> None:
    """Train a stage's module from its last checkpoint, or from the start, to the end of its steps.

    Raises:
        InputError: If a checkpoint is another run's or damaged, or one cannot be written.
        TrainingError: If the loss is not finite; the last checkpoint stands.
    """
    state = _State(stage, run, accelerator)
    first = state.resume()
    follower.began(run.name, first, run.settings.steps)
    logbook = Logbook(run.folder, first) if accelerator.is_main_process else None
    kept, pace = time.monotonic(), _pace()
    interruption = _Interruption()
    for step, losses in interruption.between(_steps(state, first)):
        if logbook is None:
            continue
        logbook.add(step, losses)
        follower.stepped(run.name, step + 1, run.settings.steps, losses)
        if time.monotonic() - kept >= pace or interruption.came:
            # The log first: what it has beyond the checkpoint is dropped, what it lacks is lost.
            logbook.flush()
            state.keep(step + 1)
            kept = time.monotonic()
    if logbook is not None:
        logbook.flush()
        state.keep(run.settings.steps)
        logbook.close(f"{run.identity.get('method', '')} {run.name}".strip())
    state.take_average()
    accelerator.wait_for_everyone()


_Step = tuple[int, dict[str, float]]
"""A step's number and its losses."""


class _Interruption:
    """Holds back Ctrl-C until a step is done and kept; a second one does not wait."""

    def __init__(self) -> None:
        self.came = False

    def between(self, steps: Iterator[_Step]) -> Iterator[_Step]:
        """The steps, until the one in which it came.

        Raises:
            KeyboardInterrupt: After that step.
        """
        if threading.current_thread() is not threading.main_thread():
            yield from steps
            return
        before = signal.signal(signal.SIGINT, self._note)
        try:
            for step in steps:
                yield step
                if self.came:
                    raise KeyboardInterrupt
        finally:
            signal.signal(signal.SIGINT, before)

    def _note(self, _number: int, _frame: object) -> None:
        if self.came:
            raise KeyboardInterrupt
        self.came = True


def _pace() -> float:
    text = os.environ.get(PACE_VARIABLE, "")
    try:
        return float(text) if text else SECONDS_BETWEEN_CHECKPOINTS
    except ValueError:
        raise InputError(f"{PACE_VARIABLE}={text}: expected a number of seconds") from None


def _steps(state: _State, first: int) -> Iterator[_Step]:
    """Do the steps from `first` on."""
    run = state.run
    batches = iter(state.batches(first))
    for step in range(first, run.settings.steps):
        began = time.perf_counter()
        torch.manual_seed(int(named_generator(run.seed, run.name, "step", step, state.rank).integers(2**62)))
        losses = state.update(step, batches)
        yield step, {**losses, "seconds": time.perf_counter() - began}


class _State:
    """Everything that changes while a stage is trained."""

    def __init__(self, stage: TrainingStage, run: StageRun, accelerator: Accelerator) -> None:
        self.run = run
        self.rank = accelerator.process_index
        self._stage = stage
        self._accelerator = accelerator
        self._trained = {
            name: weight for name, weight in stage.module.named_parameters() if weight.requires_grad
        }
        if not self._trained:
            raise InputError(f"stage {run.name}: has nothing to train")
        optimiser = _optimiser(list(self._trained.values()), run.settings)
        self._objective, self._optimiser = accelerator.prepare(_Objective(stage), optimiser)
        self._average = {name: weight.detach().clone() for name, weight in self._trained.items()}

    def batches(self, first: int) -> torch.utils.data.DataLoader[Batch]:
        """Batches from those of update `first` on."""
        count = self.run.settings.accumulate
        return torch.utils.data.DataLoader(
            _Steps(self._stage, self.run, self.rank, self._accelerator.num_processes),
            batch_size=None,
            sampler=range(first * count, self.run.settings.steps * count),
            num_workers=self.run.workers,
            generator=torch.Generator(),
        )

    def update(self, step: int, batches: Iterator[Batch]) -> dict[str, float]:
        """Update the weights once; gives the losses of the last batch."""
        settings = self.run.settings
        rate = settings.learning_rate * rate_factor(settings, step)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self._optimiser.zero_grad()
        for part in range(settings.accumulate):
            made = next(batches)
            if FAILED in made:
                raise made[FAILED]
            batch = self._moved(made)
            is_last = part == settings.accumulate - 1
            with nullcontext() if is_last else self._accelerator.no_sync(self._objective):
                losses = self._objective(batch)
                self._require_finite(step, losses["total"], batch)
                self._accelerator.backward(losses["total"] / settings.accumulate)
        # Without a limit the norm is looked at all the same: one that is not finite would spoil all weights.
        limit = settings.clip or math.inf
        norm = self._accelerator.clip_grad_norm_(list(self._trained.values()), limit)
        if self._accelerator.scaler is None:
            self._require_finite(step, norm, batch, "gradient's norm")
        self._optimiser.step()
        self._follow_average(step)
        return {**{name: float(value.detach()) for name, value in losses.items()}, "learning_rate": rate}

    def resume(self) -> int:
        """Take the last checkpoint; gives the number of steps it has done."""
        path = self.run.folder / CHECKPOINT_FILE
        state = read_checkpoint(path)
        if state is None:
            return 0
        differing = differences(self.run.identity, state["identity"])
        if differing:
            raise InputError(
                f"{path}: is a checkpoint of another recipe ({'; '.join(differing[:3])}); give another "
                f"--out, or train the stage anew with --from {self.run.name}"
            )
        with torch.no_grad():
            for name, weight in self._trained.items():
                weight.copy_(state["weights"][name])
                self._average[name].copy_(state["average"][name])
            for name, buffer in self._stage.module.named_buffers():
                buffer.copy_(state["buffers"][name])
        self._optimiser.load_state_dict(state["optimiser"])
        if self._accelerator.scaler is not None and state["scaler"]:
            self._accelerator.scaler.load_state_dict(state["scaler"])
        return int(state["steps"])

    def keep(self, steps: int) -> None:
        """Write a checkpoint after so many steps."""
        scaler = self._accelerator.scaler
        write_checkpoint(
            self.run.folder / CHECKPOINT_FILE,
            {
                "identity": dict(self.run.identity),
                "steps": steps,
                "weights": {name: weight.detach().cpu() for name, weight in self._trained.items()},
                "average": {name: weight.cpu() for name, weight in self._average.items()},
                "buffers": {name: each.cpu() for name, each in self._stage.module.named_buffers()},
                "optimiser": self._optimiser.state_dict(),
                "scaler": scaler.state_dict() if scaler is not None else {},
            },
        )

    @torch.no_grad()
    def take_average(self) -> None:
        """Put the averaged weights into the module, where they are averaged."""
        if self.run.settings.average:
            for name, weight in self._trained.items():
                weight.copy_(self._average[name])

    @torch.no_grad()
    def _follow_average(self, step: int) -> None:
        if not self.run.settings.average:
            return
        memory = min(self.run.settings.average, (1 + step) / (AVERAGE_START + step))
        for name, weight in self._trained.items():
            self._average[name].lerp_(weight.detach(), 1.0 - memory)

    def _moved(self, batch: Batch) -> dict[str, Any]:
        return {
            name: value.to(self._accelerator.device) if isinstance(value, torch.Tensor) else value
            for name, value in batch.items()
        }

    def _require_finite(self, step: int, value: torch.Tensor, batch: Batch, what: str = "loss") -> None:
        number = float(value.detach())
        if math.isfinite(number):
            return
        names = list(batch.get("names", ()))
        more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
        listed = ", ".join(names[:NAMES_SHOWN]) + more
        raise TrainingError(
            f"stage {self.run.name}, step {step}: the {what} is {number}, from {listed or 'its batch'}; the "
            f"last checkpoint stands in {self.run.folder}. Look at these images, or lower the rate: "
            f"--set {self.run.name}.learning_rate={self.run.settings.learning_rate / 3:.2g} "
            f"--from {self.run.name}"
        )


def _optimiser(weights: list[nn.Parameter], settings: OptimisationSettings) -> torch.optim.Optimizer:
    betas = (settings.momentum, settings.memory)
    if settings.optimiser == "adamw":
        return torch.optim.AdamW(
            weights, settings.learning_rate, betas=betas, weight_decay=settings.weight_decay
        )
    return torch.optim.Adam(weights, settings.learning_rate, betas=betas)
