"""Vertical stripes of an uncooled thermal camera, whose columns share an amplifier each.

Each column has a gain and an offset of its own, and the offsets drift slowly from column to column: the fixed
pattern of a microbolometer array read out by columns (Tendero, Landeau, Gilles, "Non-uniformity correction of
infrared images by midway equalization", Image Processing On Line 2, 2012, section 1).
"""

from __future__ import annotations

import numpy as np

from fusionbench.contracts import DegradationCard, FloatImage, LinearScene, RandomStreams
from fusionbench_degradations.calibration import calibrated_levels

GAIN_SHARE, OFFSET_SHARE, DRIFT_SHARE = 0.5, 0.8, 0.6
DRIFT_COLUMNS = 33
"""Columns over which the drift is smoothed, at 640 columns or any other width."""

_STEPS = 2.0**16


class InfraredStripe:
    """Gain and offset of every column of the infrared image."""

    card = DegradationCard(
        name="ir_stripe",
        title="Infrared stripes",
        stage="sensor",
        modality="infrared",
        summary="x (1 + 0.5 s g) + s (0.8 o + 0.6 l) by column; g, o, l normal, l smooth over 33 columns",
        reference="Tendero, Landeau, Gilles, IPOL 2, 2012 (column non-uniformity)",
        parameter="strength s, of full scale",
        levels=calibrated_levels("ir_stripe"),
        physical_levels=(0.010, 0.020, 0.035, 0.055, 0.080),
        version="1",
    )

    def apply(self, scene: LinearScene, parameter: float, random: RandomStreams) -> LinearScene:
        """Stripe the infrared image with strength `parameter`; adds the maps of gain and offset, `(1, W)`."""
        width = scene.infrared.shape[1]
        gain = np.float32(1) + np.float32(GAIN_SHARE * parameter) * random.normal("gain", (1, width))
        offset = np.float32(OFFSET_SHARE * parameter) * random.normal("offset", (1, width))
        offset = offset + np.float32(DRIFT_SHARE * parameter) * slow_drift(random, width)
        maps = {"infrared_stripe_gain": gain, "infrared_stripe_offset": offset}
        return scene.changed(infrared=scene.infrared * gain + offset, maps=maps)


def slow_drift(random: RandomStreams, width: int) -> FloatImage:
    """Standard normal values smoothed over 33 columns and scaled back to variance 1, `(1, width)`.

    The smoothing is a moving mean over values drawn beyond both edges, so every column has the same variance.
    """
    drawn = random.normal("drift", (width + DRIFT_COLUMNS - 1,))
    # Sums of integers do not depend on the order of addition.
    totals = np.concatenate([[0], np.cumsum(np.floor(drawn * np.float32(_STEPS) + 0.5).astype(np.int64))])
    sums = (totals[DRIFT_COLUMNS:] - totals[:-DRIFT_COLUMNS]).astype(np.float32)
    drift: FloatImage = sums / np.float32(_STEPS * DRIFT_COLUMNS**0.5)
    return drift[None, :]
