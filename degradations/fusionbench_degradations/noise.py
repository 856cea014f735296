"""Sensor noise: signal-dependent Gaussian noise in linear light.

Variance = l_s L + l_r with the shot and read parts tied as real cameras tie them, ln l_r = 2.18 ln l_s + 1.20
(Brooks et al., "Unprocessing images for learned raw denoising", CVPR 2019, section 3.1, without the scatter
about that line).
"""

from __future__ import annotations

import math

import numpy as np

from fusionbench.contracts import DegradationCard, LinearScene, RandomStreams
from fusionbench.degrading import is_monochrome, with_noise_sigma
from fusionbench_degradations.calibration import calibrated_levels

_READ_SLOPE = 2.18
_READ_OFFSET = 1.20


def read_variance(shot: float) -> float:
    """Variance of the read noise that goes with a shot-noise level (Brooks et al. 2019)."""
    return math.exp(_READ_SLOPE * math.log(shot) + _READ_OFFSET)


class Noise:
    """Shot and read noise of a visible sensor at high gain."""

    card = DegradationCard(
        name="noise",
        title="Sensor noise",
        stage="sensor",
        modality="visible",
        summary="L + sqrt(l_s L + l_r) n, ln l_r = 2.18 ln l_s + 1.20, n standard normal",
        reference="Brooks et al., CVPR 2019, section 3.1",
        parameter="shot noise l_s (variance per unit of linear light)",
        levels=calibrated_levels("noise"),
        physical_levels=(0.0015, 0.004, 0.010, 0.020, 0.040),
        version="1",
    )

    def apply(self, scene: LinearScene, parameter: float, random: RandomStreams) -> LinearScene:
        """Add noise of shot level `parameter` to the visible image."""
        light = scene.visible
        variance = np.float32(parameter) * np.maximum(light, 0) + np.float32(read_variance(parameter))
        sigma = np.sqrt(variance)
        shape = (*light.shape[:2], 1 if is_monochrome(scene.clean.visible) else 3)
        maps = {"noise_sigma": with_noise_sigma(scene.maps, sigma)}
        return scene.changed(visible=light + sigma * random.normal("sensor", shape), maps=maps)
