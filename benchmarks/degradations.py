"""CPU time per image and degradation, beside the nearest damage by the libraries in common use.

Run it in a clone with the development dependencies, on one otherwise idle core:

    OMP_NUM_THREADS=1 python benchmarks/degradations.py [--repeats 15] [--severity 3] [--degradation haze]

Each repetition damages an `ImagePair` of its own, so that nothing found out about a scene (depth, airlight)
is there already; decoding to linear light, the ground-truth maps and the rounding to 8 bits are in the time,
which is process time. `least` is the figure to compare with the target of the specification: what else the
machine does can only add to it. All columns come from one process and one image, taking turns.

Beside it, where installed (neither is a dependency): imagecorruptions-imaug (the code of ImageNet-C) and
albumentations, on the visible image alone, least time. They do less: no depth, no linear light, no ground
truth, and no result that another machine repeats.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from fusionbench import registry
from fusionbench.contracts import ImagePair, Uint8Image
from fusionbench.degrading import degrade_pair, parse_condition

Work = Callable[[], object]

TARGETS = {
    "haze": 60, "fog": 60, "low_light": 60, "noise": 50, "rain": 60, "motion_blur": 50, "defocus": 50,
    "ir_noise": 8, "ir_stripe": 8, "ir_low_contrast": 8, "ir_blur": 8,
}  # fmt: skip
"""Milliseconds at 640x480 on one thread that the specification asks for."""

IMAGE_CORRUPTIONS = {
    "haze": "fog", "fog": "fog", "low_light": "brightness", "noise": "shot_noise",
    "over_exposure": "brightness", "rain": "spatter", "motion_blur": "motion_blur",
    "defocus": "defocus_blur", "jpeg": "jpeg_compression",
}  # fmt: skip
"""What of ImageNet-C comes nearest."""

ALBUMENTATIONS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "haze": ("RandomFog", {}),
    "fog": ("RandomFog", {}),
    "low_light": ("RandomBrightnessContrast", {"brightness_limit": (-0.5, -0.5)}),
    "noise": ("ISONoise", {}),
    "over_exposure": ("RandomBrightnessContrast", {"brightness_limit": (0.5, 0.5)}),
    "rain": ("RandomRain", {}),
    "motion_blur": ("MotionBlur", {"blur_limit": (15, 15)}),
    "defocus": ("Defocus", {"radius": (3, 3)}),
    "jpeg": ("ImageCompression", {}),
}


@dataclass(frozen=True)
class Timing:
    """Process time of one way to do it, in seconds."""

    least: float
    median: float


def main() -> None:
    arguments = parse_arguments()
    pair = generated_pair(arguments.height, arguments.width)
    names = arguments.degradation.split(",") if arguments.degradation else registry.load_all("degradation")
    peers = {"imagecorruptions": image_corruptions(arguments.severity), "albumentations": albumentations()}
    print(f"{arguments.width}x{arguments.height}, {arguments.repeats} repetitions, process time in ms")
    print(f"{'degradation':17}{'least':>8}{'median':>8}{'target':>8}  {'':6}{'imagecorruptions':>18}", end="")
    print(f"{'albumentations':>18}")
    for name in names:
        print_line(name, compare(name, pair, peers, arguments))
    for peer, found in peers.items():
        if found is None:
            print(f"{peer}: not installed")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time the degradations beside other libraries.")
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--severity", type=int, default=3)
    parser.add_argument("--degradation", help="names separated by commas (default: all)")
    return parser.parse_args()


def generated_pair(height: int, width: int) -> ImagePair:
    """A street-like pair: a bright flat sky, texture below it, a warm spot in the infrared image."""
    random = np.random.default_rng(0)
    rows = np.arange(height)[:, None] / height

    def texture(sigma: float) -> Uint8Image:
        noise = ndimage.gaussian_filter(random.standard_normal((height, width)), sigma)
        image = np.where(rows < 0.3, 200.0, 100 + 35 * noise / noise.std())
        return np.clip(image, 0, 255).astype(np.uint8)

    visible = np.stack([texture(2.0) for _ in range(3)], axis=2)
    return ImagePair("generated", visible, texture(6.0))


Peer = Callable[[str, Uint8Image], "Work | None"]
"""Given a degradation's name and the visible image: the nearest damage of a library, if it has one."""


def image_corruptions(severity: int) -> Peer | None:
    try:
        from imagecorruptions import corrupt
    except ImportError:
        return None

    def nearest(name: str, visible: Uint8Image) -> Work | None:
        theirs = IMAGE_CORRUPTIONS.get(name)
        return None if theirs is None else lambda: corrupt(visible, severity, theirs)

    return nearest


def albumentations() -> Peer | None:
    try:
        import albumentations as library
    except ImportError:
        return None

    def nearest(name: str, visible: Uint8Image) -> Work | None:
        if name not in ALBUMENTATIONS:
            return None
        theirs, options = ALBUMENTATIONS[name]
        transform = getattr(library, theirs)(p=1.0, **options)
        return lambda: transform(image=visible)

    return nearest


def compare(
    name: str, pair: ImagePair, peers: Mapping[str, Peer | None], arguments: argparse.Namespace
) -> dict[str, Timing]:
    """Timings of `ours` and of each peer that has something of the kind, all taking turns."""
    condition = parse_condition(name).with_severity(arguments.severity)
    images = pair.visible, pair.infrared
    ways: dict[str, Work] = {"ours": lambda: degrade_pair(ImagePair(pair.id, *images), condition, 0)}
    for peer, nearest in peers.items():
        work = nearest(name, pair.visible) if nearest is not None else None
        if work is not None:
            ways[peer] = work
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for work in ways.values():
        work()  # Imports, tables and compiled loops are there from the second time on.
    for _ in range(arguments.repeats):
        for way, work in ways.items():
            seconds[way].append(process_time(work))
    return {way: Timing(min(times), statistics.median(times)) for way, times in seconds.items()}


def process_time(work: Work) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def print_line(name: str, timings: Mapping[str, Timing]) -> None:
    ours = timings["ours"]
    least = ours.least * 1e3
    target = TARGETS.get(name)
    verdict = "" if target is None else "within" if least <= target else "above"
    print(f"{name:17}{least:8.1f}{ours.median * 1e3:8.1f}{target or '–':>8}  {verdict:6}", end="")
    for peer in ("imagecorruptions", "albumentations"):
        timing = timings.get(peer)
        print(f"{'–' if timing is None else f'{timing.least * 1e3:.1f}':>18}", end="")
    print()


if __name__ == "__main__":
    main()
