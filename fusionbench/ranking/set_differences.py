"""Intervals of figures of sets, differences of two methods over the same drawn sets, and which are real.

Sets drawn from few scenes differ less among themselves than sets of other scenes would. Intervals are widened
for that as Student's are (T. C. Hesterberg, What teachers should know about the bootstrap, The American
Statistician 69, 2015: the expanded percentile interval); what rests on fewer than five scenes has none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from fusionbench.ranking.set_draws import FEWEST_SCENES, SetScores
from fusionbench.ranking.table import Value

CONFIDENCE = 0.95

FEW_SCENES = 20
"""Scenes below which even widened intervals are known to promise too much: no difference is marked."""

FEW_RUNS = 10
"""Networks of one method below which their spread is not known well: no difference is marked."""

COMPLETE = 0.9
"""Share of the drawn sets that must have the figure: the others lack a class, which is no chance event."""


@dataclass(frozen=True, eq=False)
class Difference:
    """Of one method from another, or from the better of two, as a mean over severities."""

    mean: float
    drawn: NDArray[np.float64]
    """`(draws,)`; none where there are too few scenes."""
    images: frozenset[str]
    lost: float
    """Share of severities at which it is a loss."""
    scenes: int
    """Scenes it rests on."""
    runs: int
    """Networks of the method with the fewest; none where one judges every method."""


def difference(
    own: Sequence[SetScores], rivals: Sequence[SetScores], figure: str, direction: str
) -> Difference | None:
    """How far a method is from its rivals.

    Args:
        own: Its scores, one a severity.
        rivals: What it is compared with at each.
        figure: Name of the figure.
        direction: `higher` or `lower`: which is better.

    Returns:
        None where the two are not of the same images.
    """
    both = list(zip(own, rivals, strict=True))
    if any(mine.images != theirs.images for mine, theirs in both):
        return None
    steps = [mine.figures[figure] - theirs.figures[figure] for mine, theirs in both]
    drawn = [
        mine.drawn[figure] - theirs.drawn[figure]
        for mine, theirs in both
        if figure in mine.drawn and figure in theirs.drawn
    ]
    lost = [step < 0 if direction == "higher" else step > 0 for step in steps]
    return Difference(
        float(np.mean(steps)),
        np.mean(drawn, axis=0) if drawn else np.array([]),
        frozenset.intersection(*(scores.images for scores in own)),
        float(np.mean(lost)),
        min(scores.rests_on(figure) for pair in both for scores in pair),
        min(scores.runs for pair in both for scores in pair),
    )


def mean_value(name: str, own: Sequence[SetScores]) -> Value:
    """A figure as a mean over severities, with its interval."""
    drawn = [scores.drawn[name] for scores in own if name in scores.drawn]
    return value_of(
        float(np.mean([scores.figures[name] for scores in own])),
        np.mean(drawn, axis=0) if drawn else np.array([]),
        frozenset.intersection(*(scores.images for scores in own)),
        min(scores.rests_on(name) for scores in own),
    )


def value_of(mean: float, drawn: NDArray[np.float64], images: frozenset[str], scenes: int) -> Value:
    """A figure with its interval.

    Args:
        mean: The figure of the whole set.
        drawn: Those of drawn sets, NaN for one that lacks a class.
        images: What it is of.
        scenes: How many it rests on.

    Returns:
        Without an interval where that would tell nothing.
    """
    known = drawn[~np.isnan(drawn)]
    if scenes < FEWEST_SCENES or known.size < max(1.0, COMPLETE * drawn.size):
        return Value(mean, 0.0, images)
    tail = 100.0 * float(stats.norm.cdf(-_widened(float(stats.norm.ppf((1 + CONFIDENCE) / 2)), scenes)))
    low, high = np.percentile(known, [tail, 100.0 - tail])
    return Value(mean, float(known.std()), images, interval=(float(low), float(high)))


def distinct(differences: Mapping[str, Difference]) -> set[str]:
    """Which of many differences are not zero, with a chance of one in twenty that any of them is wrong.

    The largest deviation of all differences in a drawn set, each in its own standard deviations, is below
    some level in 95 of 100 sets; a difference beyond that level, widened as intervals are, is told apart from
    zero (the maximum statistic of P. H. Westfall and S. S. Young, Resampling-based multiple testing, 1993,
    chapter 2). None is where scenes or networks are few.

    Args:
        differences: By method, drawn from the same sets.
    """
    told = {
        name: each
        for name, each in differences.items()
        if each.scenes >= FEW_SCENES and not 0 < each.runs < FEW_RUNS and _leaves_zero_out(each)
    }
    judged = {name: each for name, each in differences.items() if _spread(each) > 0}
    level = _level(list(judged.values()))
    return {
        name for name, each in told.items() if abs(each.mean) > _widened(level, each.scenes) * _spread(each)
    }


def _level(differences: Sequence[Difference]) -> float:
    """What the largest deviation stays below in 95 of 100 drawn sets, in standard deviations."""
    if not differences:
        return 0.0
    deviations = np.array(
        [np.abs(each.drawn - np.nanmean(each.drawn)) / _spread(each) for each in differences]
    )
    complete = deviations[:, ~np.isnan(deviations).any(axis=0)]
    return float(np.percentile(complete.max(axis=0), 100.0 * CONFIDENCE)) if complete.size else math.inf


def _spread(difference: Difference) -> float:
    known = difference.drawn[~np.isnan(difference.drawn)]
    return float(known.std()) if known.size else 0.0


def _leaves_zero_out(difference: Difference) -> bool:
    interval = value_of(difference.mean, difference.drawn, difference.images, difference.scenes).interval
    return interval is not None and not interval[0] <= 0.0 <= interval[1]


def _widened(level: float, scenes: int) -> float:
    """Standard deviations of drawn sets that hold as much as `level` of a normal distribution would."""
    free = scenes - 1
    return float(stats.t.ppf(stats.norm.cdf(level), free)) * math.sqrt(scenes / free)
