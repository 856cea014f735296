"""Profiles of published formulas against closed forms and second implementations."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest

from fusionbench import registry
from fusionbench.contracts import FloatImage, ImagePair
from fusionbench.degrading import decode_visible, degrade_pair, parse_condition
from fusionbench.degrading.profiles import degradation_names
from fusionbench_degradations.display_light import from_display, to_display

PROFILES = ("controlfusion", "ems", "imagenet-c", "reside", "sgafusion-rain")
EVERY = [f"{profile}:{name}" for profile in PROFILES for name in degradation_names(profile)]


def flat(level: int, size: tuple[int, int] = (300, 400)) -> ImagePair:
    grey = np.full(size, level, np.uint8)
    # A colour camera: the channels' noises are independent.
    visible = np.stack([grey, grey, grey + 1], axis=2)
    return ImagePair("flat", visible, grey)


def damaged(pair: ImagePair, name: str) -> FloatImage:
    """Display values of the degraded visible image, in [0, 1]."""
    return degrade_pair(pair, parse_condition(name), seed=0).pair.visible.astype(np.float32) / np.float32(255)


def test_display_light_is_the_srgb_curve() -> None:
    linear = np.linspace(0, 1, 100_001)
    expected = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(to_display(linear.astype(np.float32)), expected, atol=1e-6)
    np.testing.assert_allclose(from_display(expected.astype(np.float32)), linear, atol=1e-6)


def test_levels_of_an_image_come_back_through_display_light() -> None:
    levels = np.arange(256, dtype=np.uint8)
    display = to_display(decode_visible(levels))
    np.testing.assert_array_equal(np.floor(display * 255 + 0.5), levels)
    np.testing.assert_allclose(from_display(display), decode_visible(levels), atol=1e-6)


@pytest.mark.parametrize("name", EVERY)
def test_a_profile_damages_the_visible_image_only_and_repeatably(street: ImagePair, name: str) -> None:
    once = degrade_pair(street, parse_condition(f"{name}@3"), seed=0).pair
    again = degrade_pair(street, parse_condition(f"{name}@3"), seed=0).pair
    assert once.infrared is street.infrared
    assert not np.array_equal(once.visible, street.visible)
    np.testing.assert_array_equal(once.visible, again.visible)


@pytest.mark.parametrize("name", EVERY)
def test_a_higher_severity_is_farther_from_the_clean_image(street: ImagePair, name: str) -> None:
    clean = street.visible / 255.0
    errors = [float(((damaged(street, f"{name}@{s}") - clean) ** 2).mean()) for s in (1, 2, 3, 4, 5)]
    assert errors == sorted(errors)
    assert len(set(errors)) == 5


@pytest.mark.parametrize(("severity", "sigma"), [(1, 0.08), (2, 0.12)])
def test_gaussian_noise_has_the_published_deviation(severity: int, sigma: float) -> None:
    noise = damaged(flat(128), f"imagenet-c:gaussian_noise@{severity}") - np.float32(128 / 255)
    assert noise[..., :2].std() == pytest.approx(sigma, rel=0.01)


def test_shot_noise_has_the_variance_of_counts() -> None:
    noise = damaged(flat(100), "imagenet-c:shot_noise@1")
    assert noise[..., 0].var() == pytest.approx(100 / 255 / 60, rel=0.02)


def test_speckle_noise_grows_with_the_signal() -> None:
    assert damaged(flat(100), "imagenet-c:speckle_noise@1")[..., 0].std() == pytest.approx(
        0.15 * 100 / 255, rel=0.02
    )


@pytest.mark.parametrize(("severity", "share"), [(1, 0.03), (5, 0.27)])
def test_impulses_cover_the_published_share_half_black_half_white(severity: int, share: float) -> None:
    hit = damaged(flat(128), f"imagenet-c:impulse_noise@{severity}")
    assert (hit == 0).mean() == pytest.approx(share / 2, rel=0.05)
    assert (hit == 1).mean() == pytest.approx(share / 2, rel=0.05)


def test_contrast_scales_deviations_of_each_channel(street: ImagePair) -> None:
    low = damaged(street, "imagenet-c:contrast@1")
    for channel in range(3):
        assert low[..., channel].std() == pytest.approx(
            0.4 * (street.visible[..., channel] / 255).std(), rel=0.01
        )


def test_brightness_raises_the_value_and_keeps_the_hue(street: ImagePair) -> None:
    bright = damaged(street, "imagenet-c:brightness@2")
    for row, column in ((10, 20), (60, 80), (100, 140)):
        hue, saturation, value = colorsys.rgb_to_hsv(*(street.visible[row, column] / 255.0))
        expected = colorsys.hsv_to_rgb(hue, saturation, min(value + 0.2, 1.0))
        np.testing.assert_allclose(bright[row, column], expected, atol=0.51 / 255 + 1e-4)


def test_reside_is_undone_by_its_ground_truth(street: ImagePair) -> None:
    result = degrade_pair(street, parse_condition("reside:haze@3"), seed=0)
    transmission = result.maps["transmission"].astype(np.float64)[..., None]
    airlight = float(result.maps["display_airlight"])
    assert 0.7 <= airlight <= 1
    recovered = (result.pair.visible / 255.0 - airlight * (1 - transmission)) / transmission
    assert (np.abs(recovered - street.visible / 255.0) <= 0.51 / 255 / transmission + 1e-4).all()
    assert float(transmission.min()) == pytest.approx(np.exp(-1.2), rel=1e-3)


def test_controlfusions_haze_ends_at_seven_tenths_of_the_depth(street: ImagePair) -> None:
    maps = degrade_pair(street, parse_condition("controlfusion:haze@1"), seed=0).maps
    assert float(maps["transmission"].min()) == pytest.approx(np.exp(-0.7), rel=1e-3)


def test_noise_of_ems_adds_both_variances() -> None:
    noise = damaged(flat(128), "ems:noise@1")[..., 0]
    assert noise.var() == pytest.approx((10 / 255) ** 2 + 128 / 255 / 90, rel=0.02)


def test_rain_of_sgafusion_covers_what_was_measured() -> None:
    maps = degrade_pair(flat(60, (480, 640)), parse_condition("sgafusion-rain:rain@3"), seed=0).maps
    assert float(maps["streaks"].mean()) == pytest.approx(0.15, abs=0.02)


def test_every_registered_profile_is_tested() -> None:
    assert tuple(registry.names("degradation_profile")) == PROFILES


def test_streaks_of_sgafusion_cross_the_border_like_the_middle() -> None:
    maps = degrade_pair(flat(60, (480, 640)), parse_condition("sgafusion-rain:rain@3"), seed=0).maps
    streaks = maps["streaks"]

    def likeness(row: int) -> float:
        return float(np.corrcoef(streaks[row, 2:-2], streaks[row + 2, 1:-3])[0, 1])

    assert likeness(0) == pytest.approx(np.mean([likeness(row) for row in range(200, 240)]), abs=0.15)
    assert streaks[0].std() == pytest.approx(streaks[200:240].std(), rel=0.2)


def test_dark_shots_are_counts_not_a_bell_cut_off_at_black() -> None:
    values = damaged(flat(10), "imagenet-c:shot_noise@5")[..., 0] * 255
    assert values.mean() == pytest.approx(10, abs=0.5)
    assert (values == 0).mean() == pytest.approx(np.exp(-3 * 10 / 255), abs=0.01)
