"""Low thermal contrast: scene and background are nearly equally warm.

At thermal crossover differences of radiance shrink towards the mean while the camera's gain stays, so every
level moves towards the mean by one factor (Weber contrast scales by c).
"""

from __future__ import annotations

import numpy as np

from fusionbench.contracts import DegradationCard, LinearScene, RandomStreams
from fusionbench_degradations.airlight import infrared_airlight
from fusionbench_degradations.calibration import calibrated_levels


class InfraredLowContrast:
    """The infrared image's levels drawn towards their mean."""

    card = DegradationCard(
        name="ir_low_contrast",
        title="Low thermal contrast",
        stage="exposure",
        modality="infrared",
        summary="m + (x - m) c, m the mean of the image",
        reference="linear contrast scaling about the mean (thermal crossover)",
        parameter="contrast c that is left, 1 is all of it",
        levels=calibrated_levels("ir_low_contrast"),
        physical_levels=(0.75, 0.55, 0.40, 0.28, 0.18),
        limits=(0.9999, 0.001),
        version="1",
    )

    def apply(self, scene: LinearScene, parameter: float, random: RandomStreams) -> LinearScene:  # noqa: ARG002
        """Leave `parameter` of the infrared contrast; the mean is that of the clean image."""
        mean = np.float32(infrared_airlight(scene.clean))
        contrast = np.float32(parameter)
        maps = {"infrared_contrast": np.asarray(contrast)}
        return scene.changed(infrared=mean + (scene.infrared - mean) * contrast, maps=maps)
