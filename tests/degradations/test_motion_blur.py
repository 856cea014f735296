from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from fusionbench.contracts import FloatImage, ImagePair, LinearScene
from fusionbench.degrading import NamedStreams, degrade_pair, parse_condition
from fusionbench_degradations.motion_blur import MotionBlur


class OneNumber:
    """Random fields of one uniform number: the angle over 180 degrees."""

    def __init__(self, number: float) -> None:
        self.number = number

    def uniform(self, stream: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
        return np.full(shape, self.number)

    def normal(self, stream: str, shape: tuple[int, ...]) -> FloatImage:
        raise AssertionError(f"motion blur draws normal values: {stream} {shape}")


def edge_scene(height: int) -> LinearScene:
    """Black up to the middle column, white from there on."""
    width = 2 * height
    visible = np.zeros((height, width, 3), np.float32)
    visible[:, width // 2 :] = 1
    clean = ImagePair("edge", np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.uint8))
    return LinearScene(visible, np.zeros((height, width), np.float32), clean)


@pytest.mark.parametrize(("height", "length"), [(480, 15.0), (240, 30.0), (96, 31 * 5.0), (480, 31.0)])
def test_an_upright_edge_smeared_sideways_is_a_ramp(height: int, length: float) -> None:
    scene = edge_scene(height)
    blurred = MotionBlur().apply(scene, length, OneNumber(0.0)).visible
    pixels = length * height / 480
    away = np.arange(2 * height) - height + 0.5
    ramp = np.clip(0.5 + away / pixels, 0, 1)
    np.testing.assert_allclose(blurred, np.broadcast_to(ramp[:, None], scene.visible.shape), atol=1e-5)


def test_an_upright_edge_smeared_along_itself_stays() -> None:
    scene = edge_scene(96)
    blurred = MotionBlur().apply(scene, 31.0, OneNumber(0.5)).visible
    np.testing.assert_allclose(blurred, scene.visible, atol=1e-6)


def test_the_angle_is_the_same_at_every_severity_and_differs_between_images(street: ImagePair) -> None:
    def angle(pair: ImagePair, severity: int) -> float:
        return float(degrade_pair(pair, parse_condition(f"motion_blur@{severity}"), 0).maps["blur_angle"])

    assert len({angle(street, severity) for severity in (1, 2, 3, 4, 5)}) == 1
    angles = [angle(replace(street, id=str(number)), 1) for number in range(60)]
    assert len(set(angles)) == 60
    assert min(angles) >= 0
    assert max(angles) < 180
    assert np.mean(angles) == pytest.approx(90, abs=3 * 52 / np.sqrt(60))


def test_the_length_scales_with_the_height(street: ImagePair) -> None:
    maps = degrade_pair(street, parse_condition("physical:motion_blur@5"), 0).maps
    assert float(maps["blur_length"]) == pytest.approx(31 * street.size[0] / 480)


def test_infrared_is_untouched_and_light_is_kept(street: ImagePair) -> None:
    result = degrade_pair(street, parse_condition("motion_blur@5"), 0)
    assert result.pair.infrared is street.infrared
    scene = edge_scene(96)
    spot = np.zeros_like(scene.visible)
    spot[48, 96] = 1
    for name in "abc":
        streams = NamedStreams("", name, "motion_blur", 0)
        blurred = MotionBlur().apply(scene.changed(visible=spot), 100.0, streams).visible
        assert blurred.astype(np.float64).sum(axis=(0, 1)) == pytest.approx([1, 1, 1], abs=1e-12)


def test_a_path_shorter_than_a_pixel_does_nothing() -> None:
    scene = edge_scene(96)
    blurred = MotionBlur().apply(scene, 4.9, OneNumber(0.3)).visible
    np.testing.assert_array_equal(blurred, scene.visible)
