"""Conditions by name, as a person says them: `haze@3`, `haze+low_light@2`, `haze@1km`, `reside:haze@2`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal

from fusionbench.contracts import CALIBRATED, PHYSICAL
from fusionbench.degrading.profiles import degradation_names, excluded_by, profile_names, unit_of
from fusionbench.errors import InputError, UnknownNameError

CLEAN = "clean"
"""Name of the condition that damages nothing."""

MAXIMUM_SEVERITY = 5


@dataclass(frozen=True)
class Quantity:
    """A physical quantity in place of a severity, such as a visibility of 2 km."""

    value: float
    unit: str


Level = float | Quantity | None
"""How strong a degradation is: a severity (0, or 1 to 5) or a quantity; None until it is set."""


@dataclass(frozen=True)
class Condition:
    """Degradations with their severities; the order of naming means nothing, so terms are sorted by name."""

    terms: tuple[tuple[str, Level], ...] = ()
    """Degradation and level; None until `with_severity` sets it."""
    profile: str = CALIBRATED
    """Whose formulas and levels: `calibrated`, `physical`, or a registered profile of degradations."""

    def __post_init__(self) -> None:
        names = [name for name, _ in self.terms]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise InputError(f"condition names {repeated[0]!r} twice; name each degradation once")
        for name, level in self.terms:
            if isinstance(level, (int, float)):
                _check_severity(level, f"{name}@{_as_text(level)}")
        object.__setattr__(self, "terms", tuple(sorted(self.terms, key=lambda term: term[0])))
        if not self.terms:
            object.__setattr__(self, "profile", CALIBRATED)

    @property
    def name(self) -> str:
        """Canonical name, which `parse_condition` reads back: `haze@3+noise@2.5`, or `clean`."""
        parts = [name if level is None else f"{name}@{_as_text(level)}" for name, level in self.terms]
        return self._of_profile("+".join(parts)) or CLEAN

    @property
    def degradations(self) -> str:
        """The name without severities: `haze+noise`, `reside:haze`; empty for the clean condition."""
        return self._of_profile("+".join(name for name, _ in self.terms))

    @property
    def is_clean(self) -> bool:
        """Whether the condition leaves every image as it is (no terms, or severity 0 throughout)."""
        return all(level == 0 for _, level in self.terms)

    @property
    def common_severity(self) -> float | None:
        """The severity all terms share; None if they differ, or one of them is a quantity."""
        levels = {level for _, level in self.terms}
        common = levels.pop() if len(levels) == 1 else None
        return common if isinstance(common, (int, float)) else None

    def with_severity(self, severity: float) -> Condition:
        """Give every term that has no severity yet this one.

        Raises:
            InputError: If the severity is neither 0 nor from 1 to 5.
        """
        _check_severity(severity, f"severity {severity}")
        terms = tuple((name, severity if level is None else level) for name, level in self.terms)
        return Condition(terms, self.profile)

    def _of_profile(self, text: str) -> str:
        return f"{self.profile}:{text}" if text and self.profile != CALIBRATED else text


def parse_condition(text: str) -> Condition:
    """Read a condition.

    Args:
        text: Registered degradations joined by `+`, each optionally with `@severity`; an `@severity` also
            applies to the terms before it that have none. A profile and a colon in front (`physical:haze@2`)
            choose other formulas or levels for all of them. A degradation with a physical quantity takes a
            number with its unit too (`haze@2km`). `clean` alone is no degradation.

    Raises:
        InputError: If a part is empty, a severity is no number from 1 to 5 (or 0), a unit is not the
            degradation's, or a name comes twice.
        UnknownNameError: If nothing registers a name.
    """
    if text.strip() == CLEAN:
        return Condition()
    before, colon, after = text.partition(":")
    profile, body = (before.strip(), after) if colon else (CALIBRATED, text)
    if ":" in body:
        raise InputError(f"condition {text!r} names a profile twice; one in front is for all of its parts")
    if profile not in profile_names():
        raise UnknownNameError("profile of degradations", profile, profile_names())
    terms: list[tuple[str, Level]] = []
    for part in body.split("+"):
        name, at, number = (piece.strip() for piece in part.partition("@"))
        _check_name(name, text, profile)
        level = _level(number, name, profile, part.strip()) if at else None
        if isinstance(level, float):
            terms = [(earlier, level if known is None else known) for earlier, known in terms]
        terms.append((name, level))
    condition = Condition(tuple(terms), profile)
    refuse_exclusive(condition)
    return condition


def refuse_exclusive(condition: Condition) -> None:
    """Refuse degradations that never stand in one condition.

    Raises:
        InputError: Naming the two.
    """
    names = [name for name, level in condition.terms if level != 0]
    for name in names if len(names) > 1 else ():
        clash = next((other for other in excluded_by(name, condition.profile) if other in names), None)
        if clash is not None:
            raise InputError(
                f"condition {condition.name}: {name} and {clash} exclude each other, since both set the "
                "same thing; name one of them"
            )


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


def _check_name(name: str, text: str, profile: str) -> None:
    if not name:
        raise InputError(f"condition {text!r} has an empty part; write for example haze@3 or haze+noise@2")
    if name == CLEAN:
        raise InputError(f"condition {text!r}: {CLEAN!r} stands alone; remove it or the other parts")
    known = degradation_names(profile)
    if name not in known:
        kind = "degradation" if profile in (CALIBRATED, PHYSICAL) else f"degradation of profile {profile}"
        raise UnknownNameError(kind, name, [*known, CLEAN])


def _level(number: str, name: str, profile: str, shown: str) -> float | Quantity:
    """A severity, or a number followed by a unit."""
    found = re.fullmatch(r"([0-9.]+)\s*([^\W\d]+)", number)
    if found is None:
        return _severity(number, shown)
    unit = unit_of(name, profile)
    if found[2] != unit:
        remedy = f"give {unit} or a severity" if unit else "give a severity from 1 to 5"
        raise InputError(f"{shown}: {name} takes no {found[2]!r}; {remedy}")
    try:
        value = float(found[1])
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise InputError(f"{shown}: {found[1]!r} is not a positive number; write for example {name}@2{unit}")
    return Quantity(value, unit)


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


def _as_text(level: float | Quantity) -> str:
    if isinstance(level, Quantity):
        # Never 1e-05, which `parse_condition` does not read.
        return f"{Decimal(repr(level.value)):f}".removesuffix(".0") + level.unit
    return repr(float(level) + 0.0).removesuffix(".0")
