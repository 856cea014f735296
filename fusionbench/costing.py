"""What a method costs: weights, multiplications, processor time and memory for one pair of a given size.

Each method is measured in a process of its own, so that one does not pay for what another left in memory. The
pair is random noise: no method hosted here does less for an easier image, but for the quadtree of `ifevip`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fusionbench.contracts import Device, ImageFusion, ImagePair
from fusionbench.errors import FusionbenchError, MethodError
from fusionbench.fusing import fuse_pairs
from fusionbench.method_references import MethodReference, card_of
from fusionbench.ready_methods import ReadyMethod, ready_method

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_SIZE = (480, 640)
RUNS = 2
"""Timed, after one that is not; the faster counts."""

MEGABYTE = 1e6

ERROR = "error: "


@dataclass(frozen=True)
class Cost:
    """Of fusing one pair."""

    parameters: int | None
    """Weights that fusing uses, as on the card; None where the card says none."""
    gmacs: float | None
    """Multiplications with addition of convolutions and matrix products, in 10^9; None for none."""
    seconds: float
    """Processor seconds on the CPU, elapsed seconds elsewhere."""
    megabytes: float
    """Most memory above what the method holds at rest."""


def cost_of(
    method: str,
    weights: Path | None = None,
    *,
    size: tuple[int, int] = DEFAULT_SIZE,
    device: Device = "cpu",
    threads: int = 1,
) -> Cost:
    """Measure a method in a process of its own.

    Args:
        method: Its reference, as `--method` takes it.
        weights: File or folder of trained weights.
        size: Height and width of the pair.
        device: Where it runs.
        threads: Of torch, on the CPU.

    Raises:
        MethodError: If the process fails; with its last line.
    """
    # A wrong name is told at once, by its own error.
    MethodReference(method).create_enhancements()
    card_of(MethodReference(method).method_class)
    given = json.dumps([method, None if weights is None else str(weights), *size, device, threads])
    done = subprocess.run(  # noqa: S603 - this module itself
        [sys.executable, "-m", "fusionbench.costing", given], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise MethodError(f"method {method}: could not be measured: {last.removeprefix(ERROR)}")
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def measure_here(ready: ReadyMethod, size: tuple[int, int] = DEFAULT_SIZE) -> Cost:
    """Measure a method in this process; memory is right only if nothing larger ran before."""
    if isinstance(ready.method, ImageFusion):
        raise MethodError(f"method {ready.name} runs as a program of its own; measure it there")
    generator = np.random.default_rng(0)
    pair = ImagePair(
        "noise",
        generator.integers(0, 256, (*size, 3), dtype=np.uint8),
        generator.integers(0, 256, size, dtype=np.uint8),
    )

    def run() -> None:
        fuse_pairs(ready, [pair])

    gmacs = _gmacs(run)
    megabytes = _peak(run, ready.device)
    return Cost(
        ready.card.parameters, gmacs, min(_seconds(run, ready.device) for _ in range(RUNS)), megabytes
    )


def _gmacs(run: Callable[[], None]) -> float | None:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counted:
        run()
    # A multiplication with addition is two operations.
    return counted.get_total_flops() / 2e9 or None


def _seconds(run: Callable[[], None], device: str) -> float:
    import torch

    clock = time.process_time if device == "cpu" else time.perf_counter
    started = clock()
    run()
    if device == "cuda":
        torch.cuda.synchronize()
    return clock() - started


def _peak(run: Callable[[], None], device: str) -> float:
    import torch

    if device == "cuda":
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        run()
        return (torch.cuda.max_memory_allocated() - before) / MEGABYTE
    at_rest = _forget_peak()
    run()
    return max(0.0, _peak_bytes() - at_rest) / MEGABYTE


def _forget_peak() -> float:
    """Start the count of the most memory anew where the system can; returns what is held now, in bytes."""
    reset = Path("/proc/self/clear_refs")
    try:
        reset.write_text("5")
    except OSError:
        return _peak_bytes()
    return _status("VmRSS")


def _peak_bytes() -> float:
    if Path("/proc/self/status").exists():
        return _status("VmHWM")
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)


def _status(field: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(1024.0 * float(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


def main() -> None:
    """Measure what the first argument says (see `cost_of`) and print it as JSON."""
    import torch

    method, weights, height, width, device, threads = json.loads(sys.argv[1])
    torch.set_num_threads(threads)
    try:
        ready = ready_method(method, None if weights is None else Path(weights), device)
        cost = measure_here(ready, (height, width))
    except FusionbenchError as error:
        raise SystemExit(f"{ERROR}{error}") from error
    print(json.dumps(asdict(cost)))  # noqa: T201 - read by `cost_of`


if __name__ == "__main__":
    main()
