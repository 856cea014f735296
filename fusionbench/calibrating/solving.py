"""The parameters at which a monotone curve reaches stated values, with few evaluations."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

TOLERANCE = 0.01
"""Relative difference from a target at which the search for it ends."""

_STEPS = 8
"""Most evaluations for one target."""

_EXTENSION = 4.0
"""How far beyond the starting values, as a factor, the search may go where no other limit is set."""

_LONGEST_STEP = 2.0
"""Largest factor between a known parameter and the next one beyond it."""


@dataclass(frozen=True)
class Search:
    """Where the parameter of one degradation is looked for."""

    start: Sequence[float]
    """Positive values to begin with, from the weakest to the strongest; at least two."""
    weakest: float
    """A parameter this weak or stronger has a meaning."""
    strongest: float
    whole: bool = False
    """Whether only whole numbers have a meaning."""

    @classmethod
    def around(
        cls, levels: Sequence[float], limits: tuple[float, float] | None = None, *, whole: bool = False
    ) -> Search:
        """Search from the first, middle and last of `levels`, within `limits` (weakest, strongest).

        None for the limits goes beyond both ends by a factor of 4.
        """
        first, last = levels[0], levels[-1]
        factor = _EXTENSION if last > first else 1 / _EXTENSION
        weakest, strongest = limits or (first / factor, last * factor)
        return cls((first, levels[len(levels) // 2], last), weakest, strongest, whole)

    def rounded(self, parameter: float) -> float:
        """The parameter as it is written down: within the limits, to 4 significant digits or whole."""
        low, high = sorted((self.weakest, self.strongest))
        within = min(max(parameter, low), high)
        return float(round(within)) if self.whole else float(f"{within:.4g}")


@dataclass(frozen=True)
class Reached:
    """The parameter found for a target, and the damage it does."""

    parameter: float
    damage: float
    target: float
    limited: bool = False
    """Whether the target lies beyond what the parameter can do."""


def parameters_at(
    targets: Sequence[float], damage: Callable[[float], float], search: Search
) -> list[Reached]:
    """Find the parameter of each target.

    Interpolates on logarithmic scales of both parameter and damage (regula falsi), and halves the bracket
    where that goes slowly. Each evaluation is at a parameter as it will be written down, so `damage` of the
    result is what the written value does.

    Args:
        targets: Positive.
        damage: Not decreasing from `search.weakest` to `search.strongest`; called once for a parameter.
        search: Where to look.
    """
    known: dict[float, float] = {}

    def evaluate(parameter: float) -> None:
        if parameter not in known:
            known[parameter] = damage(parameter)

    for parameter in search.start:
        evaluate(search.rounded(parameter))
    return [_parameter_at(target, known, evaluate, search) for target in targets]


def _parameter_at(
    target: float, known: dict[float, float], evaluate: Callable[[float], None], search: Search
) -> Reached:
    for step in range(_STEPS):
        nearest = _nearest(target, known)
        if abs(known[nearest] / target - 1) <= TOLERANCE:
            break
        guess = search.rounded(_guess(target, known, search, halve=step % 3 == 2))
        if guess in known:
            break
        evaluate(guess)
    nearest = _nearest(target, known)
    ends = (search.rounded(search.weakest), search.rounded(search.strongest))
    missed = abs(known[nearest] / target - 1) > TOLERANCE
    beyond = not min(known.values()) <= target <= max(known.values())
    return Reached(nearest, known[nearest], target, limited=missed and beyond and nearest in ends)


def _nearest(target: float, known: dict[float, float]) -> float:
    return min(known, key=lambda parameter: abs(known[parameter] - target))


def _guess(target: float, known: dict[float, float], search: Search, *, halve: bool) -> float:
    """The next parameter to look at: between the two known ones about the target, or beyond the last one."""
    points = sorted(known, reverse=search.strongest < search.weakest)
    below = [point for point in points if known[point] <= target]
    above = [point for point in points if known[point] > target]
    if not below:
        return _beyond(target, known, points[0], points[1], search)
    if not above:
        return _beyond(target, known, points[-1], points[-2], search)
    first, second = below[-1], above[0]
    if halve or known[first] <= 0:
        return math.sqrt(first * second)
    return _on_line(target, known, first, second)


def _beyond(target: float, known: dict[float, float], end: float, inner: float, search: Search) -> float:
    """Extrapolate past the end of what is known, by a limited step."""
    outwards = _LONGEST_STEP if end > inner else 1 / _LONGEST_STEP
    rises = known[end] > 0 and known[inner] > 0 and known[end] != known[inner]
    wanted = _on_line(target, known, end, inner) if rises else end * outwards
    low, high = sorted((end, end * outwards))
    guess = min(max(wanted, low), high)
    limit = search.weakest if known[end] > target else search.strongest
    # Near a limit with nothing in between: go there rather than past it.
    return limit if (guess - limit) * (end - inner) > 0 else guess


def _on_line(target: float, known: dict[float, float], first: float, second: float) -> float:
    """Parameter of the target on the line through two known points, both scales logarithmic."""
    slope = math.log(second / first) / math.log(known[second] / known[first])
    exponent = slope * math.log(target / known[first])
    return first * math.exp(max(min(exponent, 50.0), -50.0))
