"""Which samples a condition is applied to."""

from __future__ import annotations

import pytest

from fusionbench.contracts import Sample
from fusionbench.degrading import parse_condition
from fusionbench.degrading.native_choice import chosen_samples, left_out, native_groups
from fusionbench.errors import InputError

SAMPLES = [Sample("a", native="day"), Sample("b", native="night"), Sample("c"), Sample("d", native="night")]


def chosen(condition: str, native: str = "auto") -> str:
    return "".join(sample.id for sample in chosen_samples(SAMPLES, parse_condition(condition), native))


def test_low_light_leaves_out_what_is_dark_already() -> None:
    assert chosen("low_light@3") == "ac"
    assert chosen("haze+low_light@3") == "ac"


def test_other_degradations_and_severity_zero_take_every_image() -> None:
    assert chosen("haze@3") == "abcd"
    assert chosen("low_light@0") == "abcd"
    assert chosen("clean") == "abcd"


def test_asked_for_everything_is_taken() -> None:
    assert chosen("low_light@3", "all") == "abcd"


def test_one_real_condition_can_be_asked_for() -> None:
    assert chosen("haze@3", "night") == "bd"
    assert chosen("low_light@3", "night") == "bd"


def test_nothing_left_is_refused_with_the_remedy() -> None:
    dark = [sample for sample in SAMPLES if sample.native == "night"]
    with pytest.raises(InputError, match="all 2 are; take another degradation, or add --native all"):
        chosen_samples(dark, parse_condition("low_light@3"), "auto")
    with pytest.raises(InputError, match="no image is marked so"):
        chosen("haze@3", "fog")


def test_an_unknown_choice_is_refused() -> None:
    with pytest.raises(InputError, match="expected auto, all or one of day, night, fog, smoke"):
        chosen("haze@3", "dusk")


def test_what_is_left_out_is_counted_by_condition() -> None:
    assert left_out(SAMPLES, SAMPLES[:1]) == {"night": 2, "unmarked": 1}
    assert left_out(SAMPLES, SAMPLES) == {}


def test_groups_are_told_apart_only_where_there_are_several() -> None:
    assert native_groups(SAMPLES) == {"day": ["a"], "night": ["b", "d"], "unmarked": ["c"]}
    assert native_groups([SAMPLES[1], SAMPLES[3]]) == {}


def test_a_limit_counts_the_images_that_are_taken() -> None:
    chosen = chosen_samples(SAMPLES, parse_condition("low_light@3"), "auto", limit=1)
    assert len(chosen) == 1
    assert chosen == chosen_samples(SAMPLES, parse_condition("low_light@3"), "auto")[:1]


def test_what_lies_behind_a_limit_was_not_left_out() -> None:
    dark = [Sample(id="1", native="night"), Sample(id="2", native="day"), Sample(id="3", native="night")]
    chosen = chosen_samples(dark, parse_condition("low_light@3"), "auto", limit=1)
    assert left_out(dark, chosen, limit=1) == {"night": 1}
