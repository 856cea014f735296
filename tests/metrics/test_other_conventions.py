"""Parameters and sums that other code bases' conventions need reproduce their values on real fused images."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from fusionbench.images import read_visible, to_grey
from fusionbench_metrics.ag import gradient_sum
from fusionbench_metrics.cc import pearson
from fusionbench_metrics.ei import edge_intensity
from fusionbench_metrics.histogram import joint_histogram
from fusionbench_metrics.moments import joint_moments
from fusionbench_metrics.mse import mean_squared_error
from fusionbench_metrics.psnr import decibels, peak_signal_to_noise_ratio
from fusionbench_metrics.qncie import correlation_information
from fusionbench_metrics.sf import squared_differences

Image = NDArray[np.uint8]


class Convention(NamedTuple):
    implementation: str
    name: str
    tolerance: float
    formula: Callable[[Image, Image, Image], float]


def gradient_over_inner_pixels(fused: Image, *_: Image) -> float:
    height, width = fused.shape
    return gradient_sum(fused) / ((height - 1) * (width - 1))


def linear_correlation_information(fused: Image, visible: Image, infrared: Image) -> float:
    couples = ((visible, infrared), (visible, fused), (infrared, fused))
    return correlation_information(*(pearson(joint_moments(joint_histogram(*couple))) for couple in couples))


def mean_of_two_ratios(fused: Image, *sources: Image) -> float:
    return sum(decibels(mean_squared_error(fused, source, source)) for source in sources) / 2


def mean_of_two_ratios_to_the_sources_peak(fused: Image, *sources: Image) -> float:
    errors = [mean_squared_error(fused, source, source) for source in sources]
    pairs = zip(errors, sources, strict=True)
    return sum(decibels(error, peak=float(source.max())) for error, source in pairs) / 2


def root_of_the_sum_over_the_count(fused: Image, *sources: Image) -> float:
    return sum(math.sqrt(mean_squared_error(fused, source, source) / fused.size) for source in sources) / 2


CONVENTIONS = (
    Convention("tang_matlab_octave", "AG", 1e-9, gradient_over_inner_pixels),
    Convention("vifb_matlab_octave_gray", "Avg_gradient", 1e-9, gradient_over_inner_pixels),
    Convention("bfliu", "Avg_gradient", 1e-9, gradient_over_inner_pixels),
    Convention("ivif_zoo", "EI", 1e-7, lambda fused, *_: edge_intensity(fused, "zero")),
    Convention("bfliu", "Edge_intensity", 1e-9, lambda fused, *_: edge_intensity(fused, "reflect")),
    Convention(
        "topanxal", "SF", 1e-7, lambda fused, *_: math.sqrt(sum(squared_differences(fused)) / fused.size)
    ),
    Convention("ivif_zoo", "QNCIE", 1e-7, linear_correlation_information),
    Convention(
        "cddfuse_evaluator",
        "PSNR",
        1e-7,
        lambda *images: peak_signal_to_noise_ratio(*images, peak=float(images[0].max())),
    ),
    Convention("hou_matlab_octave", "PSNR_half_sum", 1e-9, mean_of_two_ratios),
    Convention("topanxal", "PSNR", 1e-7, mean_of_two_ratios_to_the_sources_peak),
    Convention("vifb_matlab_octave_gray", "Rmse", 1e-9, root_of_the_sum_over_the_count),
)


@pytest.fixture(scope="module")
def oracle(shared: Path) -> pd.DataFrame:
    table = pd.read_csv(shared / "oracle" / "metrics.csv", dtype=str)
    return table.assign(value=pd.to_numeric(table["value"], errors="coerce"))


@pytest.fixture(scope="module")
def fusions(shared: Path, oracle: pd.DataFrame) -> dict[tuple[str, str], tuple[Image, ...]]:
    """Fused, visible and infrared image by dataset and name."""
    root = shared / "reference" / "sgafusion_outputs"

    def grey(dataset: str, part: str, image: str) -> Image:
        (path,) = (root / dataset / part).glob(f"{image}.*")
        return to_grey(read_visible(path))

    return {
        (dataset, image): tuple(grey(dataset, part, image) for part in ("Ours", "Vis", "Inf"))
        for dataset, image in oracle[["dataset", "image"]].drop_duplicates().itertuples(index=False)
    }


@pytest.mark.parametrize("convention", CONVENTIONS, ids=lambda c: f"{c.implementation}-{c.name}")
def test_value_is_that_of_the_code_base_on_every_real_image(
    convention: Convention,
    oracle: pd.DataFrame,
    fusions: dict[tuple[str, str], tuple[Image, ...]],
) -> None:
    chosen = (oracle["implementation"] == convention.implementation) & (oracle["metric"] == convention.name)
    rows = oracle[chosen]
    assert len(rows) == len(fusions)
    keys = rows[["dataset", "image"]].itertuples(index=False, name=None)
    found = [convention.formula(*fusions[key]) for key in keys]
    np.testing.assert_allclose(found, rows["value"].to_numpy(float), rtol=convention.tolerance, atol=0)
