from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy import ndimage

from fusionbench.contracts import FloatImage, ImagePair, LinearScene
from fusionbench.degrading import NamedStreams, degrade_pair, parse_condition
from fusionbench.degrading.light import decode_visible
from fusionbench_degradations.rain import Rain, table_at

SPECIFICATION = [
    (15, 0.001, 0.30),
    (21, 0.002, 0.35),
    (27, 0.0035, 0.40),
    (33, 0.005, 0.45),
    (41, 0.008, 0.5),
]


def scene_of(height: int, width: int, level: int = 40, name: str = "x") -> LinearScene:
    pair = ImagePair(name, np.full((height, width, 3), level, np.uint8), np.zeros((height, width), np.uint8))
    return LinearScene(decode_visible(pair.visible), np.zeros(pair.size, np.float32), pair)


def rained(scene: LinearScene, intensity: float) -> LinearScene:
    return Rain().apply(scene, intensity, NamedStreams("", scene.clean.id, "rain", 0))


def streaks(height: int, width: int, intensity: float, name: str = "x") -> FloatImage:
    mask: FloatImage = rained(scene_of(height, width, name=name), intensity).maps["streaks"]
    return mask


def test_the_table_is_the_specification() -> None:
    for severity, row in enumerate(SPECIFICATION, start=1):
        assert table_at(severity) == pytest.approx(row)
    assert table_at(2.5) == pytest.approx((24, 0.00275, 0.375))
    assert table_at(0)[1:] == (0, 0)
    rows = np.array([table_at(intensity) for intensity in np.arange(0, 20, 0.3)])
    assert (np.diff(rows, axis=0) >= 0).all()
    assert rows[:, 2].max() == 1.0


def test_the_clean_light_comes_back_from_the_maps(street: ImagePair) -> None:
    scene = LinearScene(decode_visible(street.visible), np.zeros(street.size, np.float32), street)
    result = rained(scene, 4.0)
    maps = {name: values.astype(np.float64) for name, values in result.maps.items()}
    assert maps["rain_veil"] == pytest.approx(1 - math.exp(-0.12 * 4), rel=1e-6)
    assert maps["rain_light"] == pytest.approx(((0.75 + 0.055) / 1.055) ** 2.4, rel=1e-6)
    share = maps["streaks"][..., None]
    veiled = (result.visible - maps["rain_light"] * share) / (1 - share)
    clean = (veiled - maps["rain_veil"] * maps["rain_veil_light"]) / (1 - maps["rain_veil"])
    usable = maps["streaks"] < 0.9
    assert usable.mean() > 0.9
    np.testing.assert_allclose(clean[usable], scene.visible[usable], atol=2e-5)


def test_heavier_rain_covers_every_pixel_at_least_as_much() -> None:
    masks = [streaks(240, 320, intensity) for intensity in (0.0, 0.4, 1, 1.7, 2, 3, 4, 5, 7)]
    assert masks[0].max() == 0
    assert masks[-1].max() <= 1
    for lighter, heavier in pairwise(masks):
        assert (heavier >= lighter).all()
        assert heavier.mean() > lighter.mean()


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_cover_is_that_of_randomly_placed_streaks(severity: int) -> None:
    length, density, opacity = SPECIFICATION[severity - 1]
    mean_cover = np.mean([streaks(480, 640, severity, str(number)).mean() for number in range(6)])
    # Streaks 1.2 pixels wide on average at sizes uniform in 0.4 to 1.6 and opacities uniform in 1/4 to 1,
    # overlapping as independent layers do.
    area = length * 1.2 * (1 + 1.2**2 / 12)
    expected = 1 - math.exp(-density * area * opacity * 0.625)
    assert mean_cover == pytest.approx(expected, rel=0.12)


@pytest.mark.parametrize("name", ["a", "b", "c", "d"])
def test_streaks_lean_by_the_stated_angle(name: str) -> None:
    result = rained(scene_of(480, 640, name=name), 3.0)
    mask = result.maps["streaks"].astype(np.float64)
    down, right = (ndimage.gaussian_filter(mask, 1.5, order=order) for order in ((1, 0), (0, 1)))
    # Brightness changes fastest across the streaks: the main axis of the structure tensor.
    across = 0.5 * math.degrees(math.atan2(2 * (down * right).sum(), (right**2 - down**2).sum()))
    # An upper end that leans to the left turns the streak, and what is across it, clockwise in (right, down).
    angle = float(result.maps["rain_angle"])
    assert abs(angle) <= 25
    assert across == pytest.approx(-angle, abs=2)


def test_the_direction_stays_while_the_rain_grows_and_differs_between_images(street: ImagePair) -> None:
    def angle(pair: ImagePair, severity: int) -> float:
        return float(degrade_pair(pair, parse_condition(f"rain@{severity}"), 0).maps["rain_angle"])

    assert angle(street, 1) == angle(street, 5)
    assert len({angle(replace(street, id=str(number)), 1) for number in range(8)}) == 8


@pytest.mark.parametrize("factor", [2, 3])
def test_the_same_rain_falls_on_larger_images(factor: int) -> None:
    small = streaks(480, 640, 3.0).astype(np.float64)
    large = streaks(480 * factor, 640 * factor, 3.0).astype(np.float64)
    shrunk = large.reshape(480, factor, 640, factor).mean(axis=(1, 3))
    assert shrunk.mean() == pytest.approx(small.mean(), rel=0.05)
    assert np.corrcoef(small.ravel(), shrunk.ravel())[0, 1] > 0.9


def test_the_same_rain_falls_on_smaller_images() -> None:
    large = streaks(480, 640, 3.0).astype(np.float64)
    small = streaks(240, 320, 3.0).astype(np.float64)
    shrunk = large.reshape(240, 2, 320, 2).mean(axis=(1, 3))
    assert small.mean() == pytest.approx(shrunk.mean(), rel=0.12)
    assert np.corrcoef(small.ravel(), shrunk.ravel())[0, 1] > 0.8


def test_rain_reaches_in_over_every_edge() -> None:
    mask = np.mean([streaks(120, 160, 5.0, str(number)) for number in range(40)], axis=0)
    for edge in (mask[:3], mask[-3:], mask[:, :3], mask[:, -3:]):
        assert edge.mean() == pytest.approx(mask.mean(), rel=0.15)


def test_the_veil_of_a_dark_scene_is_dark() -> None:
    night, day = (rained(scene_of(48, 64, level), 3.0).maps["rain_veil_light"] for level in (10, 250))
    assert night.max() < 0.1
    assert (day == np.float32(((0.75 + 0.055) / 1.055) ** 2.4)).all()


def test_infrared_is_untouched(street: ImagePair) -> None:
    assert degrade_pair(street, parse_condition("rain@5"), 0).pair.infrared is street.infrared
