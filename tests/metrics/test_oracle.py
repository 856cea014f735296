"""Agreement with public implementations on twelve real fused images (values only; their code is not here).

`oracle_claims.csv` has a row for every name in the oracle: a metric that gives these values (times `factor`,
within the relative `tolerance`), or none; where several metrics give them, it may have several. `except`
names the images where they differ after all. `reason` says why there is no metric, why there are exceptions,
or why the tolerance is wider than 1e-9 (against float64) or 1e-7 (against float32).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from fusionbench import registry
from fusionbench.contracts import CANONICAL, MeasuredImage, Metric, SourceImages
from fusionbench.images import read_visible, to_grey
from fusionbench_metrics.profiles.convention import Convention

EXAMPLE = ("LLVIP", "2")
"""Dataset and image of the example in the documentation."""

SIX_DIGITS = 5e-6
"""Relative error of a number rounded to six significant digits."""

CHROMA = (CANONICAL, "chroma_error")
"""The metric that looks at colour; its example is measured in colour."""

SLOW = ("fmi_dct", "fmi_gradient", "fmi_pixel")
"""Metrics measured for their example only; no implementation in the oracle has them."""

ABSENT = "in no implementation of the oracle"

UNCHECKED = {
    CHROMA: "the oracle has no colour",
    (CANONICAL, "blur"): ABSENT,
    (CANONICAL, "noise"): ABSENT,
    (CANONICAL, "piqe"): ABSENT,
    (CANONICAL, "mef_ms_ssim"): ABSENT,
    ("tang", "ms_ssim"): ABSENT,
    **{(CANONICAL, name): ABSENT for name in SLOW},
    ("tang", "fmi_dct"): ABSENT,
}
"""Metrics without a row in the oracle, and why."""


class Claim(NamedTuple):
    implementation: str
    name: str
    profile: str
    metric: str
    factor: float
    tolerance: float
    exceptions: tuple[str, ...]
    """Images, as `dataset/image`."""
    reason: str


def read_claims() -> Iterator[Claim]:
    """The rows of `oracle_claims.csv`; factor and tolerance are NaN where no metric is named."""
    table = pd.read_csv(Path(__file__).with_name("oracle_claims.csv"), keep_default_na=False, dtype=str)
    for *names, factor, tolerance, exceptions, reason in table.itertuples(index=False, name=None):
        yield Claim(
            *names, float(factor or "nan"), float(tolerance or "nan"), tuple(exceptions.split()), reason
        )


ROWS = tuple(read_claims())
CLAIMS = tuple(row for row in ROWS if row.metric)
NOT_CLAIMED = tuple(row for row in ROWS if not row.metric)


def row_id(row: Claim) -> str:
    return f"{row.implementation}-{row.name}-{row.profile}"


def registered_metrics() -> dict[tuple[str, str], Metric]:
    """Every metric that measures a single fused image without further files, by profile and name."""
    canonical = {(CANONICAL, name): registry.load("metric", name) for name in registry.names("metric")}
    profiles = {
        (profile, name): metric
        for profile in registry.names("profile")
        for name, metric in registry.load("profile", profile)().metrics.items()
    }
    usable = {
        key: metric()
        for key, metric in canonical.items()
        if metric.card.compares != "clean_output" and not metric.card.needs
    }
    return usable | profiles


class Fusion(NamedTuple):
    fused: MeasuredImage
    sources: SourceImages


def read_fusion(root: Path, dataset: str, image: str, *, in_colour: bool = False) -> Fusion:
    """A fused image and its sources; by default grey, as every implementation in the oracle got them."""

    def read(part: str) -> MeasuredImage:
        (path,) = (root / dataset / part).glob(f"{image}.*")
        pixels = read_visible(path)
        grey = to_grey(pixels)
        return MeasuredImage(pixels if in_colour else grey, grey)

    return Fusion(read("Ours"), SourceImages(read("Vis"), read("Inf")))


class Ours:
    """Values of our metrics: all those of an image are measured together, when the first is asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.metrics = registered_metrics()
        self._values: dict[tuple[str, str], dict[tuple[str, str], float]] = {}

    def value(self, profile: str, metric: str, dataset: str, image: str) -> float:
        if (dataset, image) not in self._values:
            self._values[dataset, image] = self._measure(dataset, image)
        return self._values[dataset, image][profile, metric]

    def _measure(self, dataset: str, image: str) -> dict[tuple[str, str], float]:
        fusion = read_fusion(self.root, dataset, image)
        left_out = () if (dataset, image) == EXAMPLE else SLOW
        return {key: each.measure(*fusion) for key, each in self.metrics.items() if key[1] not in left_out}


@pytest.fixture(scope="module")
def oracle(shared: Path) -> pd.DataFrame:
    table = pd.read_csv(shared / "oracle" / "metrics.csv", dtype=str)
    return table.assign(value=pd.to_numeric(table["value"], errors="coerce"))


@pytest.fixture(scope="module")
def ours(shared: Path) -> Ours:
    return Ours(shared / "reference" / "sgafusion_outputs")


def rows_of(oracle: pd.DataFrame, row: Claim) -> list[tuple[str, str, float]]:
    """Dataset, image and value of one name of one implementation."""
    chosen = oracle[(oracle["implementation"] == row.implementation) & (oracle["metric"] == row.name)]
    return list(chosen[["dataset", "image", "value"]].itertuples(index=False, name=None))


@pytest.mark.parametrize("claim", CLAIMS, ids=row_id)
def test_our_value_is_that_of_the_public_implementation_on_every_real_image(
    claim: Claim, oracle: pd.DataFrame, ours: Ours
) -> None:
    theirs = {row[:2]: row[2] for row in rows_of(oracle, claim) if not math.isnan(row[2])}
    alike = [key for key in theirs if "/".join(key) not in claim.exceptions]
    found = [claim.factor * ours.value(claim.profile, claim.metric, *key) for key in alike]
    assert found
    np.testing.assert_allclose(found, [theirs[key] for key in alike], rtol=claim.tolerance, atol=0)


@pytest.mark.parametrize("claim", [claim for claim in CLAIMS if claim.exceptions], ids=row_id)
def test_our_value_differs_on_the_images_that_are_excepted(
    claim: Claim, oracle: pd.DataFrame, ours: Ours
) -> None:
    theirs = {"/".join(row[:2]): row for row in rows_of(oracle, claim)}
    for image in claim.exceptions:
        value = ours.value(claim.profile, claim.metric, *theirs[image][:2])
        assert math.isfinite(value)
        assert value != pytest.approx(theirs[image][2], rel=claim.tolerance)


@pytest.mark.parametrize("claim", CLAIMS, ids=row_id)
def test_our_value_is_finite_where_the_public_implementation_has_none(
    claim: Claim, oracle: pd.DataFrame, ours: Ours
) -> None:
    for dataset, image, value in rows_of(oracle, claim):
        if math.isnan(value):
            assert math.isfinite(ours.value(claim.profile, claim.metric, dataset, image))


def test_every_name_in_the_oracle_is_claimed_or_not_and_no_other(oracle: pd.DataFrame) -> None:
    present = set(oracle[["implementation", "metric"]].itertuples(index=False, name=None))
    claimed, not_claimed = ({row[:2] for row in rows} for rows in (CLAIMS, NOT_CLAIMED))
    assert claimed | not_claimed == present
    assert not claimed & not_claimed


def test_a_name_without_a_claim_has_a_reason() -> None:
    assert [row for row in NOT_CLAIMED if not row.reason] == []


def test_a_wide_tolerance_and_an_exception_have_a_reason() -> None:
    loose = [claim for claim in CLAIMS if claim.tolerance > 1e-7 or claim.exceptions]
    assert [claim for claim in loose if not claim.reason] == []


@pytest.mark.parametrize("row", NOT_CLAIMED, ids=row_id)
def test_a_name_without_a_claim_equals_none_of_our_metrics(
    row: Claim, oracle: pd.DataFrame, ours: Ours
) -> None:
    rows = rows_of(oracle, row)
    theirs = np.array([value for *_, value in rows])
    for profile, metric in ours.metrics:
        if metric in SLOW or (profile, metric) == CHROMA:
            continue
        mine = np.array([ours.value(profile, metric, *each[:2]) for each in rows])
        for factor in (0.5, 1.0, 2.0, math.log(2)):
            assert not np.allclose(factor * mine, theirs, rtol=1e-6, atol=0), metric


def test_every_metric_has_a_claim_or_a_reason_why_the_oracle_cannot_check_it(ours: Ours) -> None:
    def formula(profile: str, name: str) -> object:
        metric = ours.metrics[profile, name]
        return (profile, name) if isinstance(metric, Convention) else type(metric)

    checked = {formula(claim.profile, claim.metric) for claim in CLAIMS}
    assert {key for key in ours.metrics if formula(*key) not in checked} == set(UNCHECKED)


def test_every_card_shows_the_value_of_the_documentations_example(ours: Ours) -> None:
    values = {key: ours.value(*key, *EXAMPLE) for key in ours.metrics}
    values[CHROMA] = ours.metrics[CHROMA].measure(*read_fusion(ours.root, *EXAMPLE, in_colour=True))
    shown = {key: metric.card.example for key, metric in ours.metrics.items()}
    assert shown == {key: pytest.approx(value, rel=SIX_DIGITS) for key, value in values.items()}
