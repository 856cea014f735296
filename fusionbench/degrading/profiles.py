"""Which degradations there are, by profile: the bundled levels, or somebody's published formulas.

`calibrated` (the default) and `physical` are the registered degradations at one or the other set of levels of
their cards. Every other profile is a plugin with degradations of its own.
"""

from __future__ import annotations

from functools import cache

from fusionbench import registry
from fusionbench.contracts import CALIBRATED, PHYSICAL, Degradation, DegradationProfile, Levels
from fusionbench.errors import UnknownNameError

OWN_PROFILES = {
    CALIBRATED: "the default: every degradation, at levels that do equal damage",
    PHYSICAL: "every degradation, at the constants of physics",
}
"""Profiles that are sets of levels of the registered degradations, not plugins, and what they are."""


def profile_names() -> list[str]:
    """Every profile, the default first."""
    return [*OWN_PROFILES, *registry.names("degradation_profile")]


def degradation_names(profile: str = CALIBRATED) -> list[str]:
    """Names of a profile's degradations, sorted.

    Raises:
        UnknownNameError: If there is no such profile.
    """
    if profile in OWN_PROFILES:
        return registry.names("degradation")
    return sorted(_plugin(profile).degradations)


def degradation(name: str, profile: str = CALIBRATED) -> Degradation:
    """Find a profile's degradation.

    Raises:
        UnknownNameError: If there is no such profile, or it has no such degradation.
    """
    if profile in OWN_PROFILES:
        return registry.degradation(name)
    found = _plugin(profile).degradations
    if name not in found:
        raise UnknownNameError(f"degradation of profile {profile}", name, found)
    return found[name]


def levels(name: str, profile: str = CALIBRATED) -> Levels:
    """The parameter of a profile's degradation at severities 1 to 5."""
    card = degradation(name, profile).card
    return card.physical_levels or card.levels if profile == PHYSICAL else card.levels


def unit_of(name: str, profile: str = CALIBRATED) -> str:
    """Unit of the quantity a degradation accepts in place of a severity; empty if it takes none."""
    return degradation(name, profile).card.quantity


def excluded_by(name: str, profile: str = CALIBRATED) -> tuple[str, ...]:
    """Degradations that one never stands in one condition with."""
    return degradation(name, profile).card.excludes


def defining_class(name: str, profile: str = CALIBRATED) -> type:
    """The class whose code decides what a profile's degradation does."""
    return type(degradation(name, profile) if profile in OWN_PROFILES else _plugin(profile))


def random_name(name: str, profile: str = CALIBRATED) -> str:
    """Name of a degradation in the key of its random fields; own levels share their fields."""
    return name if profile in OWN_PROFILES else f"{profile}:{name}"


@cache
def _plugin(profile: str) -> DegradationProfile:
    return registry.degradation_profile(profile)
