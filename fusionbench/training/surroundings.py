"""What a run stands on: device and processes, a folder of its own, and a disk that may be full."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from fusionbench.errors import InputError
from fusionbench.training.plan import TrainingPlan

if TYPE_CHECKING:
    from accelerate import Accelerator

EXTRA = 'training needs the extra "train": pip install "ivif-fusionbench[train]"'

LOCK_ATTEMPTS = 8
"""Seconds to wait for a folder that is held."""


def accelerator_for(plan: TrainingPlan) -> Accelerator:
    """What spreads training over devices and processes, and computes in the recipe's precision.

    Raises:
        InputError: If accelerate is not installed, a device is not there, or the number of processes is
            another than asked for.
    """
    from fusionbench.devices import choose_device

    try:
        from accelerate import Accelerator
        from accelerate.utils import DistributedDataParallelKwargs
    except ImportError:
        raise InputError(EXTRA) from None
    chosen = choose_device(plan.device)
    precision = plan.settings.precision
    # Half precision with its scaled losses is a matter of GPUs; released code ran on one.
    is_whole = precision == "float32" or (precision == "fp16" and chosen != "cuda")
    accelerator = Accelerator(
        cpu=chosen == "cpu",
        mixed_precision="no" if is_whole else precision,
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
def alone_in(out: Path, accelerator: Accelerator) -> Iterator[None]:
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
def written_or_said(out: Path) -> Iterator[None]:
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
