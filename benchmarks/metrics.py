"""CPU time per image and metric: ours against a plain scipy / scikit-image formulation of the same formula.

Run it in a clone with the development dependencies, on one otherwise idle core:

    OMP_NUM_THREADS=1 python benchmarks/metrics.py [--repeats 15] [--metric vif,qcb] [--all]

All columns come from the same process and the same images, taking turns, as median process time; read the
ratios, not the milliseconds. `kept` has the statistics of the two sources from an earlier fused image, as in
every benchmark with more than one method; `fresh` computes them too. `diff` is the relative difference of the
two formulations: a speed-up that changes the number would be none. The line `core` measures the core metrics
of one image together, as an evaluation does, sharing what they have in common; its yardstick is VIF alone
with two-dimensional windows, the largest part of the evaluators in common use.

With a checkout of CDDFuse, `--cddfuse DIR` times its `utils/Evaluator.py` in the same run. For the MATLAB
toolboxes, save the images this benchmark draws with `--save DIR` and time there, for example
`tic; analysis_Reference(imread('fused.png'), imread('infrared.png'), imread('visible.png'), 0); toc`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from plain_formulas import FORMULAS, Grey, Map, PlainMetric, full_window_fidelity
from scipy import ndimage

from fusionbench.contracts import MeasuredImage, Metric, SourceImages
from fusionbench.images import write_png
from fusionbench.measuring import choose_metrics, ready_metrics

Images = tuple[Grey, Grey, Grey]
"""Fused, visible, infrared."""

Work = Callable[[], object]


@dataclass(frozen=True)
class Comparison:
    """Median process time of one metric in seconds, and how far the two values are apart."""

    name: str
    kept: float
    fresh: float
    plain: float | None = None
    difference: float | None = None


def main() -> None:
    arguments = parse_arguments()
    images = generated_images(arguments.height, arguments.width)
    if arguments.save:
        for name, image in zip(("fused", "visible", "infrared"), images, strict=True):
            write_png(arguments.save / f"{name}.png", image)
    names = ["all"] if arguments.all else arguments.metric.split(",") if arguments.metric else None
    metrics = ready_metrics(choose_metrics(names, clean_output=False))
    print(f"{arguments.width}x{arguments.height}, median of {arguments.repeats}, process time in ms")
    print(
        f"{'metric':14}{'kept':>9}{'fresh':>9}{'plain':>10}{'plain/kept':>12}{'plain/fresh':>13}{'diff':>9}"
    )
    for name, metric in metrics.items():
        print_line(compare(name, metric, FORMULAS.get(name), images, arguments.repeats))
    if names is None:
        together = compare_core(metrics, images, arguments.repeats)
        print_line(together)
        print_yardstick(together, images)
    if arguments.cddfuse:
        print_cddfuse(arguments.cddfuse, images)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time the metrics against plain formulations.")
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--metric", help="names separated by commas (default: the core set)")
    parser.add_argument("--all", action="store_true", help="every metric that needs no extra")
    parser.add_argument("--save", type=Path, metavar="DIR", help="write the three images there")
    parser.add_argument("--cddfuse", type=Path, metavar="DIR", help="a checkout of CDDFuse, to time beside")
    return parser.parse_args()


def generated_images(height: int, width: int) -> Images:
    """A fused, a visible and an infrared image with the smoothness of natural ones."""
    random = np.random.default_rng(0)

    def texture(sigma: float) -> Map:
        noise = ndimage.gaussian_filter(random.standard_normal((height, width)), sigma)
        image: Map = 128 + 45 * noise / noise.std() + 3 * random.standard_normal((height, width))
        return image

    visible, infrared = texture(2.0), texture(6.0)
    pixels = [
        np.clip(image, 0, 255).astype(np.uint8) for image in ((visible + infrared) / 2, visible, infrared)
    ]
    return pixels[0], pixels[1], pixels[2]


def wrapped(image: Grey) -> MeasuredImage:
    return MeasuredImage(image, image)


def sources_of(images: Images) -> SourceImages:
    return SourceImages(wrapped(images[1]), wrapped(images[2]))


def compare(name: str, metric: Metric, plain: PlainMetric | None, images: Images, repeats: int) -> Comparison:
    kept = sources_of(images)
    # The first round fills what is kept and warms up imports and caches; it is not timed.
    ours = metric.measure(wrapped(images[0]), kept)
    ways: dict[str, Work] = {
        "kept": lambda: metric.measure(wrapped(images[0]), kept),
        "fresh": lambda: metric.measure(wrapped(images[0]), sources_of(images)),
    }
    if plain is None:
        return Comparison(name, **medians(ways, repeats))
    theirs = plain(*images)
    ways["plain"] = lambda: plain(*images)
    return Comparison(name, **medians(ways, repeats), difference=abs(ours / theirs - 1))


def compare_core(metrics: Mapping[str, Metric], images: Images, repeats: int) -> Comparison:
    def measure_all(sources: SourceImages) -> None:
        fused = wrapped(images[0])
        for metric in metrics.values():
            metric.measure(fused, sources)

    kept = sources_of(images)
    measure_all(kept)
    ways: dict[str, Work] = {
        "kept": lambda: measure_all(kept),
        "fresh": lambda: measure_all(sources_of(images)),
        "plain": lambda: [FORMULAS[name](*images) for name in metrics],
    }
    return Comparison("core", **medians(ways, repeats))


def medians(ways: Mapping[str, Work], repeats: int) -> dict[str, float]:
    """Median process time of each way, all taking turns."""
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(repeats):
        for way, work in ways.items():
            seconds[way].append(process_time(work))
    return {way: statistics.median(times) for way, times in seconds.items()}


def process_time(work: Work) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def print_line(row: Comparison) -> None:
    own = f"{row.name:14}{row.kept * 1e3:9.2f}{row.fresh * 1e3:9.2f}"
    if row.plain is None:
        print(own)
        return
    ratios = f"{row.plain * 1e3:10.2f}{row.plain / row.kept:12.1f}{row.plain / row.fresh:13.1f}"
    print(own + ratios + ("" if row.difference is None else f"{row.difference:9.0e}"))


def print_yardstick(core: Comparison, images: Images) -> None:
    seconds = min(process_time(lambda: full_window_fidelity(*images)) for _ in range(2))
    print(
        f"VIF with two-dimensional windows: {seconds * 1e3:.0f} ms, "
        f"{seconds / core.kept:.1f} times the core metrics kept"
    )


def print_cddfuse(checkout: Path, images: Images) -> None:
    sys.path.insert(0, str(checkout))
    from utils.Evaluator import Evaluator

    fused, visible, infrared = (image.astype(np.float32) for image in images)
    for name in ("MI", "VIFF", "Qabf", "SCD"):
        seconds = min(
            process_time(lambda name=name: getattr(Evaluator, name)(fused, infrared, visible))
            for _ in range(3)
        )
        print(f"CDDFuse {name}: {seconds * 1e3:.1f} ms")


if __name__ == "__main__":
    main()
