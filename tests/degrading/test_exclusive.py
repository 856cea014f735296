"""Degradations that set the same thing never stand in one condition."""

from __future__ import annotations

import pytest
import torch

from fusionbench import registry
from fusionbench.degrading import Condition, parse_condition
from fusionbench.degrading.compose import planned
from fusionbench.errors import InputError
from fusionbench_degradations.batched import DrawnFields, degrade_batch, parameters_at

PAIRS = [("fog", "haze"), ("low_light", "over_exposure")]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_they_exclude_each_other_by_name(one: str, other: str) -> None:
    for text in (f"{one}+{other}@2", f"physical:{other}@1+{one}@3", f"{one}@1+noise@1+{other}@1"):
        with pytest.raises(InputError, match="exclude each other"):
            parse_condition(text)


def test_they_exclude_each_other_however_the_condition_was_made() -> None:
    with pytest.raises(InputError, match="exclude each other"):
        planned(Condition((("fog", 1.0), ("haze", 1.0))))


def test_at_severity_0_nothing_is_set() -> None:
    assert parse_condition("fog@0+haze@2").name == "fog@0+haze@2"


def test_exclusion_is_mutual_for_every_degradation() -> None:
    cards = {name: kind.card for name, kind in registry.load_all("degradation").items()}
    for name, card in cards.items():
        assert all(name in cards[other].excludes for other in card.excludes)


def test_a_batch_may_have_both_on_different_samples_only() -> None:
    visible, infrared = torch.rand(2, 3, 16, 16), torch.rand(2, 1, 16, 16)
    fields = DrawnFields(torch.Generator().manual_seed(0))

    def degrade(low_light: list[float], over_exposure: list[float]) -> None:
        parameters = {
            "low_light": parameters_at("low_light", low_light),
            "over_exposure": parameters_at("over_exposure", over_exposure),
        }
        degrade_batch(visible, infrared, parameters, fields)

    degrade([3, 0], [0, 3])
    with pytest.raises(InputError, match="exclude each other"):
        degrade([3, 3], [0, 3])
