"""Motion blur: the camera moves on a straight line while the shutter is open.

The exposure averages linear light along the path of each point, here the same for all: uniform motion blur
(Boracchi and Foi, "Modeling the performance of image restoration from motion blur", IEEE TIP 2012, with a
straight path). The length is stated for an image 480 pixels high and scales with the height; the direction
is drawn once for an image and is the same at every severity.
"""

from __future__ import annotations

import numpy as np

from fusionbench.contracts import DegradationCard, LinearScene, RandomStreams
from fusionbench_degradations.calibration import calibrated_levels
from fusionbench_degradations.convolution import convolve, line_kernel

REFERENCE_HEIGHT = 480
"""Image height at which the length is in pixels."""


class MotionBlur:
    """The visible image smeared in one direction."""

    card = DegradationCard(
        name="motion_blur",
        title="Motion blur",
        stage="optics",
        modality="visible",
        summary="L convolved with a straight line, angle uniform in 0 to 180 degrees",
        reference="Boracchi and Foi, IEEE TIP 2012 (uniform motion)",
        parameter="length of the path in pixels at 480 rows, scaled with the height",
        levels=calibrated_levels("motion_blur"),
        physical_levels=(7.0, 11.0, 15.0, 21.0, 31.0),
        version="1",
    )

    def apply(self, scene: LinearScene, parameter: float, random: RandomStreams) -> LinearScene:
        """Smear the visible image over a path of length `parameter`.

        Adds the maps `blur_length`, in pixels of this image, and `blur_angle`, in degrees counter-clockwise
        from pointing right.
        """
        angle = 180.0 * float(random.uniform("angle", (1,))[0])
        length = parameter * scene.visible.shape[0] / REFERENCE_HEIGHT
        maps = {
            "blur_angle": np.asarray(angle, dtype=np.float32),
            "blur_length": np.asarray(length, dtype=np.float32),
        }
        return scene.changed(visible=convolve(scene.visible, line_kernel(length, angle)), maps=maps)
