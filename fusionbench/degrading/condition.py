"""Conditions by name, as a person says them: `clean`, `haze@3`, `haze+low_light@2`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fusionbench import registry
from fusionbench.errors import InputError, UnknownNameError

CLEAN = "clean"
"""Name of the condition that damages nothing."""

MAXIMUM_SEVERITY = 5


@dataclass(frozen=True)
class Condition:
    """Degradations with their severities; the order of naming means nothing, so terms are sorted by name."""

    terms: tuple[tuple[str, float | None], ...] = ()
    """Degradation and severity (0, or 1 to 5 with fractions; None until `with_severity` sets it)."""

    def __post_init__(self) -> None:
        names = [name for name, _ in self.terms]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise InputError(f"condition names {repeated[0]!r} twice; name each degradation once")
        for name, severity in self.terms:
            if severity is not None:
                _check_severity(severity, f"{name}@{_as_text(severity)}")
        object.__setattr__(self, "terms", tuple(sorted(self.terms, key=lambda term: term[0])))

    @property
    def name(self) -> str:
        """Canonical name, which `parse_condition` reads back: `haze@3+noise@2.5`, or `clean`."""
        parts = [name if s is None else f"{name}@{_as_text(s)}" for name, s in self.terms]
        return "+".join(parts) or CLEAN

    @property
    def is_clean(self) -> bool:
        """Whether the condition leaves every image as it is (no terms, or severity 0 throughout)."""
        return all(severity == 0 for _, severity in self.terms)

    def with_severity(self, severity: float) -> Condition:
        """Give every term that has no severity yet this one.

        Raises:
            InputError: If the severity is neither 0 nor from 1 to 5.
        """
        _check_severity(severity, f"severity {severity}")
        return Condition(tuple((name, severity if s is None else s) for name, s in self.terms))


def parse_condition(text: str) -> Condition:
    """Read a condition.

    Args:
        text: Registered degradations joined by `+`, each optionally with `@severity`; an `@severity` also
            applies to the terms before it that have none. `clean` alone is no degradation.

    Raises:
        InputError: If a part is empty, a severity is no number from 1 to 5 (or 0), or a name comes twice.
        UnknownNameError: If nothing registers a name.
    """
    if text.strip() == CLEAN:
        return Condition()
    terms: list[tuple[str, float | None]] = []
    for part in text.split("+"):
        name, at, number = (piece.strip() for piece in part.partition("@"))
        _check_name(name, text)
        severity = _severity(number, part.strip()) if at else None
        if severity is not None:
            terms = [(earlier, severity if s is None else s) for earlier, s in terms]
        terms.append((name, severity))
    return Condition(tuple(terms))


def parse_severities(text: str) -> tuple[float, ...]:
    """Read a list of severities: `3`, `2.5`, `1,3`, `1-5` (whole steps), or a mixture such as `0,2-4`.

    Returns:
        The severities, ascending, each once.

    Raises:
        InputError: If a part is neither a severity nor an ascending range of them.
    """
    found: set[float] = set()
    for part in text.split(","):
        first, dash, last = (piece.strip() for piece in part.partition("-"))
        start = _severity(first, text)
        stop = _severity(last, text) if dash else start
        if stop < start:
            raise InputError(f"severity {text!r}: {part.strip()} runs backwards; write the smaller one first")
        steps = math.floor(stop - start) + 1
        found.update(start + step for step in range(steps))
    return tuple(sorted(found))


def _check_name(name: str, text: str) -> None:
    if not name:
        raise InputError(f"condition {text!r} has an empty part; write for example haze@3 or haze+noise@2")
    if name == CLEAN:
        raise InputError(f"condition {text!r}: {CLEAN!r} stands alone; remove it or the other parts")
    known = registry.names("degradation")
    if name not in known:
        raise UnknownNameError("degradation", name, [*known, CLEAN])


def _severity(number: str, shown: str) -> float:
    try:
        severity = float(number)
    except ValueError:
        raise InputError(f"severity {shown!r}: {number!r} is not a number; use 0 or 1 to 5") from None
    _check_severity(severity, f"severity {shown!r}")
    return severity


def _check_severity(severity: float, shown: str) -> None:
    if not (severity == 0 or 1 <= severity <= MAXIMUM_SEVERITY):
        raise InputError(f"{shown}: is out of range; use 0 (untouched) or 1 to {MAXIMUM_SEVERITY}")


def _as_text(severity: float) -> str:
    return repr(float(severity) + 0.0).removesuffix(".0")
