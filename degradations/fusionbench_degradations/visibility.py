"""Extinction from meteorological visibility, in visible light and in the thermal infrared.

Koschmieder: an object is lost from sight where its contrast has fallen to 2 %, so beta = 3.912 / V in visible
light. Kim, McArthur, Korevaar, "Comparison of laser beam propagation at 785 nm and 1550 nm in fog and haze",
SPIE 4214 (2001): beta falls with wavelength by (wavelength / 0.55 um)^-q, q by bands of visibility.
"""

from __future__ import annotations

VISUAL_CONTRAST = 3.912
"""-ln 0.02."""

_INFRARED_WAVELENGTH, _VISIBLE_WAVELENGTH = 10.0, 0.55
"""Micrometres."""

METRES_PER_UNIT_OF_PRIOR = 100.0
"""Taken as the 95th percentile of distance where depth is not metric: the disparity prior has no scale."""


def visible_extinction(visibility_km: float) -> float:
    """Extinction of visible light in a visibility, per kilometre."""
    return VISUAL_CONTRAST / visibility_km


def infrared_ratio(visibility_km: float) -> float:
    """Extinction at 10 um over that at 0.55 um in a visibility (Kim 2001): from 1 in fog to 0.0096."""
    return float((_INFRARED_WAVELENGTH / _VISIBLE_WAVELENGTH) ** -_kim_exponent(visibility_km))


def _kim_exponent(visibility_km: float) -> float:
    if visibility_km > 50:
        return 1.6
    if visibility_km > 6:
        return 1.3
    if visibility_km > 1:
        return 0.16 * visibility_km + 0.34
    if visibility_km > 0.5:
        return visibility_km - 0.5
    return 0.0
