"""Over-exposure: a longer exposure whose highlights the sensor cuts off at full scale.

The response of a sensor is linear up to its full well and flat beyond it (EMVA Standard 1288, section 2), so
an exposure EV stops longer gives min(L 2^EV, 1) in linear light.
"""

from __future__ import annotations

import numpy as np

from fusionbench.contracts import DegradationCard, LinearScene, RandomStreams
from fusionbench_degradations.calibration import calibrated_levels


class OverExposure:
    """Visible light raised by EV stops and clipped."""

    card = DegradationCard(
        name="over_exposure",
        title="Over-exposure",
        stage="exposure",
        excludes=("low_light",),
        modality="visible",
        summary="min(L 2^EV, 1)",
        reference="EMVA Standard 1288, section 2 (linear response up to the full well)",
        parameter="exposure increase in stops (EV)",
        levels=calibrated_levels("over_exposure"),
        physical_levels=(0.5, 1.0, 1.5, 2.0, 2.5),
        version="1",
    )

    def apply(self, scene: LinearScene, parameter: float, random: RandomStreams) -> LinearScene:  # noqa: ARG002
        """Expose the visible image `parameter` stops more; nothing here is random."""
        gain = np.float32(2.0**parameter)
        maps = {"exposure": np.asarray(gain, dtype=np.float32)}
        return scene.changed(visible=np.minimum(scene.visible * gain, np.float32(1)), maps=maps)
