"""What images alone say about their degradation, against what is known of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fusionbench.datasets import open_dataset
from fusionbench.degrading import parse_condition
from fusionbench.degrading.reestimation import (
    airlight_by_dark_channel,
    noise_levels,
    reestimate,
    transmission_by_dark_channel,
)
from fusionbench.degrading.writing import degrade_dataset


def test_the_noise_of_a_flat_noisy_image_is_found() -> None:
    noise = np.random.default_rng(0).normal(128, 9.0, (300, 400, 3))
    assert noise_levels(np.clip(noise + 0.5, 0, 255).astype(np.uint8)) == pytest.approx(9.0, rel=0.03)


def test_airlight_and_transmission_of_veiled_black_are_found() -> None:
    airlight = np.array([0.6, 0.7, 0.8])
    transmission = np.linspace(0.02, 0.9, 200)[:, None, None] * np.ones((1, 150, 1))
    image = np.floor(255 * airlight * (1 - transmission) + 0.5).astype(np.uint8)
    np.testing.assert_allclose(airlight_by_dark_channel(image), airlight, atol=0.03)
    found = transmission_by_dark_channel(image, airlight)
    assert np.abs(found - (1 - 0.95 * (1 - transmission[..., 0])))[20:-20].max() < 0.06


def test_a_set_is_described_by_its_images(shared: Path, tmp_path: Path) -> None:
    source = open_dataset("msrs", shared / "data")
    chosen = [sample for sample in source.samples if sample.native == "day"][:6]
    list(degrade_dataset(source, parse_condition("physical:haze@5"), 0, tmp_path / "haze", samples=chosen))
    found = {estimate.name: estimate for estimate in reestimate(tmp_path / "haze")}
    airlight = found["airlight (mean of sRGB)"]
    assert airlight.images == 6
    assert airlight.estimated == pytest.approx(airlight.recorded, abs=0.04)
    assert found["transmission (mean)"].estimated == pytest.approx(
        found["transmission (mean)"].recorded, abs=0.2
    )
    list(degrade_dataset(source, parse_condition("physical:noise@4"), 0, tmp_path / "noise", samples=chosen))
    (noise,) = reestimate(tmp_path / "noise")
    assert noise.estimated == pytest.approx(noise.recorded, rel=0.15)


def test_a_set_without_haze_or_noise_has_nothing_to_estimate(tmp_path: Path) -> None:
    scenes = open_dataset("scenes", options={"count": "1", "size": "96x72"})
    list(degrade_dataset(scenes, parse_condition("defocus@2"), 0, tmp_path))
    assert reestimate(tmp_path) == []
