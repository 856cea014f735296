"""Which pairs are learnt from, which are chosen by, and which are judged on.

Neighbouring names are neighbouring frames of one drive, so a random split leaks. Here each native condition
of a dataset is cut into three blocks of consecutive names, with a pair left out at either cut; and what
stands in a later part beside a name of an earlier one, of whatever condition, is left out too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from fusionbench.contracts import Sample
from fusionbench.errors import InputError

Part = Literal["train", "choose", "judge"]
PARTS: tuple[Part, ...] = get_args(Part)

SHARES = (0.6, 0.2, 0.2)

PAIRS_WITH_GAPS = 15
"""A group, or a dataset, smaller than this has no pair to spare between its parts."""


def part_of(samples: Sequence[Sample], part: Part) -> list[Sample]:
    """The samples of one part, sorted by id.

    Args:
        samples: Of one dataset; those with a problem are passed over.
        part: `train`, `choose` or `judge`: 60, 20 and 20 % of each native condition, in order of names.
    """
    groups: dict[str, list[Sample]] = {}
    for sample in sorted(samples, key=lambda each: each.id):
        if sample.problem is None:
            groups.setdefault(sample.native, []).append(sample)
    places = {
        sample.id: place
        for group in groups.values()
        for place in range(len(PARTS))
        for sample in _block(group, place)
    }
    ordered = sorted((sample for group in groups.values() for sample in group), key=lambda each: each.id)
    wanted = PARTS.index(part)
    return [
        sample
        for position, sample in enumerate(ordered)
        if places.get(sample.id) == wanted and not _touches_earlier(ordered, places, position)
    ]


def _touches_earlier(ordered: Sequence[Sample], places: Mapping[str, int], position: int) -> bool:
    """Whether a name beside this one is in an earlier part."""
    if len(ordered) < PAIRS_WITH_GAPS:
        return False
    beside = [*ordered[max(position - 1, 0) : position], *ordered[position + 1 : position + 2]]
    own = places[ordered[position].id]
    return any(places.get(sample.id, own) < own for sample in beside)


def require_pairs(chosen: Sequence[Sample], part: Part, dataset: str, available: int) -> None:
    """Check that a part has a pair.

    Raises:
        InputError: If the dataset is too small to be split.
    """
    if not chosen:
        raise InputError(
            f"dataset {dataset}: {available} pairs are too few to be split into train, choose and judge; "
            f"the part {part!r} is empty. Give it 5 pairs of one kind or more, or another --dataset"
        )


def _block(group: list[Sample], part: int) -> list[Sample]:
    first, second = (round(sum(SHARES[:count]) * len(group)) for count in (1, 2))
    gap = 1 if len(group) >= PAIRS_WITH_GAPS else 0
    bounds = ((0, first - gap), (first, second - gap), (second, len(group)))
    start, stop = bounds[part]
    return group[start:stop]
