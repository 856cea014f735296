"""Learning, choosing and judging on different stretches of a drive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusionbench.contracts import Sample
from fusionbench.errors import InputError
from fusionbench.training.parts import PAIRS_WITH_GAPS, PARTS, part_of, require_pairs


def drive(count, native="day"):
    return [Sample(f"{number:05d}", native=native) for number in range(count)]


@given(st.integers(0, 200))
def test_no_pair_is_in_two_parts(count):
    parts = [{sample.id for sample in part_of(drive(count), part)} for part in PARTS]
    assert len(set.union(*parts)) == sum(map(len, parts))


def test_parts_are_stretches_with_a_pair_between_them():
    parts = [[int(sample.id) for sample in part_of(drive(100), part)] for part in PARTS]
    assert parts == [list(range(59)), list(range(60, 79)), list(range(80, 100))]


def test_a_small_group_spares_no_pair():
    parts = [part_of(drive(PAIRS_WITH_GAPS - 1), part) for part in PARTS]
    assert sum(map(len, parts)) == PAIRS_WITH_GAPS - 1


def test_day_and_night_are_cut_each_on_their_own():
    samples = drive(50, "day") + [Sample(f"n{number:03d}", native="night") for number in range(50)]
    for part in PARTS:
        natives = [sample.native for sample in part_of(samples, part)]
        assert natives.count("day") >= 9
        assert natives.count("night") >= 9


def test_a_night_frame_beside_a_day_frame_of_an_earlier_part_is_left_out():
    # Nights end where days go on, so that the two are cut at different names.
    samples = [Sample(f"{number:05d}", native="night" if number % 2 else "day") for number in range(60)]
    samples += [Sample(f"{number:05d}", native="day") for number in range(60, 100)]
    parts = {part: {int(sample.id) for sample in part_of(samples, part)} for part in PARTS}
    for earlier, later in (("train", "choose"), ("train", "judge"), ("choose", "judge")):
        assert all(abs(one - other) > 1 for one in parts[earlier] for other in parts[later])
    assert all(parts.values())


def test_what_cannot_be_read_is_passed_over():
    samples = [*drive(10), Sample("00003x", problem="no infrared image")]
    assert all(sample.problem is None for part in PARTS for sample in part_of(samples, part))


def test_the_order_of_listing_plays_no_part():
    samples = drive(37)
    assert part_of(samples[::-1], "choose") == part_of(samples, "choose")


def test_an_empty_part_is_refused_with_what_to_do():
    with pytest.raises(InputError, match=r"dataset mine: 1 pairs are too few .* 5 pairs"):
        require_pairs(part_of(drive(1), "choose"), "choose", "mine", 1)


def test_five_pairs_are_enough():
    for part in PARTS:
        require_pairs(part_of(drive(5), part), part, "mine", 5)
