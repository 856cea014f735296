"""Fog: droplets larger than any wavelength hide the visible and the thermal scene alike.

The law is that of `scattering`, with one optical depth for both images (Pierce et al. 2001: extinction in fog
hardly depends on wavelength). What Kim's model makes of thinner air is `haze`; the two are never blended.
"""

from __future__ import annotations

from fusionbench.contracts import DegradationCard, LinearScene, RandomStreams
from fusionbench_degradations.calibration import calibrated_levels
from fusionbench_degradations.scattering import scattered, scattered_at_visibility


class Fog:
    """Airlight over distance, the same in both images."""

    card = DegradationCard(
        name="fog",
        title="Fog",
        stage="medium",
        excludes=("haze",),
        modality="both",
        summary="L t + A (1 - t), t = exp(-tau d), d relative depth; infrared with the same tau",
        reference="Koschmieder 1924; Pierce et al. 2001 (extinction in fog by wavelength)",
        parameter="optical depth tau at the scene's 95th percentile of distance",
        levels=calibrated_levels("fog"),
        physical_levels=(0.30, 0.60, 1.0, 1.5, 2.2),
        quantity="km",
        version="1",
    )

    def apply(self, scene: LinearScene, parameter: float, random: RandomStreams) -> LinearScene:  # noqa: ARG002
        """Veil both images with optical depth `parameter`; nothing here is random."""
        return scattered(scene, parameter, parameter)

    def apply_quantity(
        self,
        scene: LinearScene,
        quantity: float,
        random: RandomStreams,  # noqa: ARG002
    ) -> LinearScene:
        """Veil both images as a visibility of `quantity` kilometres does; maps as those of haze."""
        return scattered_at_visibility(scene, quantity, 1.0)
