"""Agreement with public implementations on twelve real fused images (values only; their code is not here)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from fusionbench.contracts import MeasuredImage, Metric, SourceImages
from fusionbench.images import read_visible, to_grey
from fusionbench_metrics.histogram import LEVELS, entropy_bits, histogram, joint_histogram

EXACT = 1e-9
"""Relative tolerance against float64 implementations."""

SINGLE = 1e-7
"""Against float32 implementations of histogram and moment metrics."""

FILTERED = 1e-6
"""Qabf against float32 implementations."""


class Claim(NamedTuple):
    metric: str
    implementation: str
    name: str
    """What the implementation calls it."""
    factor: float
    """Our value times this is theirs."""
    tolerance: float


CLAIMS = (
    Claim("en", "tang_matlab_octave", "EN", 1, EXACT),
    Claim("en", "cddfuse_evaluator", "EN", 1, EXACT),
    Claim("en", "vifb_matlab_octave_gray", "Entropy", 1, EXACT),
    Claim("en", "bfliu", "Entropy", 1, EXACT),
    Claim("en", "chenzpstar", "EN", 1, SINGLE),
    Claim("en", "cslib", "en", 1, SINGLE),
    Claim("sd", "tang_matlab_octave", "SD", 1, EXACT),
    Claim("sd", "vifb_matlab_octave_gray", "Variance", 1, EXACT),
    Claim("sd", "cslib", "sd", 1, EXACT),
    Claim("sd", "cddfuse_evaluator", "SD", 1, SINGLE),
    Claim("sd", "chenzpstar", "SD", 1, SINGLE),
    Claim("sd", "ivif_zoo", "SD", 1, SINGLE),
    Claim("sf", "tang_matlab_octave", "SF", 1, EXACT),
    Claim("sf", "cddfuse_evaluator", "SF", 1, SINGLE),
    Claim("sf", "chenzpstar", "SF", 1, SINGLE),
    Claim("sf", "ivif_zoo", "SF", 1, SINGLE),
    Claim("sf", "cslib", "sf", 1, SINGLE),
    Claim("mi", "cddfuse_evaluator", "MI", math.log(2), EXACT),  # nats
    Claim("mi", "ivif_zoo", "MI", 1, EXACT),
    # Its entropies are float32 and cancel: H(A) + H(F) - H(A, F) keeps a digit less than they have.
    Claim("mi", "chenzpstar", "MI", 1, 1e-6),
    Claim("vif", "tang_matlab_octave", "VIF", 1, SINGLE),
    Claim("vif", "cddfuse_evaluator", "VIF", 1, SINGLE),
    Claim("qabf", "tang_matlab_octave", "Qabf", 1, EXACT),
    Claim("qabf", "tang_vectorised_octave", "Qabf", 1, EXACT),
    Claim("qabf", "vifb_matlab_octave_gray", "Qabf_vectorised_equiv", 1, EXACT),
    Claim("qabf", "cddfuse_evaluator", "Qabf", 1, FILTERED),
    Claim("qabf", "ivif_zoo", "Qabf", 1, FILTERED),
    Claim("ssim", "vifb_matlab_octave_gray", "Ssim", 2, EXACT),  # sum over the sources
    # Local variances in float32 lose five digits where the image is bright and flat.
    Claim("ssim", "chenzpstar", "SSIM", 1, 1e-4),
)

NOT_CLAIMED = {
    ("ivif_zoo", "EN"): "adds 1e-7 to every probability",
    ("topanxal", "EN"): "merges the levels 0 and 1",
    ("topanxal", "SD"): "divides by n - 1",
    ("hou_matlab_octave", "SD_ddof1_uint8"): "divides by n - 1",
    ("topanxal", "SF"): "divides both sums by the pixel count",
    ("hou_matlab_octave", "SF_uint8_as_coded"): "saturating 8-bit differences and squares",
    ("tang_matlab_octave", "MI"): "merges the levels 254 and 255 in the joint histogram (tested below)",
    ("bfliu", "Mutinf"): "a cross entropy, not mutual information",
    ("ivif_zoo", "VIF"): "off-centre windows, zeros beyond the border",
    ("chenzpstar", "VIF_simple"): "noise variance 325 instead of 2",
    ("chenzpstar", "VIFF"): "another metric (Han 2013)",
    ("topanxal", "VIFF"): "another metric (Han 2013)",
    ("han_viff_matlab_octave", "VIFF"): "another metric (Han 2013)",
    ("cslib", "vif"): "another metric under this name",
    ("cslib", "viff"): "another metric (Han 2013)",
    ("bfliu", "Qabf"): "min-max stretch of the images, other borders, four-quadrant angle",
    ("chenzpstar", "Qabf"): "weights are the strength to the power 1.5, four-quadrant angle",
    ("topanxal", "Qabf"): "four-quadrant angle, axes swapped",
    ("cslib", "q_abf"): "other constants",
    ("tang_vectorised_octave", "Qabf_petrovic"): "the constants of Petrovic's Nabf",
    ("tang_matlab_octave", "SSIM_L1_double_as_coded"): "L = 1 for images in 0..255",
    ("tang_matlab_octave", "SSIM_L255"): "windows over the border, edge repeated",
    ("hou_matlab_octave", "SSIM_uint8_half_sum"): "windows over the border, edge repeated",
    ("cddfuse_evaluator", "SSIM_as_coded"): "raises in current scikit-image",
    ("cddfuse_evaluator", "SSIM_data_range255"): "uniform 7x7 window, n - 1",
    ("cddfuse_evaluator", "SSIM_data_range2_old_skimage"): "uniform 7x7 window, n - 1, L = 2",
    ("ivif_zoo", "SSIM"): "images scaled by 255 with L = 255, in effect L = 1",
    ("topanxal", "SSIM"): "box window, zeros beyond the border",
    ("cslib", "ssim"): "windows over the border",
}
"""Oracle rows of these seven names whose definition is not ours, and why."""

FAMILIES = ("en", "entropy", "sd", "variance", "sf", "mi", "mutinf", "vif", "qabf", "q_abf", "ssim")
"""Beginnings, in small letters, of the names that claim to be one of the seven."""


class Fusion(NamedTuple):
    fused: MeasuredImage
    sources: SourceImages


@pytest.fixture(scope="module")
def oracle(shared: Path) -> pd.DataFrame:
    table = pd.read_csv(shared / "oracle" / "metrics.csv", dtype=str)
    table["value"] = pd.to_numeric(table["value"], errors="coerce")
    return table[table["metric"].str.lower().str.startswith(FAMILIES)]


@pytest.fixture(scope="module")
def fusions(shared: Path, oracle: pd.DataFrame) -> dict[tuple[str, str], Fusion]:
    root = shared / "reference" / "sgafusion_outputs"

    def grey(dataset: str, part: str, image: str) -> MeasuredImage:
        (path,) = (root / dataset / part).glob(f"{image}.*")
        pixels = to_grey(read_visible(path))
        return MeasuredImage(pixels, pixels)

    return {
        (dataset, image): Fusion(
            grey(dataset, "Ours", image),
            SourceImages(grey(dataset, "Vis", image), grey(dataset, "Inf", image)),
        )
        for dataset, image in oracle[["dataset", "image"]].drop_duplicates().itertuples(index=False)
    }


@pytest.fixture(scope="module")
def ours(
    fusions: dict[tuple[str, str], Fusion], all_metrics: dict[str, Metric]
) -> dict[tuple[str, str, str], float]:
    return {
        (*key, name): metric.measure(*fusion)
        for key, fusion in fusions.items()
        for name, metric in all_metrics.items()
    }


def rows_of(oracle: pd.DataFrame, implementation: str, name: str) -> Iterator[tuple[str, str, float]]:
    """Yield dataset, image and value of one implementation's metric."""
    chosen = oracle[(oracle["implementation"] == implementation) & (oracle["metric"] == name)]
    yield from chosen[["dataset", "image", "value"]].itertuples(index=False, name=None)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda c: f"{c.metric}-{c.implementation}")
def test_our_value_is_that_of_the_public_implementation_on_every_real_image(
    claim: Claim, oracle: pd.DataFrame, ours: dict[tuple[str, str, str], float]
) -> None:
    rows = list(rows_of(oracle, claim.implementation, claim.name))
    expected = [value for _, _, value in rows]
    found = [claim.factor * ours[dataset, image, claim.metric] for dataset, image, _ in rows]
    assert rows
    np.testing.assert_allclose(found, expected, rtol=claim.tolerance, atol=0)


def test_every_oracle_row_of_the_seven_names_is_claimed_or_has_a_reason_not_to_be(
    oracle: pd.DataFrame,
) -> None:
    present = set(oracle[["implementation", "metric"]].itertuples(index=False, name=None))
    claimed = {(claim.implementation, claim.name) for claim in CLAIMS}
    assert present == claimed | set(NOT_CLAIMED)
    assert not claimed & set(NOT_CLAIMED)


@pytest.mark.parametrize(("implementation", "name"), NOT_CLAIMED, ids="-".join)
def test_a_row_we_do_not_claim_really_differs(
    implementation: str, name: str, oracle: pd.DataFrame, ours: dict[tuple[str, str, str], float]
) -> None:
    rows = list(rows_of(oracle, implementation, name))
    values = np.array([value for _, _, value in rows])
    for metric in {key[2] for key in ours}:
        mine = np.array([ours[dataset, image, metric] for dataset, image, _ in rows])
        for factor in (1.0, 2.0, math.log(2)):
            assert not np.allclose(factor * mine, values, rtol=1e-6, atol=0)


def test_merging_levels_254_and_255_in_the_joint_histogram_gives_the_much_used_wrong_mi(
    oracle: pd.DataFrame, fusions: dict[tuple[str, str], Fusion]
) -> None:
    def merged_joint_entropy(first: np.ndarray, second: np.ndarray) -> float:
        return entropy_bits(joint_histogram(np.minimum(first, LEVELS - 2), np.minimum(second, LEVELS - 2)))

    for dataset, image, value in rows_of(oracle, "tang_matlab_octave", "MI"):
        fused, sources = fusions[dataset, image]
        wrong = sum(
            entropy_bits(histogram(source.grey))
            + entropy_bits(histogram(fused.grey))
            - merged_joint_entropy(source.grey, fused.grey)
            for source in (sources.visible, sources.infrared)
        )
        assert wrong == pytest.approx(value, rel=EXACT)
