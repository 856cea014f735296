from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusionbench.degrading import Condition, parse_condition, parse_severities
from fusionbench.errors import InputError, UnknownNameError

SEVERITIES = st.just(0.0) | st.floats(1, 5)
NAMES = st.lists(st.sampled_from(["haze", "low_light", "noise"]), unique=True)


def test_a_bare_name_has_no_severity() -> None:
    assert parse_condition("haze").terms == (("haze", None),)


def test_a_severity_may_be_a_fraction() -> None:
    assert parse_condition("haze@2.5").terms == (("haze", 2.5),)


def test_a_trailing_severity_applies_to_the_terms_before_it_that_have_none() -> None:
    assert parse_condition("haze+low_light@2") == parse_condition("haze@2+low_light@2")
    assert parse_condition("haze@1+low_light+noise@2").terms == (("haze", 1), ("low_light", 2), ("noise", 2))


def test_a_severity_does_not_reach_the_terms_after_it() -> None:
    assert parse_condition("haze@2+noise").terms == (("haze", 2), ("noise", None))


def test_order_of_naming_means_nothing() -> None:
    assert parse_condition("noise@2+haze@3") == parse_condition("haze@3+noise@2")


def test_clean_is_the_condition_without_terms() -> None:
    assert parse_condition("clean") == Condition()
    assert Condition().name == "clean"


@given(NAMES, st.data())
def test_the_canonical_name_reads_back_as_the_same_condition(names: list[str], data: st.DataObject) -> None:
    condition = Condition(tuple((name, data.draw(SEVERITIES)) for name in names))
    assert parse_condition(condition.name) == condition


def test_whole_severities_are_named_without_a_decimal_point() -> None:
    assert parse_condition("haze@3.0").name == "haze@3"


def test_with_severity_fills_only_the_gaps() -> None:
    assert parse_condition("haze@1+noise").with_severity(4).name == "haze@1+noise@4"


def test_severity_nought_is_clean() -> None:
    assert parse_condition("haze@0").is_clean
    assert not parse_condition("haze@0+noise@1").is_clean


@pytest.mark.parametrize("severity", [-1, 0.5, 5.01, math.nan, math.inf])
def test_severities_off_the_scale_are_refused(severity: float) -> None:
    with pytest.raises(InputError, match="use 0"):
        parse_condition("haze").with_severity(severity)


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean haze"):
        parse_condition("hase@3")


@pytest.mark.parametrize("text", ["", "haze+", "+haze", "haze@", "haze@x", "clean+haze", "haze+haze@2"])
def test_malformed_conditions_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_condition(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3", (3,)),
        ("2.5", (2.5,)),
        ("1,3", (1, 3)),
        ("1-5", (1, 2, 3, 4, 5)),
        ("0,2-4", (0, 2, 3, 4)),
        ("3,1,3", (1, 3)),
        ("1.5-3", (1.5, 2.5)),
        ("0-2", (0, 1, 2)),
    ],
)
def test_severities_are_read_as_lists_and_ranges(text: str, expected: tuple[float, ...]) -> None:
    assert parse_severities(text) == expected


@pytest.mark.parametrize("text", ["", "x", "1-", "5-1", "6", "1,,2", "-1"])
def test_malformed_severities_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_severities(text)
