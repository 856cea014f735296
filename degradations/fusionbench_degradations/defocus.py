"""Defocus: the lens is set to another distance, and each point becomes a disk.

A thin lens with a round aperture images a point out of focus as a uniform disk (Potmesil and Chakravarty, "A
lens and aperture camera model for synthetic image generation", SIGGRAPH 1981), here in linear light and of
the same size all over the image. The radius is stated for an image 480 pixels high and scales with the
height.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from fusionbench.contracts import DegradationCard, LinearScene, RandomStreams
from fusionbench_degradations.calibration import calibrated_levels
from fusionbench_degradations.convolution import Kernel, convolve, disk_kernel

REFERENCE_HEIGHT = 480
"""Image height at which the radius is in pixels."""


class Defocus:
    """The visible image out of focus."""

    card = DegradationCard(
        name="defocus",
        title="Defocus",
        stage="optics",
        modality="visible",
        summary="L convolved with a uniform disk",
        reference="Potmesil and Chakravarty, SIGGRAPH 1981",
        parameter="radius of the disk in pixels at 480 rows, scaled with the height",
        levels=calibrated_levels("defocus"),
        physical_levels=(1.5, 2.5, 3.5, 5.0, 7.0),
        version="1",
    )

    def apply(self, scene: LinearScene, parameter: float, random: RandomStreams) -> LinearScene:  # noqa: ARG002
        """Blur the visible image by a disk of radius `parameter`; nothing here is random.

        Adds the map `defocus_radius`, in pixels of this image.
        """
        radius = parameter * scene.visible.shape[0] / REFERENCE_HEIGHT
        maps = {"defocus_radius": np.asarray(radius, dtype=np.float32)}
        return scene.changed(visible=convolve(scene.visible, _disk(radius)), maps=maps)


@lru_cache(maxsize=16)
def _disk(radius: float) -> Kernel:
    """Disks of the radii in use, which images of one size share."""
    return disk_kernel(radius)
