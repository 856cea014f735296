"""The degradations of the infrared image."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from fusionbench.contracts import FloatImage, ImagePair, LinearScene
from fusionbench.degrading import NamedStreams, degrade_pair, parse_condition
from fusionbench.degrading.light import decode_infrared, decode_visible
from fusionbench_degradations.ir_noise import InfraredNoise
from fusionbench_degradations.ir_stripe import InfraredStripe, slow_drift

NAMES = ("ir_noise", "ir_stripe", "ir_low_contrast", "ir_blur")


def flat_scene(height: int = 500, width: int = 700) -> LinearScene:
    infrared = np.full((height, width), 128, np.uint8)
    pair = ImagePair("flat", np.repeat(infrared[..., None], 3, axis=2), infrared)
    return LinearScene(decode_visible(pair.visible), decode_infrared(infrared), pair)


def streams(degradation: str, image_id: str = "flat") -> NamedStreams:
    return NamedStreams("", image_id, degradation, 0)


@pytest.mark.parametrize("name", NAMES)
def test_the_visible_image_is_left_alone(street: ImagePair, name: str) -> None:
    assert degrade_pair(street, parse_condition(f"{name}@3"), seed=0).pair.visible is street.visible


@pytest.mark.parametrize("strength", [0.01, 0.04, 0.11])
def test_pixel_row_and_column_noise_have_their_variances(strength: float) -> None:
    scene = flat_scene()
    noisy = InfraredNoise().apply(scene, strength, streams("ir_noise")).infrared.astype(np.float64)
    noise = noisy - scene.infrared
    rows, columns = noise.mean(axis=1, keepdims=True), noise.mean(axis=0, keepdims=True)
    pixels = noise - rows - columns + noise.mean()
    assert pixels.std() == pytest.approx(strength, rel=0.02)
    # A few hundred rows tell their deviation to about three percent.
    assert rows.std() == pytest.approx(0.4 * strength, rel=0.1)
    assert columns.std() == pytest.approx(0.4 * strength, rel=0.1)


def test_the_exported_sigma_is_that_of_all_three_noises() -> None:
    scene = flat_scene(900, 900)
    made = [InfraredNoise().apply(scene, 0.05, streams("ir_noise", f"{i}")) for i in range(4)]
    noise = np.concatenate([(one.infrared - scene.infrared).ravel() for one in made])
    assert float(made[0].maps["infrared_noise_sigma"]) == pytest.approx(noise.std(), rel=0.02)


def test_stripes_are_gain_and_offset_by_column(street: ImagePair) -> None:
    linear = decode_infrared(street.infrared)
    scene = LinearScene(decode_visible(street.visible), linear, street)
    striped = InfraredStripe().apply(scene, 0.08, streams("ir_stripe"))
    for column in range(0, linear.shape[1], 20):
        gain, offset = np.polyfit(linear[:, column], striped.infrared[:, column].astype(np.float64), 1)
        assert gain == pytest.approx(striped.maps["infrared_stripe_gain"][0, column], abs=1e-4)
        assert offset == pytest.approx(striped.maps["infrared_stripe_offset"][0, column], abs=1e-4)


def test_the_drift_has_variance_one_and_is_slow() -> None:
    drift = slow_drift(streams("ir_stripe"), 400_000)[0].astype(np.float64)
    assert drift.std() == pytest.approx(1.0, rel=0.02)
    # Neighbours share 32 of the 33 values they are means of.
    assert np.corrcoef(drift[:-1], drift[1:])[0, 1] == pytest.approx(32 / 33, abs=0.003)
    assert abs(np.corrcoef(drift[:-33], drift[33:])[0, 1]) < 0.02


def test_low_contrast_scales_deviations_about_the_mean(street: ImagePair) -> None:
    damaged = degrade_pair(street, parse_condition("physical:ir_low_contrast@3"), seed=0).pair.infrared
    assert damaged.std() == pytest.approx(0.40 * street.infrared.std(), rel=0.01)
    assert damaged.mean() == pytest.approx(street.infrared.mean(), abs=0.6)


@pytest.mark.parametrize(("severity", "sigma"), [(1, 0.8), (3, 2.0), (5, 4.5)])
def test_blur_is_a_gaussian_scaled_with_the_height(severity: int, sigma: float) -> None:
    generator = np.random.default_rng(0)
    infrared = generator.integers(0, 256, (240, 300), dtype=np.uint8)
    pair = ImagePair("noise", np.repeat(infrared[..., None], 3, axis=2), infrared)
    damaged = degrade_pair(pair, parse_condition(f"physical:ir_blur@{severity}"), seed=0).pair.infrared
    expected: FloatImage = ndimage.gaussian_filter(
        infrared.astype(np.float64), sigma * 240 / 480, mode="nearest"
    )
    assert np.abs(damaged - expected).max() <= 0.51


@pytest.mark.parametrize("name", NAMES)
def test_every_severity_is_worse_than_the_one_before(real_pair: ImagePair, name: str) -> None:
    clean = real_pair.infrared
    psnr, ssim = [], []
    for severity in (1, 1.5, 2, 3, 4, 5):
        damaged = degrade_pair(real_pair, parse_condition(f"{name}@{severity}"), seed=0).pair.infrared
        psnr.append(peak_signal_noise_ratio(clean, damaged))
        ssim.append(structural_similarity(clean, damaged))
    assert psnr == sorted(psnr, reverse=True)
    assert ssim == sorted(ssim, reverse=True)
    assert len(set(psnr)) == len(psnr)
