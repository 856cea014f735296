"""Which of many differences are real."""

from __future__ import annotations

import numpy as np
import pytest

from fusionbench.ranking.set_differences import Difference, difference, distinct, value_of
from fusionbench.ranking.set_draws import SetScores

IMAGES = frozenset({"a", "b"})


def scores(value, drawn=(), images=IMAGES):
    found = {"map": np.array(drawn, dtype=float)} if len(drawn) else {}
    return SetScores(images, {"map": value}, found, {})


def differences_of(values, generator, draws=400):
    """Of each row, a method's differences scene by scene, with sets drawn of the scenes."""
    scenes = values.shape[1]
    weights = generator.multinomial(scenes, np.full(scenes, 1 / scenes), size=draws) / scenes
    return {
        f"m{place}": Difference(float(row.mean()), weights @ row, IMAGES, 0.0)
        for place, row in enumerate(values)
    }


def test_a_difference_is_the_mean_of_those_at_each_severity() -> None:
    own = [scores(0.5, [0.4, 0.6]), scores(0.3, [0.3, 0.3])]
    rivals = [scores(0.4, [0.4, 0.4]), scores(0.4, [0.3, 0.5])]
    found = difference(own, rivals, "map", "higher")
    assert (found.mean, found.lost) == (pytest.approx(0.0), 0.5)
    assert found.drawn == pytest.approx([0.0, 0.0])


def test_lower_is_no_loss_where_lower_is_better() -> None:
    assert difference([scores(0.3)], [scores(0.4)], "map", "lower").lost == 0.0


def test_methods_with_different_images_are_not_compared() -> None:
    assert difference([scores(0.5)], [scores(0.4, images=frozenset({"a"}))], "map", "higher") is None


def test_drawn_sets_without_the_figure_do_not_count() -> None:
    value = value_of(0.5, np.array([0.4, np.nan, 0.4, np.nan]), IMAGES)
    assert value.interval == pytest.approx((0.4, 0.4))


def test_among_many_methods_without_a_difference_one_in_twenty_tables_marks_any() -> None:
    generator = np.random.default_rng(5)
    tables, marked, alone = 300, 0, 0
    for _ in range(tables):
        found = differences_of(generator.normal(size=(20, 60)), generator)
        marked += bool(distinct(found))
        alone += any(
            not value.interval[0] <= 0 <= value.interval[1]
            for value in (value_of(each.mean, each.drawn, IMAGES) for each in found.values())
        )
    # Judged one by one, some of twenty intervals leave zero out in most tables.
    assert alone / tables > 0.5
    assert 0.01 < marked / tables < 0.12


def test_a_difference_that_is_there_is_marked_and_the_others_are_not() -> None:
    generator = np.random.default_rng(2)
    values = generator.normal(size=(20, 60))
    values[3] += 1.0
    assert distinct(differences_of(values, generator)) == {"m3"}


def test_a_difference_that_is_the_same_in_every_drawn_set_is_marked() -> None:
    steady = Difference(0.2, np.full(10, 0.2), IMAGES, 0.0)
    none = Difference(0.0, np.zeros(10), IMAGES, 0.0)
    assert distinct({"steady": steady, "none": none}) == {"steady"}


def test_without_drawn_sets_nothing_is_marked() -> None:
    assert distinct({"a": Difference(0.2, np.array([]), IMAGES, 0.0)}) == set()
