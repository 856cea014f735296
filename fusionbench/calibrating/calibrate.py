"""Calibration of several degradations over the same pairs."""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from fusionbench.calibrating.choosing import CalibrationPair
from fusionbench.calibrating.measuring import WIDEST, Workers, smallest_side
from fusionbench.calibrating.solving import Reached, Search, parameters_at
from fusionbench.contracts import Degradation, DegradationCard, Levels
from fusionbench.errors import InputError

TARGETS: Levels = (0.01, 0.03, 0.06, 0.11, 0.17)
"""Median of 1 - MS-SSIM at severities 1 to 5, the same for every degradation.

The last is what JPEG can do at most, near quality 3: below it the median hardly moves.
"""


@dataclass(frozen=True)
class Calibration:
    """The parameters of one degradation."""

    card: DegradationCard
    levels: tuple[Reached, ...]
    """One a target, from the weakest."""
    left_out: tuple[str, ...] = ()
    """Pairs whose native condition it is not applied to."""


def calibrate(
    degradations: Sequence[Degradation],
    pairs: Sequence[CalibrationPair],
    targets: Sequence[float] = TARGETS,
    seed: int = 0,
    processes: int = 2,
) -> Iterator[Calibration]:
    """Find the parameters at which the median damage over pairs is that of each target.

    Args:
        degradations: Each with a monotone parameter.
        pairs: Large enough to be measured; see `large_enough`.
        targets: Median damage, 1 - MS-SSIM, at each severity.
        seed: Seed of the random fields.
        processes: How many work at once; the result does not depend on it.

    Yields:
        One calibration a degradation, in their order.

    Raises:
        InputError: If no pair is left for a degradation.
    """
    with Workers(pairs, processes) as workers:
        for degradation in degradations:
            yield _calibrate(degradation, pairs, targets, seed, workers)


def _calibrate(
    degradation: Degradation,
    pairs: Sequence[CalibrationPair],
    targets: Sequence[float],
    seed: int,
    workers: Workers,
) -> Calibration:
    card = degradation.card
    unsuited = {index for index, pair in enumerate(pairs) if pair.sample.native in card.unsuited_to}
    if len(unsuited) == len(pairs):
        raise InputError(f"{card.name}: none of {len(pairs)} pairs suits it; choose another dataset")

    def median_damage(parameter: float) -> float:
        return statistics.median(workers.damages(degradation, parameter, seed, frozenset(unsuited)))

    reached = parameters_at(targets, median_damage, search_of(card))
    return Calibration(card, tuple(reached), tuple(pairs[index].name for index in sorted(unsuited)))


def search_of(card: DegradationCard) -> Search:
    """Where the parameter of a degradation is looked for: about its physical levels."""
    levels = card.physical_levels or card.levels
    return Search.around(levels, card.limits, whole=card.whole_numbers)


def large_enough(pairs: Sequence[CalibrationPair], on_small: Callable[[str], None]) -> list[CalibrationPair]:
    """Leave out pairs on which damage cannot be measured; `on_small` is told of each in one line."""
    needed = smallest_side()
    kept = []
    for pair in pairs:
        height, width = pair.load().size
        stride = -(-width // WIDEST)
        if min(height, width) // stride >= needed:
            kept.append(pair)
        else:
            on_small(f"{pair.name}: is {width}x{height}; MS-SSIM needs {needed} pixels a side; left out")
    return kept


def fingerprint(pairs: Sequence[CalibrationPair]) -> str:
    """Hash of everything that decides the pixels of the pairs and the random fields' names."""
    digest = hashlib.blake2b(digest_size=16)
    for pair in pairs:
        digest.update(f"{pair.name} {pair.dataset.fingerprint(pair.sample)}\n".encode())
    return digest.hexdigest()
