"""Cars and vans: a side profile swept across the width, narrower at the roof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fusionbench.datasets.scenes.chassis import Chassis

_Panel = Literal["end", "bonnet", "glass", "roof"]
_Outline = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class _Profile:
    """A car seen from its left, front at 0 and rear at 1, road at 0 and roof at 1."""

    outline: _Outline
    """Corners from the front bumper over the roof to the rear bumper."""
    panels: tuple[_Panel, ...]
    """What lies between each two corners."""
    belt: float
    """Height of the lower edge of the windows."""
    wheels: tuple[float, float]
    radius: float
    """Of a wheel, in metres."""


_PROFILES: dict[str, _Profile] = {
    "sedan": _Profile(
        ((0.0, 0.2), (0.0, 0.46), (0.04, 0.55), (0.28, 0.64), (0.44, 0.97), (0.69, 1.0), (0.86, 0.69),
         (0.98, 0.66), (1.0, 0.5), (1.0, 0.22)),
        ("end", "bonnet", "bonnet", "glass", "roof", "glass", "roof", "end", "end"),
        0.65, (0.19, 0.8), 0.32,
    ),
    "hatchback": _Profile(
        ((0.0, 0.2), (0.0, 0.46), (0.05, 0.55), (0.25, 0.63), (0.42, 0.97), (0.82, 1.0), (0.96, 0.66),
         (1.0, 0.6), (1.0, 0.22)),
        ("end", "bonnet", "bonnet", "glass", "roof", "glass", "end", "end"),
        0.64, (0.19, 0.82), 0.31,
    ),
    "suv": _Profile(
        ((0.0, 0.24), (0.0, 0.52), (0.03, 0.6), (0.25, 0.65), (0.38, 0.96), (0.86, 1.0), (0.98, 0.67),
         (1.0, 0.6), (1.0, 0.26)),
        ("end", "bonnet", "bonnet", "glass", "roof", "glass", "end", "end"),
        0.65, (0.19, 0.8), 0.37,
    ),
    "van": _Profile(
        ((0.0, 0.16), (0.0, 0.4), (0.1, 0.52), (0.27, 0.94), (0.36, 1.0), (0.97, 1.0), (0.99, 0.56),
         (1.0, 0.5), (1.0, 0.17)),
        ("end", "bonnet", "glass", "roof", "roof", "glass", "end", "end"),
        0.54, (0.18, 0.8), 0.33,
    ),
}  # fmt: skip

_ROOF_WIDTH = 0.78
"""Width of the roof relative to the body at the belt line."""
_PANE = (0.9, 0.84, 0.84)
"""Size of a pane relative to its frame: across, up, along."""
_SILL = 0.38
"""Height below which the flanks turn toward the ground."""


def draw_car(chassis: Chassis) -> None:
    """Draw a car or van, far parts first."""
    profile = _oriented(_PROFILES[chassis.vehicle.kind], chassis.vehicle.away)
    low = min(y for _, y in profile.outline)
    chassis.end_wheels(low + 0.05)
    _sweep(chassis, profile)
    if chassis.seen_side:
        _flank(chassis, profile)
    _near_end(chassis, profile)


def _oriented(profile: _Profile, away: bool) -> _Profile:
    """The profile with 0 at the end near the camera."""
    if not away:
        return profile
    mirrored = tuple((1.0 - along, y) for along, y in reversed(profile.outline))
    wheels = (1.0 - profile.wheels[1], 1.0 - profile.wheels[0])
    return _Profile(mirrored, profile.panels[::-1], profile.belt, wheels, profile.radius)


def _width(profile: _Profile, y: float) -> float:
    """Half width at a height, in half widths of the body."""
    if y <= profile.belt:
        return 1.0 if y > 0.3 else 0.96
    return 1.0 - (1.0 - _ROOF_WIDTH) * (y - profile.belt) / (1.0 - profile.belt)


def _sweep(chassis: Chassis, profile: _Profile) -> None:
    """Draw the panels that span the width: ends, bonnet, glass, roof."""
    pairs = list(zip(profile.outline, profile.outline[1:], profile.panels, strict=False))
    for (along0, y0), (along1, y1), panel in reversed(pairs):
        middle = (along0 + along1) / 2
        width0, width1 = _width(profile, y0), _width(profile, y1)
        corners = [(-width0, y0, along0), (width0, y0, along0), (width1, y1, along1), (-width1, y1, along1)]
        run, rise = (along1 - along0) * chassis.length, (y1 - y0) * chassis.height
        size = (run * run + rise * rise) ** 0.5 or 1.0
        normal = (0.0, run / size, -rise / size)
        heat = chassis.bonnet_heat if panel == "bonnet" else 0.0
        part = chassis.paint(normal, middle, heat=heat)
        chassis.sprite.polygon([chassis.at(*corner) for corner in corners], part)
        if panel == "glass":
            _pane(chassis, corners, chassis.glass(middle, steep=abs(normal[1]) < 0.75))


def _pane(chassis: Chassis, corners: list[tuple[float, float, float]], part: int) -> None:
    """Draw glass inside a panel, leaving its frame."""
    centre = [sum(corner[axis] for corner in corners) / 4 for axis in range(3)]
    inset = [
        [
            middle + share * (position - middle)
            for middle, share, position in zip(centre, _PANE, corner, strict=True)
        ]
        for corner in corners
    ]
    chassis.sprite.polygon([chassis.at(*corner) for corner in inset], part)


def _flank(chassis: Chassis, profile: _Profile) -> None:
    side = chassis.seen_side
    corners = [(side * _width(profile, y), y, along) for along, y in profile.outline]
    upper = chassis.paint((side * 0.95, 0.3, 0.0), 0.5)
    lower = chassis.paint((float(side), -0.2, 0.0), 0.5, light=0.62)
    shoulder = chassis.paint((side * 0.7, 0.72, 0.0), 0.5)
    chassis.sprite.polygon([chassis.at(*corner) for corner in corners], upper)
    first, last = profile.outline[0], profile.outline[-1]
    chassis.side_panel([(first[0], first[1]), (first[0], _SILL), (last[0], _SILL), (last[0], last[1])], lower)
    belt = profile.belt
    ends = [along for along, y in profile.outline if abs(y - belt) < 0.12]
    chassis.side_panel([(min(ends), belt - 0.075), (min(ends), belt - 0.03), (max(ends), belt - 0.03),
                        (max(ends), belt - 0.075)], shoulder)  # fmt: skip
    _side_windows(chassis, profile)
    chassis.side_wheels(profile.wheels, profile.radius)


def _side_windows(chassis: Chassis, profile: _Profile) -> None:
    roof = [along for along, y in profile.outline if y > 0.9]
    below = [along for along, y in profile.outline if 0.45 < y < 0.75]
    front_base = max(along for along in below if along < min(roof))
    rear_base = min(along for along in below if along > max(roof))
    low, high = profile.belt + 0.03, 0.92

    def pillar(base: float, top: float, y: float) -> float:
        return base + (top - base) * (y - profile.belt) / (0.97 - profile.belt)

    side = chassis.seen_side
    glass = chassis.glass(0.5)
    middle = (min(roof) + max(roof)) / 2
    gap = 0.012
    front = [
        (pillar(front_base, min(roof), low) + 0.03, low),
        (pillar(front_base, min(roof), high) + 0.02, high),
        (middle - gap, high),
        (middle - gap, low),
    ]
    rear = [
        (middle + gap, low),
        (middle + gap, high),
        (pillar(rear_base, max(roof), high) - 0.02, high),
        (pillar(rear_base, max(roof), low) - 0.04, low),
    ]
    for outline in (front, rear):
        corners = [(side * _width(profile, y), y, along) for along, y in outline]
        chassis.sprite.polygon([chassis.at(*corner) for corner in corners], glass)


def _near_end(chassis: Chassis, profile: _Profile) -> None:
    low = profile.outline[0][1]
    rise = profile.outline[1][1] - low
    bumper = chassis.paint((0.0, -0.2, -1.0), 0.0, light=0.6)
    chassis.quad((-0.97, 0.97), (low, low + 0.42 * rise), 0.0, bumper)
    chassis.quad((-0.8, 0.8), (low, low + 0.14 * rise), 0.0, chassis.trim(0.0))
    if chassis.vehicle.away:
        chassis.lights((0.62, 0.95), (low + 0.66 * rise, low + 0.98 * rise))
        chassis.plate((low + 0.5 * rise, low + 0.72 * rise))
        chassis.exhaust(low + 0.08 * rise)
        return
    chassis.grille(0.5, (low + 0.55 * rise, low + 0.88 * rise))
    chassis.grille(0.42, (low + 0.1 * rise, low + 0.3 * rise))
    chassis.plate((low + 0.34 * rise, low + 0.52 * rise))
    chassis.lights((0.58, 0.94), (low + 0.62 * rise, low + 0.98 * rise))
