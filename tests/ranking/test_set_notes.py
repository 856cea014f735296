"""What is said under a table of whole sets about its stars."""

from __future__ import annotations

import pytest

from fusionbench.ranking.set_notes import about_intervals, about_marks

FROZEN = (0, 0)


def test_stars_are_explained_where_there_can_be_any() -> None:
    (note,) = about_marks(30, 20, FROZEN)
    assert note.startswith("* differs from zero")


def test_where_a_class_is_rare_the_reason_for_no_star_is_said() -> None:
    assert about_marks(30, 19, FROZEN) == [
        "**No difference is marked**: the rarest class compared is in 19 of the scenes."
    ]


@pytest.mark.parametrize(("scenes", "runs"), [(19, FROZEN), (30, (3, 3)), (30, (1, 1)), (30, (1, 3))])
def test_few_scenes_or_networks_are_named_once(scenes, runs) -> None:
    assert about_marks(scenes, scenes, runs) == []
    (note,) = about_intervals(scenes, 1000, runs)
    assert note.count("no difference is marked") == 1


def test_where_some_methods_have_networks_enough_the_others_are_told_of() -> None:
    (note,) = about_intervals(30, 1000, (1, 10))
    assert "Methods with few networks (the fewest: 1 network) have no marked difference." in note
    assert about_marks(30, 30, (1, 10)) != []
