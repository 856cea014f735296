"""Blur of the thermal image: an objective out of focus, or diffraction at a small aperture.

A Gaussian stands for the point spread of long-wave objectives, whose diffraction at 10 um is twenty times
that of visible light (Holst, "Electro-Optical Imaging System Performance", chapter on optics MTF).
"""

from __future__ import annotations

import numpy as np

from fusionbench.contracts import DegradationCard, LinearScene, RandomStreams
from fusionbench_degradations.calibration import calibrated_levels
from fusionbench_degradations.convolution import gaussian_blur

REFERENCE_HEIGHT = 480
"""Image height at which sigma is in pixels."""


class InfraredBlur:
    """The infrared image through a Gaussian."""

    card = DegradationCard(
        name="ir_blur",
        title="Infrared blur",
        stage="optics",
        modality="infrared",
        summary="x convolved with a Gaussian",
        reference="Holst, Electro-Optical Imaging System Performance (Gaussian optics MTF)",
        parameter="sigma of the Gaussian in pixels at 480 rows, scaled with the height",
        levels=calibrated_levels("ir_blur"),
        physical_levels=(0.8, 1.3, 2.0, 3.0, 4.5),
        version="1",
    )

    def apply(self, scene: LinearScene, parameter: float, random: RandomStreams) -> LinearScene:  # noqa: ARG002
        """Blur the infrared image by a sigma of `parameter`; nothing here is random."""
        sigma = parameter * scene.infrared.shape[0] / REFERENCE_HEIGHT
        maps = {"infrared_blur_sigma": np.asarray(sigma, dtype=np.float32)}
        return scene.changed(infrared=gaussian_blur(scene.infrared, sigma), maps=maps)
