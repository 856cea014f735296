"""Haze and fog by visibility in kilometres."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from fusionbench.contracts import ImagePair
from fusionbench.degrading import DegradedPair, degrade_pair, parse_condition
from fusionbench.errors import FusionbenchError
from fusionbench_degradations.visibility import infrared_ratio, visible_extinction


def degraded(pair: ImagePair, name: str) -> DegradedPair:
    return degrade_pair(pair, parse_condition(name), seed=0)


@pytest.mark.parametrize(("visibility", "ratio"), [(0.3, 1.0), (1, 0.24), (2, 0.15), (5, 0.037)])
def test_the_infrared_ratio_is_kims(visibility: float, ratio: float) -> None:
    assert infrared_ratio(visibility) == pytest.approx(ratio, rel=0.03)


def test_an_object_at_the_visibility_keeps_two_percent_of_its_contrast() -> None:
    assert math.exp(-visible_extinction(1.7) * 1.7) == pytest.approx(0.02, rel=1e-3)


def test_metric_depth_gives_beer_lamberts_law_in_metres(street: ImagePair) -> None:
    metres = np.linspace(5, 400, street.size[0] * street.size[1], dtype=np.float32).reshape(street.size)
    maps = degraded(replace(street, depth=metres), "haze@1km").maps
    np.testing.assert_allclose(maps["transmission"], np.exp(-3.912 * metres / 1000), rtol=2e-4)
    expected = np.exp(-3.912 * infrared_ratio(1.0) * metres / 1000)
    np.testing.assert_allclose(maps["infrared_transmission"], expected, rtol=2e-4)


def test_both_spectra_of_fog_see_equally_far(street: ImagePair) -> None:
    maps = degraded(street, "fog@0.4km").maps
    np.testing.assert_array_equal(maps["transmission"], maps["infrared_transmission"])


def test_without_metric_depth_the_assumed_scale_is_stated(street: ImagePair) -> None:
    maps = degraded(street, "haze@2km").maps
    assert maps["metres_per_depth_unit"] == 100.0
    assert maps["visibility_km"] == 2.0
    np.testing.assert_allclose(maps["transmission"], np.exp(-0.3912 / 2 * maps["depth"]), rtol=2e-4)


def test_less_visibility_is_more_haze(street: ImagePair) -> None:
    spread = [float(degraded(street, f"haze@{km}km").pair.visible.std()) for km in (5, 2, 1, 0.5, 0.2)]
    assert spread == sorted(spread, reverse=True)
    assert len(set(spread)) == 5


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("haze@2miles", "haze takes no 'miles'; give km or a severity"),
        ("noise@2km", "noise takes no 'km'; give a severity"),
        ("haze@0km", "not a positive number"),
        ("haze@1.2.3km", "not a positive number"),
    ],
)
def test_other_units_and_numbers_are_refused(name: str, message: str) -> None:
    with pytest.raises(FusionbenchError, match=message):
        parse_condition(name)


def test_the_condition_keeps_its_unit() -> None:
    condition = parse_condition("haze@2km+noise@3")
    assert condition.name == "haze@2km+noise@3"
    assert condition.common_severity is None
    assert parse_condition(condition.name) == condition


def test_in_the_densest_fog_nothing_is_seen(street: ImagePair) -> None:
    for kilometres in ("0.00001", "0.0000001"):
        maps = degraded(street, f"fog@{kilometres}km").maps
        assert float(maps["transmission"].max()) < 0.001


def test_measured_metres_count_however_far(street: ImagePair) -> None:
    metres = np.full(street.size, 20, np.float32)
    metres[:20], metres[20:40] = np.inf, 900
    transmission = degraded(replace(street, depth=metres), "haze@1km").maps["transmission"]
    assert transmission[30, 0] == pytest.approx(math.exp(-3.912 * 0.9), rel=1e-3)
    assert transmission[0, 0] < 4e-4


@pytest.mark.parametrize("text", ["haze@0.00001km", "haze@100000000000000000km", "haze@2km", "fog@0.25km"])
def test_a_condition_by_visibility_reads_its_own_name(text: str) -> None:
    condition = parse_condition(text)
    assert parse_condition(condition.name) == condition


def test_no_visibility_names_the_remedy() -> None:
    with pytest.raises(FusionbenchError, match="write for example haze@2km"):
        parse_condition("haze@0km")
