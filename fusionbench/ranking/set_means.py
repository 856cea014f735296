"""Means over classes (mAP, mIoU): which classes are in them, and which are too rare to be compared by."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fusionbench.observing import LABELS
from fusionbench.ranking.set_draws import FEWEST_SCENES, SetScores
from fusionbench.ranking.set_records import Place
from fusionbench.ranking.table import Column

FREQUENT = "frequent"
"""The mean over classes that occur in scenes enough."""


@dataclass(frozen=True, eq=False)
class Means:
    """The figures of a metric that are means over classes, and what they rest on."""

    label: str
    """Of the first, without the classes it is over."""
    plain: tuple[Column, ...]
    """All of them, over every class there is."""
    frequent: tuple[Column, ...]
    """The first one over frequent classes only, where there are rare ones."""
    scores: Mapping[Place, SetScores]
    """With the values of all these, by method and severity."""
    rare: Mapping[str, int]
    """Classes in too few scenes, with how many."""
    common: tuple[str, ...]
    """All other classes."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """All of them, in order."""
        return (*self.plain, *self.frequent)

    @property
    def compared(self) -> Column:
        """What methods are compared by."""
        return (*self.frequent, *self.plain)[0]

    @property
    def rests_on(self) -> int:
        """Scenes that rests on: of the method and severity where they are most, as some may lack images."""
        return max((each.rests_on(self.compared.metric) for each in self.scores.values()), default=0)

    @property
    def runs(self) -> tuple[int, int]:
        """Networks of the method with the fewest and of that with the most."""
        counts = [each.runs for each in self.scores.values()] or [0]
        return min(counts), max(counts)


def means_of(card: Mapping[str, Any], scores: Mapping[Place, SetScores]) -> Means:
    """Columns of the means, and scores with the mean without rare classes, where there are such.

    Args:
        card: The metric's, as a cell's stamp has it.
        scores: By method and severity.
    """
    shown: Mapping[str, Any] = card["set"]
    labels: Mapping[str, str] = shown["columns"]
    prefix = shown.get("class_figures", "")
    plain = tuple(
        Column(name, LABELS, label + _covered(shown, name, scores), card["direction"], card["rewards_noise"])
        for name, label in labels.items()
    )
    rare, common = _by_scenes(prefix, scores)
    classes = tuple(name.removeprefix(prefix) for name in common)
    first = plain[0].metric
    label = labels[first]
    if not rare or not common:
        return Means(label, plain, (), scores, rare, classes)
    frequent = _frequent_column(plain[0], label, len(common), _should_cover(shown, first))
    return Means(
        label,
        tuple(replace(column, rare=True) for column in plain),
        (frequent,),
        {place: _with_frequent(each, frequent.metric, common) for place, each in scores.items()},
        rare,
        classes,
    )


def _frequent_column(first: Column, label: str, common: int, every: int) -> Column:
    name = f"{first.metric}_{FREQUENT}"
    return replace(first, metric=name, label=f"{label} {FREQUENT}({common}/{every})")


def _covered(shown: Mapping[str, Any], column: str, scores: Mapping[Place, SetScores]) -> str:
    """`(5/6)` where not every class of the dataset is in the mean: not known, or not in these images."""
    prefix, every = shown.get("class_figures", ""), shown.get("every", 0)
    if not prefix or not scores:
        return ""
    of_column = every[column] if isinstance(every, Mapping) else None
    known = [name.removeprefix(prefix) for name in _classes(prefix, next(iter(scores.values())))]
    counted = sum(of_column is None or name in of_column for name in known)
    total = _should_cover(shown, column)
    return "" if counted == total else f"({counted}/{total})"


def _should_cover(shown: Mapping[str, Any], column: str) -> int:
    """How many classes of the dataset a mean should be over."""
    every = shown["every"]
    return len(every[column]) if isinstance(every, Mapping) else int(every)


def _classes(prefix: str, scores: SetScores) -> list[str]:
    """Names of the figures of classes that have one."""
    return [
        name
        for name, value in scores.figures.items()
        if prefix and name.startswith(prefix) and name in scores.scenes and math.isfinite(value)
    ]


def _by_scenes(prefix: str, scores: Mapping[Place, SetScores]) -> tuple[dict[str, int], list[str]]:
    """Classes in too few scenes with how many, and the figures of all others."""
    fewest: dict[str, int] = {}
    for each in scores.values():
        for name in _classes(prefix, each):
            fewest[name] = min(fewest.get(name, each.known), each.scenes[name])
    rare = {name.removeprefix(prefix): count for name, count in fewest.items() if count < FEWEST_SCENES}
    return rare, [name for name, count in fewest.items() if count >= FEWEST_SCENES]


def _with_frequent(scores: SetScores, name: str, classes: Sequence[str]) -> SetScores:
    """Scores with the mean over some classes, of the whole set and of each drawn one."""
    drawn = {name: np.mean([scores.drawn[each] for each in classes], axis=0)} if scores.drawn else {}
    mean = float(np.mean([scores.figures[each] for each in classes]))
    return replace(
        scores,
        figures={**scores.figures, name: mean},
        drawn={**scores.drawn, **drawn},
        scenes={**scores.scenes, name: min(scores.scenes[each] for each in classes)},
    )
