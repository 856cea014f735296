from __future__ import annotations

import math

import numpy as np
import pytest

from fusionbench.contracts import ImagePair, LinearScene
from fusionbench.degrading import NamedStreams, degrade_pair, parse_condition
from fusionbench_degradations.defocus import Defocus

STREAMS = NamedStreams("", "x", "defocus", 0)


def scene_of(height: int, width: int) -> LinearScene:
    clean = ImagePair("x", np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.uint8))
    return LinearScene(np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.float32), clean)


@pytest.mark.parametrize("radius", Defocus.card.physical_levels)
def test_a_lamp_becomes_a_disk_of_its_radius(radius: float) -> None:
    scene = scene_of(480, 101)
    scene.visible[240, 50] = 1000.0
    disk = Defocus().apply(scene, radius, STREAMS).visible[..., 0].astype(np.float64)
    assert disk.sum() == pytest.approx(1000.0, abs=1e-2)
    # Inside, each pixel has an even share of the area.
    assert disk[240, 50] == pytest.approx(1000.0 / (math.pi * radius**2), rel=2e-3)
    down, right = np.indices(disk.shape)
    distance = np.hypot(down - 240, right - 50)
    assert (disk[distance > radius + 0.8] == 0).all()
    inside = distance < radius - 0.8
    assert np.ptp(disk[inside]) <= 1e-3 * disk.max()
    # The second moment of a disk is r^2 / 2, and that of a pixel's square 1 / 6, sampled at whole pixels.
    assert (disk * distance**2).sum() / 1000.0 == pytest.approx(radius**2 / 2 + 1 / 6, abs=0.15)


def test_an_edge_becomes_the_integral_of_the_disk() -> None:
    radius = 7.0
    scene = scene_of(480, 100)
    scene.visible[:, 50:] = 1
    blurred = Defocus().apply(scene, radius, STREAMS).visible[200, :, 1]
    for column in range(43, 57):
        # The part of a circle to the right of a chord at distance x from its middle.
        x = np.clip(49.5 - column, -radius, radius)
        segment = radius**2 * math.acos(x / radius) - x * math.sqrt(radius**2 - x**2)
        assert blurred[column] == pytest.approx(segment / (math.pi * radius**2), abs=3e-3)


def test_the_radius_scales_with_the_height(street: ImagePair) -> None:
    result = degrade_pair(street, parse_condition("physical:defocus@5"), 0)
    assert float(result.maps["defocus_radius"]) == pytest.approx(7 * street.size[0] / 480)
    assert result.pair.infrared is street.infrared


def test_a_radius_below_half_a_pixel_does_nothing(street: ImagePair) -> None:
    scene = scene_of(48, 64)
    scene.visible[:] = street.visible[:48, :64] / np.float32(255)
    np.testing.assert_array_equal(Defocus().apply(scene, 4.0, STREAMS).visible, scene.visible)
