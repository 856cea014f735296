"""Low light: a shorter exposure, with the photon and read noise that come with it.

A pixel of linear light L collects 4000 L 2^-EV electrons; photon counts are Poisson, the read-out adds 3
electrons rms (Wei et al., "A physics-based noise formation model for extreme low-light raw denoising",
CVPR 2020, equations 1 to 4, without its row and quantisation terms). The Poisson count is drawn from the
normal distribution of the same mean and variance (Foi et al., "Practical Poissonian-Gaussian noise modeling
and fitting", IEEE TIP 2008, equation 4): exact in both moments at every level, without the skew of counts
below some ten electrons, and the same to the bit on every CPU, where Poisson samplers are not.
"""

from __future__ import annotations

import numpy as np

from fusionbench.contracts import DegradationCard, LinearScene, RandomStreams
from fusionbench.degrading import is_monochrome, with_noise_sigma
from fusionbench_degradations.calibration import calibrated_levels

FULL_WELL = 4000.0
"""Electrons at full scale of the clean exposure."""

READ_NOISE = 3.0
"""Electrons, root mean square."""


class LowLight:
    """Visible light reduced by EV stops, with shot and read noise."""

    card = DegradationCard(
        name="low_light",
        title="Low light",
        stage="exposure",
        excludes=("over_exposure",),
        modality="visible",
        summary="L 2^-EV with shot noise (full well 4000 electrons) and read noise (3 electrons)",
        reference="Wei et al., CVPR 2020, eq. 1-4; Foi et al., IEEE TIP 2008, eq. 4",
        parameter="exposure reduction in stops (EV)",
        levels=calibrated_levels("low_light"),
        physical_levels=(1.0, 2.0, 3.0, 4.0, 5.0),
        unsuited_to=("night",),
        version="1",
    )

    def apply(self, scene: LinearScene, parameter: float, random: RandomStreams) -> LinearScene:
        """Expose the visible image `parameter` stops less."""
        exposure = np.float32(2.0**-parameter)
        signal = scene.visible * exposure
        variance = np.maximum(signal, 0) / np.float32(FULL_WELL) + np.float32((READ_NOISE / FULL_WELL) ** 2)
        sigma = np.sqrt(variance)
        shape = (*signal.shape[:2], 1 if is_monochrome(scene.clean.visible) else 3)
        maps = {
            "exposure": np.asarray(exposure, dtype=np.float32),
            "noise_sigma": with_noise_sigma(scene.maps, sigma),
        }
        return scene.changed(visible=signal + sigma * random.normal("sensor", shape), maps=maps)
