"""SGAFusion's inference beside its plain forward: CPU time, peak memory, deviation; the worth of semantics.

Run it in a clone on one otherwise idle core:

    OMP_NUM_THREADS=1 python benchmarks/sgafusion.py [--repeats 5] [--variant released] [--4k]
    python benchmarks/sgafusion.py --checkpoint FILE [--dataset msrs --root DIR]     # the semantics' worth

Peak memory is that of a process of its own above what it takes with the network loaded. On an accelerator the
images per second at 640x480 are printed too, in float32, in bfloat16 and compiled.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from fusionbench_methods.sgafusion import SGAFusionNet
from fusionbench_methods.sgafusion.configuration import VARIANTS, Variant

TIMED_SIZE = (240, 320)
MEASURED_SIZE = (480, 640)
LARGE_SIZE = (2160, 3840)

METRICS = ("qabf", "ssim", "vif")

WAYS = ("plain", "fast", "streaming")


def network_of(variant: Variant) -> SGAFusionNet:
    """A network with random weights."""
    torch.manual_seed(0)
    return SGAFusionNet(variant).eval().requires_grad_(False)


def random_pair(size: tuple[int, int]) -> list[torch.Tensor]:
    """A random pair with an embedding."""
    return [torch.rand(1, 3, *size), torch.rand(1, 1, *size), torch.rand(1, 512)]


def way(network: SGAFusionNet, pair: list[torch.Tensor], name: str) -> Callable[[], torch.Tensor]:
    """One of `WAYS` to fuse a pair."""
    if name == "plain":
        return lambda: network(*pair)[0]
    return lambda: network.fuse(*pair, streaming=name == "streaming")


def print_times(variant: Variant, repeats: int) -> None:
    """Least CPU seconds of several runs, the ways in turn so that all meet the same neighbours.

    Beside them what the arithmetic alone would take at the rate of a large product of matrices, which no
    convolution in single precision surpasses without approximate algorithms.
    """
    network, pair = network_of(variant), random_pair(TIMED_SIZE)
    runs = {name: way(network, pair, name) for name in WAYS}
    images = {name: run() for name, run in runs.items()}
    work = {name: billions_of_operations(run) for name, run in runs.items()}
    square = torch.rand(2048, 2048)
    runs["product"] = lambda: square @ square
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            started = time.process_time()
            run()
            times[name].append(time.process_time() - started)
    rate = 2 * 2.048**3 / min(times["product"])
    largest = float(images["plain"].abs().max())
    for name in WAYS:
        least, plain = min(times[name]), min(times["plain"])
        off = float((images[name] - images["plain"]).abs().max()) / largest
        floor = work[name] / rate
        print(
            f"{variant:10}{name:10} 320x240 {least:6.2f} CPU s {plain / least:5.2f} x   off by {off:.1e}"
            f"   {work[name]:4.0f} GFLOP, {floor:.2f} s at {rate:.0f} GFLOP/s"
        )


def billions_of_operations(run: Callable[[], object]) -> float:
    """Additions and multiplications in convolutions and products of matrices."""
    with FlopCounterMode(display=False) as counter:
        run()
    return float(counter.get_total_flops()) / 1e9


def print_peaks(variant: Variant, names: tuple[str, ...], size: tuple[int, int]) -> None:
    """Peak memory of each way in a process of its own."""
    peaks = {}
    for name in names:
        command = [sys.executable, __file__, "--peak-of", name, "--variant", variant]
        command += ["--size", f"{size[0]}x{size[1]}"]
        found = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks[name], seconds = (float(number) for number in found.stdout.split())
        ratio = f"{peaks[names[0]] / peaks[name]:5.1f} x" if len(names) > 1 else ""
        print(
            f"{variant:10}{name:10} {size[1]}x{size[0]} {peaks[name]:6.0f} MB above the network {ratio}"
            f"   {seconds:.0f} CPU s"
        )


def print_peak(variant: Variant, name: str, size: tuple[int, int]) -> None:
    """Megabytes above the loaded network (images included), and CPU seconds."""
    network = network_of(variant)
    way(network, random_pair((64, 64)), name)()
    loaded = memory_megabytes("VmRSS")
    pair = random_pair(size)
    started = time.process_time()
    way(network, pair, name)()
    seconds = time.process_time() - started
    print(memory_megabytes("VmHWM") - loaded, seconds)


def memory_megabytes(kind: str) -> float:
    """What the process holds now (VmRSS) or held at most (VmHWM); on Linux.

    Unlike `ru_maxrss`, it does not begin with what the process that started this one held.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:")) / 1024


def print_accelerator(variant: Variant, repeats: int) -> None:
    """Images per second at 640x480 on an accelerator."""
    network, pair = network_of(variant).cuda(), [each.cuda() for each in random_pair(MEASURED_SIZE)]
    compiled = torch.compile(network)
    runs: dict[str, Callable[[], object]] = {
        "plain float32": way(network, pair, "plain"),
        "fast float32": way(network, pair, "fast"),
        "compiled float32": lambda: compiled(*pair),
    }
    for name, run in list(runs.items()):
        runs[name.replace("float32", "bfloat16")] = in_bfloat16(run)
    for name, run in runs.items():
        with torch.inference_mode():
            for _ in range(3):
                run()
            torch.cuda.synchronize()
            started = time.perf_counter()
            for _ in range(10 * repeats):
                run()
            torch.cuda.synchronize()
        rate = 10 * repeats / (time.perf_counter() - started)
        print(f"{variant:10}{name:18} 640x480 {rate:7.1f} images/s on {torch.cuda.get_device_name()}")


def in_bfloat16(run: Callable[[], object]) -> Callable[[], object]:
    """The same under autocast."""

    def cast() -> object:
        with torch.autocast("cuda", torch.bfloat16):
            return run()

    return cast


def print_semantics(checkpoint: Path, dataset: str, root: Path | None, pairs: int) -> None:
    """Qabf, SSIM and VIF to the clean pair with the true embedding, none, and its numbers shuffled."""
    import fusionbench
    from fusionbench.datasets import open_dataset
    from fusionbench.degrading import degrade_pair, parse_condition
    from fusionbench.fusing import fuse_pairs
    from fusionbench.ready_methods import ReadyMethod
    from fusionbench_methods.sgafusion.method import SGAFusion

    opened = open_dataset(dataset, root)
    clean = [opened.load(sample) for sample in opened.samples[:pairs]]
    for text in ("clean", "haze@3", "low_light@3"):
        degraded = [degrade_pair(pair, parse_condition(text), 0, dataset).pair for pair in clean]
        for told in ("true", "zero", "shuffled"):
            method = ReadyMethod("sgafusion", SGAFusion.card, SGAFusion(checkpoint, embedding=told), "cpu")
            sums = dict.fromkeys(METRICS, 0.0)
            for whole, damaged in zip(clean, degraded, strict=True):
                fused = fuse_pairs(method, [damaged])[0].image
                values = fusionbench.measure(fused, whole.visible, whole.infrared, metrics=METRICS)
                for name in METRICS:
                    sums[name] += values[name] / len(clean)
            means = "  ".join(f"{name} {mean:.4f}" for name, mean in sums.items())
            print(f"{dataset:10}{text:14}embedding {told:10}{means}")


def main() -> None:
    """Print what was asked for."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--repeats", type=int, default=5)
    options.add_argument("--variant", choices=VARIANTS, action="append")
    options.add_argument("--4k", dest="large", action="store_true", help="Fuse 3840x2160 too (minutes).")
    options.add_argument("--checkpoint", type=Path)
    options.add_argument("--dataset", default="scenes")
    options.add_argument("--root", type=Path)
    options.add_argument("--pairs", type=int, default=8)
    options.add_argument("--peak-of", choices=WAYS, help=argparse.SUPPRESS)
    options.add_argument("--size", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    variants: list[Variant] = chosen.variant or ["released", "corrected"]
    if chosen.peak_of:
        height, width = (int(length) for length in chosen.size.split("x"))
        print_peak(variants[0], chosen.peak_of, (height, width))
        return
    if chosen.checkpoint:
        print_semantics(chosen.checkpoint, chosen.dataset, chosen.root, chosen.pairs)
        return
    for variant in variants:
        print_times(variant, chosen.repeats)
        print_peaks(variant, WAYS, MEASURED_SIZE)
        if torch.cuda.is_available():
            print_accelerator(variant, chosen.repeats)
    if chosen.large:
        print_peaks(variants[0], ("streaming",), LARGE_SIZE)


if __name__ == "__main__":
    main()
