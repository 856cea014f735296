"""Which samples a condition is applied to, by the real condition they were taken in.

Darkening what is dark already measures nothing but the sensor's floor: a degradation names the native
conditions it is unsuited to, and such samples are left out unless a person asks for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fusionbench.contracts import NATIVE_CONDITIONS, Sample
from fusionbench.degrading import Condition, profiles
from fusionbench.errors import InputError

AUTOMATIC = "auto"
"""Leave out what a degradation is unsuited to."""

EVERYTHING = "all"

UNMARKED = "unmarked"
"""How a table calls images of which nobody has said what they were taken in."""


def chosen_samples(
    samples: Sequence[Sample], condition: Condition, native: str, limit: int | None = None
) -> tuple[Sample, ...]:
    """The samples a condition is applied to.

    Args:
        samples: All there are.
        condition: The degradations.
        native: `auto`, `all`, or one of `NATIVE_CONDITIONS` for only these.
        limit: Only the first so many of those.

    Raises:
        InputError: If `native` is none of them, or nothing is left.
    """
    if native in NATIVE_CONDITIONS:
        kept = tuple(sample for sample in samples if sample.native == native)
        if not kept:
            raise InputError(f"native {native}: no image is marked so; `--native all` takes every image")
        return kept[:limit]
    if native == EVERYTHING:
        return tuple(samples[:limit])
    if native != AUTOMATIC:
        raise InputError(f"native {native!r}: expected auto, all or one of {', '.join(NATIVE_CONDITIONS)}")
    unsuited = natives_unsuited_to(condition)
    kept = tuple(sample for sample in samples if sample.native not in unsuited)
    if not kept:
        names = " and ".join(sorted(unsuited))
        raise InputError(
            f"{condition.name}: is not applied to images taken in {names}, and all {len(samples)} are; "
            "take another degradation, or add --native all"
        )
    return kept[:limit]


def left_out(every: Sequence[Sample], chosen: Sequence[Sample], limit: int | None = None) -> dict[str, int]:
    """How many samples were passed over for the native condition they were taken in.

    Args:
        every: All there are.
        chosen: What `chosen_samples` left of them.
        limit: As for `chosen_samples`: what comes after the last of so many was not looked at.
    """
    kept = {sample.id for sample in chosen}
    looked_at = list(every)
    if len(chosen) == limit:
        looked_at = looked_at[: looked_at.index(chosen[-1])]
    counts: dict[str, int] = {}
    for sample in looked_at:
        if sample.id not in kept:
            counts[sample.native or UNMARKED] = counts.get(sample.native or UNMARKED, 0) + 1
    return counts


def native_groups(samples: Sequence[Sample]) -> Mapping[str, list[str]]:
    """Ids by native condition; empty where there are not at least two of them to tell apart."""
    groups: dict[str, list[str]] = {}
    for sample in samples:
        groups.setdefault(sample.native or UNMARKED, []).append(sample.id)
    return dict(sorted(groups.items())) if len(groups) > 1 else {}


def natives_unsuited_to(condition: Condition) -> frozenset[str]:
    """The real conditions whose images a condition leaves out."""
    cards = [
        profiles.degradation(name, condition.profile).card for name, level in condition.terms if level != 0
    ]
    return frozenset(native for card in cards for native in card.unsuited_to)
