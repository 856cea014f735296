"""The shipped severities do the stated damage to real pairs."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from fusionbench import registry
from fusionbench.calibrating import TARGETS, choose_pairs, damage
from fusionbench.contracts import CALIBRATED
from fusionbench.datasets import open_dataset
from fusionbench.degrading import profiles
from fusionbench_degradations.calibration import calibrated_levels

NAMES = registry.names("degradation")


@pytest.mark.parametrize("name", NAMES)
def test_a_higher_severity_has_a_stronger_parameter(name: str) -> None:
    levels = profiles.levels(name, CALIBRATED)
    physical = profiles.levels(name, "physical")
    rising = physical[4] > physical[0]
    assert list(levels) == sorted(set(levels), reverse=not rising)
    assert levels == calibrated_levels(name)


@pytest.mark.parametrize("severity", [2, 4])
def test_equal_severities_do_equal_damage_to_real_pairs(shared: Path, severity: int) -> None:
    pairs = [
        pair
        for dataset in ("roadscene", "msrs", "m3fd")
        for pair in choose_pairs(open_dataset(dataset, shared / "data"), 5)
        if min(pair.load().size) >= 161
    ]
    medians = {}
    for name in NAMES:
        plugin = profiles.degradation(name)
        suited = [pair for pair in pairs if pair.sample.native not in plugin.card.unsuited_to]
        parameter = plugin.card.levels[severity - 1]
        medians[name] = statistics.median(
            damage(pair.load(), plugin, parameter, 0, pair.dataset.card.name) for pair in suited
        )
    # A third of the pairs the table was made from: their medians scatter about the targets.
    assert statistics.geometric_mean(medians.values()) == pytest.approx(TARGETS[severity - 1], rel=0.35)
    for name, median in medians.items():
        assert TARGETS[severity - 1] / 2 < median < TARGETS[severity - 1] * 2, name
