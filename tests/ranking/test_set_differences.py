"""Intervals of figures of sets, and which of many differences are real."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from fusionbench.ranking.set_differences import Difference, difference, distinct, value_of
from fusionbench.ranking.set_draws import SetScores

IMAGES = frozenset({"a", "b"})


def scores(value, drawn=(), images=IMAGES, known=30, runs=0):
    found = {"map": np.array(drawn, dtype=float)} if len(drawn) else {}
    return SetScores(images, {"map": value}, found, {}, known, runs)


def differences_of(values, generator, draws=1000):
    """Of each row, a method's differences scene by scene, with sets drawn of the scenes."""
    scenes = values.shape[1]
    weights = generator.multinomial(scenes, np.full(scenes, 1 / scenes), size=draws) / scenes
    return {
        f"m{place}": Difference(float(row.mean()), weights @ row, IMAGES, 0.0, scenes, 0)
        for place, row in enumerate(values)
    }


def leaves_zero_out(each: Difference) -> bool:
    interval = value_of(each.mean, each.drawn, IMAGES, each.scenes).interval
    return not interval[0] <= 0 <= interval[1]


def test_a_difference_is_the_mean_of_those_at_each_severity() -> None:
    own = [scores(0.5, [0.4, 0.6]), scores(0.3, [0.3, 0.3])]
    rivals = [scores(0.4, [0.4, 0.4]), scores(0.4, [0.3, 0.5])]
    found = difference(own, rivals, "map", "higher")
    assert (found.mean, found.lost) == (pytest.approx(0.0), 0.5)
    assert found.drawn == pytest.approx([0.0, 0.0])


def test_a_difference_rests_on_the_fewest_scenes_of_the_two() -> None:
    assert difference([scores(0.5, known=30)], [scores(0.4, known=9)], "map", "higher").scenes == 9


def test_a_difference_knows_the_networks_of_the_method_with_fewer() -> None:
    found = difference([scores(0.5, runs=10)], [scores(0.4, runs=1)], "map", "higher")
    assert found.runs == 1


def test_a_mean_rests_on_the_scenes_of_its_rarest_class() -> None:
    found = SetScores(IMAGES, {}, {}, {"map/car": 12, "map/bus": 2, "map/lamp": 0}, 30)
    assert (found.rests_on("map"), found.rests_on("map/car")) == (2, 12)


def test_lower_is_no_loss_where_lower_is_better() -> None:
    assert difference([scores(0.3)], [scores(0.4)], "map", "lower").lost == 0.0


def test_methods_with_different_images_are_not_compared() -> None:
    assert difference([scores(0.5)], [scores(0.4, images=frozenset({"a"}))], "map", "higher") is None


def test_a_few_drawn_sets_without_the_figure_do_not_count() -> None:
    drawn = np.where(np.arange(100) < 5, np.nan, 0.4)
    assert value_of(0.5, drawn, IMAGES, 30).interval == pytest.approx((0.4, 0.4))


def test_where_many_drawn_sets_lack_the_figure_there_is_no_interval() -> None:
    drawn = np.where(np.arange(100) < 20, np.nan, 0.4)
    assert value_of(0.5, drawn, IMAGES, 30).interval is None


def test_what_rests_on_fewer_than_five_scenes_has_no_interval() -> None:
    drawn = np.linspace(0.3, 0.5, 1000)
    assert value_of(0.4, drawn, IMAGES, 4).interval is None
    assert value_of(0.4, drawn, IMAGES, 5).interval is not None


def test_intervals_are_as_wide_as_students() -> None:
    """Of normal drawn sets: a t interval of the mean, whose spread is that of an unbiased estimate."""
    drawn = stats.norm.ppf((np.arange(200_000) + 0.5) / 200_000)
    for scenes in (8, 20, 60):
        low, high = value_of(0.0, drawn, IMAGES, scenes).interval
        expected = stats.t.ppf(0.975, scenes - 1) * np.sqrt(scenes / (scenes - 1))
        assert (low, high) == pytest.approx((-expected, expected), rel=2e-3)


@pytest.mark.parametrize("scenes", [8, 12, 20, 60])
def test_of_a_hundred_intervals_of_methods_that_are_alike_about_five_leave_zero_out(scenes) -> None:
    generator = np.random.default_rng(scenes)
    found = [
        leaves_zero_out(each)
        for _ in range(60)
        for each in differences_of(generator.normal(size=(20, scenes)), generator).values()
    ]
    assert 0.03 < np.mean(found) < 0.08


@pytest.mark.parametrize("scenes", [20, 40])
def test_among_many_methods_that_are_alike_one_in_twenty_tables_marks_any(scenes) -> None:
    generator = np.random.default_rng(scenes)
    tables, marked, alone = 300, 0, 0
    for _ in range(tables):
        found = differences_of(generator.normal(size=(20, scenes)), generator)
        marked += bool(distinct(found))
        alone += any(map(leaves_zero_out, found.values()))
    # Judged one by one, some of twenty intervals leave zero out in most tables.
    assert alone / tables > 0.5
    assert 0.01 < marked / tables < 0.09


def test_a_difference_that_is_there_is_marked_and_the_others_are_not() -> None:
    generator = np.random.default_rng(2)
    values = generator.normal(size=(20, 60))
    values[3] += 1.0
    assert distinct(differences_of(values, generator)) == {"m3"}


def test_a_difference_that_is_the_same_in_every_scene_is_marked() -> None:
    steady = Difference(0.2, np.full(10, 0.2), IMAGES, 0.0, 30, 0)
    none = Difference(0.0, np.zeros(10), IMAGES, 0.0, 30, 0)
    assert distinct({"steady": steady, "none": none}) == {"steady"}


@pytest.mark.parametrize("changed", [{"scenes": 19}, {"runs": 1}, {"runs": 3}, {"drawn": np.array([])}])
def test_where_scenes_or_networks_are_few_nothing_is_marked(changed) -> None:
    steady = Difference(0.2, np.full(10, 0.2), IMAGES, 0.0, 30, 0)
    assert distinct({"steady": steady}) == {"steady"}
    assert distinct({"steady": replace(steady, **changed)}) == set()
