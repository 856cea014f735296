"""Noise of a thermal camera: of single pixels, whole rows and whole columns.

The spatial part of the three-dimensional noise model of D'Agostino and Webb, "Three-dimensional analysis
framework and measurement methodology for imaging system noise", SPIE 1488 (1991), with row and column noise
at 0.4 of the pixel noise.
"""

from __future__ import annotations

import math

import numpy as np

from fusionbench.contracts import DegradationCard, LinearScene, RandomStreams
from fusionbench_degradations.calibration import calibrated_levels

LINE_SHARE = 0.4
"""Standard deviation of row and of column noise over that of pixel noise."""


class InfraredNoise:
    """Independent noise of pixels, rows and columns in the infrared image."""

    card = DegradationCard(
        name="ir_noise",
        title="Infrared noise",
        stage="sensor",
        modality="infrared",
        summary="x + s (n + 0.4 row + 0.4 column), all standard normal",
        reference="D'Agostino and Webb, SPIE 1488, 1991 (three-dimensional noise model)",
        parameter="standard deviation s of pixel noise, of full scale",
        levels=calibrated_levels("ir_noise"),
        physical_levels=(0.01, 0.02, 0.04, 0.07, 0.11),
        version="1",
    )

    def apply(self, scene: LinearScene, parameter: float, random: RandomStreams) -> LinearScene:
        """Add noise of standard deviation `parameter`; its total is the map `infrared_noise_sigma`."""
        height, width = scene.infrared.shape
        strength = np.float32(parameter)
        lines = np.float32(LINE_SHARE * parameter)
        noise = random.normal("pixel", (height, width)) * strength
        noise += random.normal("row", (height, 1)) * lines
        noise += random.normal("column", (1, width)) * lines
        noise += scene.infrared
        sigma = np.asarray(parameter * math.sqrt(1 + 2 * LINE_SHARE**2), dtype=np.float32)
        return scene.changed(infrared=noise, maps={"infrared_noise_sigma": sigma})
