"""The table CDDFuse published on MSRS, from the authors' weights and our metrics, figure by figure.

    python benchmarks/published_msrs.py --root DIR [--limit 100] [--post clamp]

Published: Z. Zhao et al., "CDDFuse", CVPR 2023, table 1, 361 test pairs. It comes out under one convention:
grey images; every method's output stretched from its minimum to its maximum, image by image; MI in nats; SSIM
summed over both sources, with windows of 7 x 7 and a data range of 2 (the profile `cddfuse`). `--post clamp`
shows what the same weights give when their values are shown as they are.

Grey, since with colour a very dark result (DIDFuse by night) has chroma that no RGB image can hold: it is cut
off at zero, which makes the image brighter than the method did.

On fewer than 361 pairs a mean differs because the pairs differ. Four rows without learning (average,
maximum, visible, infrared) were measured on all 361: a regression on them, image by image, tells what the
mean over all would be, and with what standard error.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

import fusionbench
from fusionbench.contracts import Dataset, ImagePair, Sample
from fusionbench.datasets import open_dataset
from fusionbench.images import to_grey
from fusionbench.ranking.query import find_cells, read_values

METRICS = ("en", "sd", "sf", "mi", "vif", "qabf", "ssim")

PUBLISHED: Mapping[str, tuple[float, ...]] = {
    "sdnet": (5.25, 17.35, 8.67, 1.19, 0.50, 0.38, 0.72),
    "reconet": (6.61, 43.24, 9.77, 2.16, 0.71, 0.50, 0.85),
    "u2fusion": (5.37, 25.52, 9.07, 1.40, 0.54, 0.42, 0.77),
    "didfuse": (4.27, 31.49, 10.15, 1.61, 0.31, 0.20, 0.24),
    "tardal": (5.28, 25.22, 5.98, 1.49, 0.42, 0.18, 0.47),
    "lrrnet": (6.19, 31.78, 8.46, math.nan, 0.54, 0.46, math.nan),
}
"""CDDFuse's figures; of LRRNet those that EMMA (CVPR 2024) and FILM (ICML 2024) print on the same pairs."""


OVER_ALL_PAIRS: Mapping[str, tuple[float, ...]] = {
    "average": (5.94, 23.6, 6.01, 1.85, 0.696, 0.370, 0.911),
    "max": (6.62, 42.3, 10.99, 4.52, 1.041, 0.713, 1.000),
    "visible": (6.50, 42.7, 10.6, 4.76, 1.04, 0.65, 1.00),
    "infrared": (5.32, 17.3, 5.0, 3.94, 1.03, 0.39, 1.00),
}
"""Measured by us under the same convention on all 361 pairs."""

LEAST_SPREAD = 0.02
"""Deviation over images, in shares of the mean, below which a row tells nothing of how pairs differ."""

ALL_PAIRS = 361

ALLOWED: Mapping[str, float] = {"didfuse": 0.05}
"""Difference that counts as reproduced, beside two standard errors; 3 % where nothing is said."""

ALLOWED_ELSE = 0.03


class GreyPairs:
    """A dataset whose visible images are luminance, in three equal channels.

    Args:
        colour: The dataset.
    """

    def __init__(self, colour: Dataset) -> None:
        self._colour = colour
        self.card = colour.card
        self.split = colour.split
        self.samples: Sequence[Sample] = colour.samples
        self.labels = colour.labels

    def load(self, sample: Sample) -> ImagePair:
        """Read one pair."""
        pair = self._colour.load(sample)
        grey = to_grey(pair.visible)
        return replace(pair, visible=np.repeat(grey[..., None], 3, axis=2))

    def fingerprint(self, sample: Sample) -> str:
        """Hash of what decides the sample's pixels."""
        return f"grey {self._colour.fingerprint(sample)}"


def main() -> None:
    arguments = _arguments()
    methods = arguments.methods.split(",")
    dataset = GreyPairs(open_dataset("msrs", arguments.root, "test"))
    for names, post in ((list(OVER_ALL_PAIRS), "clamp"), (methods, arguments.post)):
        fusionbench.evaluate(
            dataset,
            methods=names,
            post=post,
            profile="cddfuse",
            metrics=METRICS,
            limit=arguments.limit,
            results=arguments.results,
        )
    values = read_values(find_cells(arguments.results))
    table = values[values["reference"].isin(("clean", "none"))].pivot_table(
        index="image", columns=["method", "metric"], values="value"
    )
    suffix = "" if arguments.post == "clamp" else f" ({arguments.post})"
    for method in methods:
        _report(method, f"{method}{suffix}", table)


def _report(method: str, row: str, table: pd.DataFrame) -> None:
    allowed = ALLOWED.get(method, ALLOWED_ELSE)
    reached = 0
    print(f"\n{row}, {table[(row, METRICS[0])].count()} pairs")
    print(f"{'':6}{'published':>10}{'ours':>10}{'ratio':>8}{'error':>8}")
    for position, metric in enumerate(METRICS):
        published = PUBLISHED[method][position]
        ours, error = _over_all_pairs(table, row, metric, position)
        if math.isnan(published):
            print(f"{metric:6}{'-':>10}{ours:>10.3f}")
            continue
        ratio, spread = ours / published, error / published
        within = abs(ratio - 1.0) <= allowed + 2.0 * spread
        reached += within
        mark = "" if within else "  differs"
        print(f"{metric:6}{published:>10.2f}{ours:>10.3f}{ratio:>8.3f}{spread:>8.3f}{mark}")
    asked = sum(not math.isnan(figure) for figure in PUBLISHED[method])
    print(f"{reached} of {asked} within {100 * allowed:.0f} % and two standard errors")


def _over_all_pairs(table: pd.DataFrame, row: str, metric: str, position: int) -> tuple[float, float]:
    """What a method's mean over all pairs would be, and its standard error."""
    known = list(OVER_ALL_PAIRS)
    rows = table[[(name, metric) for name in [*known, row]]].dropna().to_numpy()
    telling = rows[:, :-1].std(axis=0) > LEAST_SPREAD * rows[:, :-1].mean(axis=0)
    plain, own = rows[:, :-1][:, telling], rows[:, -1]
    centred = plain - plain.mean(axis=0)
    slopes = np.linalg.lstsq(centred, own - own.mean(), rcond=None)[0]
    left = own - own.mean() - centred @ slopes
    count, freedom = len(own), max(1, len(own) - 1 - plain.shape[1])
    everywhere = np.array([OVER_ALL_PAIRS[name][position] for name in known])[telling]
    mean = own.mean() + (everywhere - plain.mean(axis=0)) @ slopes
    shrinking = max(0.0, 1.0 - count / ALL_PAIRS)
    return float(mean), float(np.sqrt((left**2).sum() / freedom / count * shrinking))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--root", type=Path, required=True, help="folder with MSRS")
    parser.add_argument("--methods", default=",".join(PUBLISHED))
    parser.add_argument("--limit", type=int, default=100, help="pairs")
    parser.add_argument("--post", default="minmax", choices=("clamp", "minmax", "official"))
    parser.add_argument("--results", type=Path, default=Path("results-published"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
