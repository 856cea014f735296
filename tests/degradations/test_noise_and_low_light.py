from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from fusionbench.contracts import Degradation, ImagePair, LinearScene
from fusionbench.degrading import NamedStreams, degrade_pair, parse_condition
from fusionbench_degradations.low_light import LowLight
from fusionbench_degradations.noise import Noise

SIGNALS = np.linspace(0.02, 0.95, 12)
FLOAT_TOLERANCE = 0.02
EIGHT_BIT_TOLERANCE = 0.03
EXPOSURE_TOLERANCE = 0.005


def patches(levels: NDArray[np.float64]) -> LinearScene:
    """One row a signal level, some 200,000 samples each (66,667 pixels of three channels)."""
    visible = np.repeat(levels[:, None, None], 66_667, axis=1).repeat(3, axis=2).astype(np.float32)
    # Colours must differ somewhere, or the pair would count as one from a grey camera.
    clean = ImagePair(
        "x",
        np.indices((len(levels), 66_667, 3))[2].astype(np.uint8),
        np.zeros((len(levels), 66_667), np.uint8),
    )
    return LinearScene(visible, np.zeros(clean.size, np.float32), clean)


def expected_variance(signal: NDArray[np.float64], shot: float) -> NDArray[np.float64]:
    """Brooks et al. 2019, section 3.1."""
    return shot * signal + math.exp(2.18 * math.log(shot) + 1.20)


def applied(plugin: Degradation, scene: LinearScene, level: float) -> LinearScene:
    return plugin.apply(scene, level, NamedStreams("", "x", plugin.card.name, 0))


@pytest.mark.parametrize("shot", Noise.card.physical_levels or ())
def test_noise_variance_follows_the_signal(shot: float) -> None:
    noisy = applied(Noise(), patches(SIGNALS), shot)
    variance = noisy.visible.astype(np.float64).var(axis=(1, 2))
    np.testing.assert_allclose(variance, expected_variance(SIGNALS, shot), rtol=FLOAT_TOLERANCE)
    slope = np.polyfit(SIGNALS, variance, 1)[0]
    assert slope == pytest.approx(shot, rel=FLOAT_TOLERANCE)
    np.testing.assert_allclose(
        noisy.maps["noise_sigma"][:, 0, 0] ** 2, expected_variance(SIGNALS, shot), rtol=1e-5
    )


@pytest.mark.parametrize("severity", [1, 2, 3, 4])
def test_noise_variance_survives_eight_bits(severity: int) -> None:
    grey = np.full((400, 500), 175, np.uint8)
    pair = ImagePair("flat", np.dstack([grey, grey, grey + 1]), grey)
    noisy = degrade_pair(
        pair, parse_condition("physical:noise").with_severity(severity), seed=0
    ).pair.visible[..., 0]
    level = ((175 / 255 + 0.055) / 1.055) ** 2.4
    linear = ((noisy / 255.0 + 0.055) / 1.055) ** 2.4
    expected = expected_variance(np.array(level), (Noise.card.physical_levels or ())[severity - 1])
    assert linear.var() == pytest.approx(float(expected), rel=EIGHT_BIT_TOLERANCE)


@pytest.mark.parametrize("stops", LowLight.card.physical_levels or ())
def test_low_light_is_the_stated_exposure(stops: float) -> None:
    scene = patches(SIGNALS)
    dark = applied(LowLight(), scene, stops)
    ratio = dark.visible.astype(np.float64).mean() / scene.visible.astype(np.float64).mean()
    assert ratio == pytest.approx(2.0**-stops, rel=EXPOSURE_TOLERANCE)
    assert float(dark.maps["exposure"]) == 2.0**-stops


@pytest.mark.parametrize("stops", LowLight.card.physical_levels or ())
def test_low_light_noise_is_that_of_photons_and_read_out(stops: float) -> None:
    dark = applied(LowLight(), patches(SIGNALS), stops).visible.astype(np.float64)
    electrons = 4000 * SIGNALS * 2.0**-stops
    np.testing.assert_allclose((4000 * dark).var(axis=(1, 2)), electrons + 3**2, rtol=FLOAT_TOLERANCE)


def test_noise_has_no_bias_and_no_correlation_between_channels() -> None:
    noise = applied(Noise(), patches(SIGNALS), 0.01).visible[6].astype(np.float64) - SIGNALS[6]
    assert abs(noise.mean()) < 4 * noise.std() / math.sqrt(noise.size)
    assert np.abs(np.corrcoef(noise.T) - np.eye(3)).max() < 0.02
