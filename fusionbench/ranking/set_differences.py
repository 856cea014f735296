"""Differences of two methods' figures of whole sets, over the same drawn sets, and which of many are real."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fusionbench.ranking.set_draws import SetScores
from fusionbench.ranking.table import Value

CONFIDENCE = 0.95


@dataclass(frozen=True, eq=False)
class Difference:
    """Of one method from another, or from the better of two, as a mean over severities."""

    mean: float
    drawn: NDArray[np.float64]
    """`(draws,)`; none where there are too few scenes."""
    images: frozenset[str]
    lost: float
    """Share of severities at which it is a loss."""


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
    if any(mine.images != theirs.images for mine, theirs in zip(own, rivals, strict=True)):
        return None
    steps = [mine.figures[figure] - theirs.figures[figure] for mine, theirs in zip(own, rivals, strict=True)]
    drawn = [
        mine.drawn[figure] - theirs.drawn[figure]
        for mine, theirs in zip(own, rivals, strict=True)
        if figure in mine.drawn and figure in theirs.drawn
    ]
    lost = [step < 0 if direction == "higher" else step > 0 for step in steps]
    return Difference(
        float(np.mean(steps)),
        np.mean(drawn, axis=0) if drawn else np.array([]),
        frozenset.intersection(*(scores.images for scores in own)),
        float(np.mean(lost)),
    )


def value_of(mean: float, drawn: NDArray[np.float64], images: frozenset[str]) -> Value:
    """A figure with the interval that holds 95 of 100 drawn sets; sets without the figure do not count."""
    known = drawn[~np.isnan(drawn)]
    if not known.size:
        return Value(mean, 0.0, images)
    tail = 100.0 * (1.0 - CONFIDENCE) / 2.0
    low, high = np.percentile(known, [tail, 100.0 - tail])
    return Value(mean, float(known.std()), images, interval=(float(low), float(high)))


def distinct(differences: Mapping[str, Difference]) -> set[str]:
    """Which of many differences are not zero, with a chance of one in twenty that any of them is wrong.

    The largest deviation of all differences in a drawn set, each in its own standard deviations, is below
    some level in 95 of 100 sets; a difference beyond that level is told apart from zero (the maximum
    statistic of P. H. Westfall and S. S. Young, Resampling-based multiple testing, 1993, chapter 2).

    Args:
        differences: By method, drawn from the same sets.
    """
    told = {name: each for name, each in differences.items() if np.any(~np.isnan(each.drawn))}
    # One that is the same in every drawn set has no spread to be measured in: its interval says all.
    spread = {name: float(np.nanstd(each.drawn)) for name, each in told.items()}
    certain = {name for name, each in told.items() if spread[name] == 0 and each.mean != 0}
    varying = [name for name in told if spread[name] > 0]
    if not varying:
        return certain
    deviations = np.array(
        [np.abs(told[name].drawn - np.nanmean(told[name].drawn)) / spread[name] for name in varying]
    )
    drawn = deviations[:, ~np.isnan(deviations).any(axis=0)]
    if not drawn.size:
        return certain
    level = float(np.percentile(drawn.max(axis=0), 100.0 * CONFIDENCE))
    return certain | {name for name in varying if abs(told[name].mean) > level * spread[name]}
