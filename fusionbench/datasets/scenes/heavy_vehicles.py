"""Buses and trucks: boxes with windows, doors and lights."""

from __future__ import annotations

from fusionbench.datasets.scenes.chassis import Chassis
from fusionbench.datasets.scenes.surfaces import DARK, Finish

_ENGINE_FLAP = 14.0
"""Warmer than the body over a bus's rear engine at work, in kelvin."""
_SIGN_GLOW = (0.9, 0.5, 0.08)
_SALOON_GLOW = (0.3, 0.29, 0.24)
"""Interior light of a bus at night."""
_FLOOR = 0.12
_CAB = 0.26
"""Share of a truck's length that is its cab."""


def draw_bus(chassis: Chassis) -> None:
    """Draw a bus."""
    chassis.end_wheels(_FLOOR + 0.03, 0.2)
    if chassis.seen_side:
        _bus_flank(chassis)
    chassis.quad((-1.0, 1.0), (_FLOOR, 1.0), 0.0, chassis.paint((0.0, 0.0, -1.0), 0.0))
    chassis.quad((-1.0, 1.0), (_FLOOR, 0.2), 0.0, chassis.paint((0.0, -0.2, -1.0), 0.0, light=0.55))
    if chassis.vehicle.away:
        flap = chassis.paint((0.0, 0.0, -1.0), 0.0, light=0.75, heat=_ENGINE_FLAP * chassis.engine_heat)
        chassis.quad((-0.72, 0.72), (0.2, 0.44), 0.0, flap)
        chassis.quad((-0.8, 0.8), (0.56, 0.84), 0.0, chassis.glass(0.0))
        chassis.lights((0.78, 0.94), (0.24, 0.4))
        chassis.plate((0.46, 0.51))
        chassis.exhaust(0.1)
        return
    chassis.quad((-0.93, 0.93), (0.38, 0.84), 0.0, chassis.glass(0.0))
    chassis.quad((-0.012, 0.012), (0.38, 0.84), 0.0, chassis.trim(0.0))
    glow = _SIGN_GLOW if chassis.weather.night else DARK
    sign = chassis.part(Finish((0.03, 0.02, 0.01), chassis.weather.air + 3.0, glow=glow), 0.0)
    chassis.quad((-0.7, 0.7), (0.88, 0.96), 0.0, chassis.trim(0.0))
    for number in range(6):
        left = -0.6 + 0.2 * number
        chassis.quad((left, left + 0.12), (0.9, 0.945), 0.0, sign)
    chassis.lights((0.66, 0.92), (0.22, 0.3))
    chassis.plate((0.15, 0.2))


def _bus_flank(chassis: Chassis) -> None:
    side = float(chassis.seen_side)
    chassis.side_panel(
        [(0.0, _FLOOR), (0.0, 1.0), (1.0, 1.0), (1.0, _FLOOR)], chassis.paint((side, 0.1, 0.0), 0.5)
    )
    skirt = chassis.paint((side, -0.2, 0.0), 0.5, light=0.6)
    chassis.side_panel([(0.0, _FLOOR), (0.0, 0.24), (1.0, 0.24), (1.0, _FLOOR)], skirt)
    glow = _SALOON_GLOW if chassis.weather.night else DARK
    for number in range(7):
        start = 0.025 + number * 0.139
        along = start + 0.06
        pane = chassis.part(
            Finish((0.05, 0.055, 0.06), chassis.weather.air + 3.0, 0.85, 0.0, 0.8, glow), along
        )
        low = 0.2 if number in (1, 4) else 0.46
        chassis.side_panel([(start, low), (start, 0.84), (start + 0.115, 0.84), (start + 0.115, low)], pane)
    chassis.side_wheels((0.2, 0.78), 0.47)


def draw_truck(chassis: Chassis) -> None:
    """Draw a box truck."""
    chassis.end_wheels(0.24, 0.3)
    if chassis.vehicle.away:
        _cab(chassis, 1.0 - _CAB, 1.0)
        _cargo(chassis, 0.0, 1.0 - _CAB - 0.02)
        _cargo_doors(chassis)
        return
    _cargo(chassis, _CAB + 0.02, 1.0)
    _cab(chassis, 0.0, _CAB)
    _cab_front(chassis)


def _cargo(chassis: Chassis, near: float, far: float) -> None:
    box = Finish(
        (0.62, 0.62, 0.6), _box_temperature(chassis), 0.9, chassis.weather.cosine(0.0, 0.0, -1.0), 0.65
    )
    if chassis.seen_side:
        sun = chassis.weather.cosine(float(chassis.seen_side), 0.0, 0.0)
        flank = Finish((0.62, 0.62, 0.6), _box_temperature(chassis) + 8.0 * sun, 0.9, sun, 0.62)
        outline = [(near, 0.27), (near, 1.0), (far, 1.0), (far, 0.27)]
        chassis.side_panel(outline, chassis.part(flank, (near + far) / 2))
        stripe = chassis.paint((float(chassis.seen_side), 0.0, 0.0), (near + far) / 2)
        chassis.side_panel([(near, 0.5), (near, 0.66), (far, 0.66), (far, 0.5)], stripe)
        beam = chassis.trim((near + far) / 2, 0.02, 3.0 * chassis.engine_heat)
        chassis.side_panel([(near, 0.17), (near, 0.27), (far, 0.27), (far, 0.17)], beam)
        chassis.side_wheels((0.14, 0.72) if chassis.vehicle.away else (0.12, 0.8), 0.44)
    chassis.quad((-1.0, 1.0), (0.25, 1.0), near, chassis.part(box, near))


def _box_temperature(chassis: Chassis) -> float:
    return chassis.weather.air + (-1.0 if chassis.weather.night else 1.5)


def _cargo_doors(chassis: Chassis) -> None:
    seam = chassis.trim(0.0, 0.1)
    chassis.quad((-0.012, 0.012), (0.27, 0.98), 0.0, seam)
    for across in (-0.5, 0.5):
        chassis.quad((across - 0.012, across + 0.012), (0.3, 0.96), 0.0, seam)
    chassis.quad((-1.0, 1.0), (0.18, 0.27), 0.0, chassis.trim(0.0, 0.03))
    chassis.lights((0.7, 0.95), (0.19, 0.25))
    chassis.plate((0.19, 0.24))
    chassis.exhaust(0.14)


def _cab(chassis: Chassis, near: float, far: float) -> None:
    heat = 0.4 * chassis.bonnet_heat
    if chassis.seen_side:
        outline = [(near, 0.16), (near, 0.5), (near + 0.02, 0.78), (far, 0.78), (far, 0.16)]
        chassis.side_panel(outline, chassis.paint((float(chassis.seen_side), 0.0, 0.0), near, heat=heat))
        door = [(near + 0.04, 0.5), (near + 0.05, 0.72), (near + 0.17, 0.72), (near + 0.17, 0.5)]
        chassis.side_panel(door, chassis.glass(near))
    chassis.quad((-0.95, 0.95), (0.16, 0.8), near, chassis.paint((0.0, 0.0, -1.0), near, heat=heat))


def _cab_front(chassis: Chassis) -> None:
    chassis.quad((-0.86, 0.86), (0.46, 0.73), 0.0, chassis.glass(0.0))
    chassis.grille(0.62, (0.26, 0.42))
    chassis.quad((-0.95, 0.95), (0.13, 0.22), 0.0, chassis.paint((0.0, -0.2, -1.0), 0.0, light=0.5))
    chassis.lights((0.66, 0.9), (0.23, 0.31))
    chassis.plate((0.14, 0.19))
