"""What a reader of figures of whole sets has to know, in sentences under the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fusionbench.ranking.set_differences import FEW_RUNS, FEW_SCENES
from fusionbench.ranking.set_draws import DRAWS, FEWEST_SCENES, SetScores
from fusionbench.ranking.set_records import Place


def about_intervals(scenes: int, complete: int, runs: tuple[int, int]) -> list[str]:
    """How intervals came about.

    Args:
        scenes: How many the images are of.
        complete: Drawn sets with every class.
        runs: Networks of the method with the fewest and of that with the most.
    """
    if scenes < FEWEST_SCENES:
        return [
            f"The images are of {scenes} scene{'s' if scenes > 1 else ''} (those that look alike are of "
            "one), too few for intervals."
        ]
    some = f" {complete} of the sets have every class; the others are left out." if complete < DRAWS else ""
    few = " **So few scenes tell little; no difference is marked.**" if scenes < FEW_SCENES else ""
    return [
        f"Intervals hold 95 of 100 of {DRAWS} sets drawn scene by scene, the same for every method, from "
        f"{scenes} scenes (images that look alike are of one), and are widened as Student's are.{some}"
        f"{_about_networks(*runs)}{few}"
    ]


def _about_networks(fewest: int, most: int) -> str:
    if not 0 < fewest < FEW_RUNS:
        return ""
    count = f"{fewest} network{'s' if fewest > 1 else ''}"
    if most >= FEW_RUNS:
        return f" Methods with few networks (the fewest: {count}) have no marked difference."
    more = f" to {most}" if most > fewest else ""
    return (
        f" They hold the choice among the networks of a method; of so few ({count}{more}) nobody knows how "
        "networks spread: intervals promise too much, and no difference is marked."
    )


def about_classes(rare: Mapping[str, int], frequent: Sequence[str], label: str) -> list[str]:
    """Classes whose figures rest on next to nothing, and what is shown for that."""
    if not rare:
        return []
    listed = ", ".join(f"{name} ({count})" for name, count in rare.items())
    instead = f" `{label} frequent` is the mean without them: of {', '.join(frequent)}." if frequent else ""
    return [
        f"In fewer than {FEWEST_SCENES} scenes: {listed}. Their figures, and means they count in, have "
        f"no interval.{instead}"
    ]


def about_gain(*, both: bool) -> str:
    """What the gain is."""
    if not both:
        return "No Δ: it needs the rows of the visible and the infrared image alone."
    return (
        "Δ is the gain over the better of the visible and the infrared image alone, `worse` the share of "
        "severities at which fusing loses."
    )


def about_rivals(
    against: Sequence[str], scores: Mapping[Place, SetScores], severities: Sequence[float]
) -> list[str]:
    """What the others were compared with, and where that could not be."""
    notes = []
    for rival in against:
        lacking = [severity for severity in severities if (rival, severity) not in scores]
        unequal = sorted(
            {
                method
                for (method, severity), found in scores.items()
                if (rival, severity) in scores and scores[rival, severity].images != found.images
            }
        )
        if len(lacking) == len(severities):
            notes.append(f"No difference from {rival}: it has no such figure under this condition.")
            continue
        missing = f", which lacks severity {', '.join(f'{each:g}' for each in lacking)}" if lacking else ""
        other = f" None for {', '.join(unequal)}: not of the same images." if unequal else ""
        notes.append(f"−{rival}: the difference from that method{missing}.{other}")
    return notes


def about_marks(scenes: int, rarest: int, runs: tuple[int, int]) -> list[str]:
    """What a star says, or why there is none where the note on intervals does not say so.

    Args:
        scenes: How many the images are of.
        rarest: How many of them the rarest class compared is in, of the method where they are most.
        runs: Networks of the method with the fewest and of that with the most.
    """
    if scenes < FEW_SCENES or 0 < runs[1] < FEW_RUNS:
        return []
    if rarest < FEW_SCENES:
        return [f"**No difference is marked**: the rarest class compared is in {rarest} of the scenes."]
    return [
        "* differs from zero even when all rows of its column are judged at once; what rests on fewer than "
        f"{FEW_SCENES} scenes has none."
    ]


def about_others(methods: set[str], label: str) -> list[str]:
    """Methods whose figures may not stand beside these."""
    if not methods:
        return []
    names = ", ".join(sorted(methods))
    return [f"{names}: {label} in the store is by other weights or annotations, and left out here."]


def complete_sets(scores: Mapping[Place, SetScores], columns: Sequence[str]) -> int:
    """How many drawn sets have every class; of the method and severity with the fewest."""
    counts = [
        int(np.isfinite(each.drawn[name]).sum())
        for each in scores.values()
        for name in columns
        if name in each.drawn
    ]
    return min(counts, default=0)
