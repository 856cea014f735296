"""Which classes a mean is over, and how many scenes it rests on."""

from __future__ import annotations

import pytest

from fusionbench.ranking.set_draws import SetScores
from fusionbench.ranking.set_means import means_of

CARD = {
    "direction": "higher",
    "rewards_noise": False,
    "set": {"columns": {"map": "mAP"}, "class_figures": "map/", "every": 3},
}


def scores(**scenes):
    """Of a method whose classes are in so many of thirty scenes, each with a figure of a tenth of that."""
    figures = {f"map/{name}": count / 10 for name, count in scenes.items()}
    return SetScores(
        frozenset({"a"}), {"map": 0.5, **figures}, {}, {name: scenes[name[4:]] for name in figures}, 30
    )


def test_rare_classes_are_left_out_of_the_mean_methods_are_compared_by():
    means = means_of(CARD, {("max", 0.0): scores(car=20, bus=4, lamp=10)})
    assert (means.compared.label, means.common) == ("mAP frequent(2/3)", ("car", "lamp"))
    assert means.scores["max", 0.0].figures[means.compared.metric] == pytest.approx(1.5)
    assert means.rests_on == 10


def test_without_rare_classes_methods_are_compared_by_the_mean_of_all():
    means = means_of(CARD, {("max", 0.0): scores(car=20, bus=5)})
    assert (means.compared.label, means.frequent) == ("mAP(2/3)", ())


def test_one_method_that_lacks_images_does_not_decide_for_the_table():
    """Differences of the others can be marked, whatever that one rests on."""
    means = means_of(CARD, {("max", 0.0): scores(car=20), ("mine", 0.0): scores(car=19)})
    assert means.rests_on == 20
