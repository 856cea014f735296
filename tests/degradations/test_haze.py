from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from fusionbench.contracts import ImagePair
from fusionbench.degrading import DegradedPair, degrade_pair, parse_condition
from fusionbench.degrading.light import decode_visible
from fusionbench_degradations.haze import INFRARED_RATIO

SEVERITIES = (1, 2, 3, 4, 5)
INVERSION_TOLERANCE = 1.2 / 255
AIRLIGHT_TOLERANCE = 0.04


def hazed(pair: ImagePair, severity: float) -> DegradedPair:
    return degrade_pair(pair, parse_condition("physical:haze").with_severity(severity), seed=0)


def to_srgb(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    clipped = np.clip(linear, 0, 1)
    return np.where(clipped <= 0.0031308, 12.92 * clipped, 1.055 * clipped ** (1 / 2.4) - 0.055)


def to_linear(levels: NDArray[np.generic]) -> NDArray[np.float64]:
    value = levels.astype(np.float64) / 255.0
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def recovered(result: DegradedPair) -> NDArray[np.float64]:
    """The clean scene in linear light, by the exported transmission and airlight."""
    transmission = result.maps["transmission"].astype(np.float64)[..., None]
    airlight = result.maps["airlight"].astype(np.float64)
    scene: NDArray[np.float64] = (
        to_linear(result.pair.visible) - airlight * (1 - transmission)
    ) / transmission
    return scene


def inversion_error(result: DegradedPair) -> float:
    """Mean absolute error of the recovered scene, in linear light."""
    clear = result.maps["transmission"] > 0.1
    return float(np.abs(recovered(result) - to_linear(result.clean.visible))[clear].mean())


def rounding_error(result: DegradedPair) -> NDArray[np.float64]:
    """Largest error that 8 bits allow the recovered scene, `(H, W, 3)`: half a level, over transmission."""
    level = result.pair.visible.astype(np.float64)
    above, below = to_linear(np.minimum(level + 0.5, 255)), to_linear(np.maximum(level - 0.5, 0))
    half = np.maximum(above - to_linear(level), to_linear(level) - below)
    worst: NDArray[np.float64] = half / result.maps["transmission"].astype(np.float64)[..., None]
    return worst


def airlight_by_dark_channel(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Colour where the dark channel is brightest (He, Sun, Tang 2011, section 4.4).

    The median of the brightest 3 % in place of the mean of the brightest 0.1 %, which at night are lamps.
    """
    dark = ndimage.minimum_filter(image.min(axis=2), size=15)
    brightest = dark >= np.percentile(dark, 97)
    colour: NDArray[np.float64] = np.median(image[brightest], axis=0) / 255.0
    return colour


@pytest.mark.parametrize("severity", SEVERITIES)
def test_haze_is_undone_by_its_ground_truth(street: ImagePair, severity: int) -> None:
    result = hazed(street, severity)
    error = np.abs(recovered(result) - to_linear(street.visible))
    assert (error <= rounding_error(result) * 1.001 + 1e-6).all()


def test_haze_on_real_pairs_is_undone_by_its_ground_truth(real_pair: ImagePair) -> None:
    # Rounding to 8 bits alone leaves up to 1.8 levels at severity 5, up to 1.5 at severity 2 where a large
    # sky lies just above t = 0.1; the test above holds every severity to the bound that rounding sets.
    for severity in (1, 2, 3, 4):
        assert inversion_error(hazed(real_pair, severity)) <= INVERSION_TOLERANCE


def test_the_airlight_can_be_found_again_in_the_image(real_pair: ImagePair) -> None:
    result = hazed(real_pair, 5)
    exported = to_srgb(result.maps["airlight"].astype(np.float64))
    assert np.abs(airlight_by_dark_channel(result.pair.visible) - exported).max() <= AIRLIGHT_TOLERANCE


def test_transmission_is_beer_lamberts_law(street: ImagePair) -> None:
    maps = hazed(street, 3).maps
    np.testing.assert_allclose(maps["transmission"], np.exp(-1.0 * maps["depth"]), rtol=1e-4)
    np.testing.assert_allclose(
        maps["infrared_transmission"], np.exp(-INFRARED_RATIO * maps["depth"]), rtol=1e-4
    )


def test_the_infrared_ratio_is_kims_at_two_kilometres() -> None:
    assert pytest.approx(0.147, abs=1e-3) == INFRARED_RATIO


def test_haze_hides_less_of_the_infrared(street: ImagePair) -> None:
    result = hazed(street, 5)
    kept = {
        name: float(getattr(result.pair, name).std() / getattr(result.clean, name).std())
        for name in ("visible", "infrared")
    }
    assert kept["infrared"] > kept["visible"] + 0.1


def test_haze_keeps_the_mean_of_the_infrared_close(street: ImagePair) -> None:
    result = hazed(street, 5)
    assert abs(float(result.pair.infrared.mean()) - float(street.infrared.mean())) < 12


def test_a_second_severity_is_the_same_as_on_a_fresh_copy(street: ImagePair) -> None:
    hazed(street, 1)
    again = hazed(street, 4).pair.visible
    np.testing.assert_array_equal(again, hazed(replace(street), 4).pair.visible)


def test_darkness_scales_the_airlight_of_the_haze(street: ImagePair) -> None:
    condition = parse_condition("physical:haze@5+low_light@2")
    result = degrade_pair(street, condition, seed=0)
    sky = decode_visible(result.pair.visible)[:25, :40]
    np.testing.assert_allclose(sky.mean(axis=(0, 1)), result.maps["airlight"] / 4, rtol=0.02)


def test_a_grey_camera_stays_grey(street: ImagePair) -> None:
    grey = np.repeat(street.visible[..., :1], 3, axis=2)
    result = degrade_pair(
        ImagePair("grey", grey, street.infrared), parse_condition("haze+low_light+noise@3"), seed=0
    ).pair.visible
    assert (np.ptp(result, axis=2) == 0).all()


def test_the_depth_source_is_named(street: ImagePair) -> None:
    assert hazed(street, 1).depth_source == "disparity-prior/1"
    metres = replace(street, depth=np.full(street.size, 9.0, np.float32))
    assert hazed(metres, 1).depth_source == "dataset"


def test_what_is_done_to_the_maps_changes_nothing_later(street: ImagePair) -> None:
    condition = parse_condition("haze@5")
    first = degrade_pair(street, condition, 0)
    expected = first.pair.visible.copy()
    for name in ("depth", "airlight", "sky"):
        first.maps[name][:] = 0
    np.testing.assert_array_equal(degrade_pair(street, condition, 0).pair.visible, expected)
