"""Haze: distance fades into airlight, strongly in visible light, slightly in the thermal infrared.

The law is that of `scattering`. By severity, the infrared optical depth is that of the visible times Kim's
ratio at a visibility of 2 km: q = 0.66, ratio 0.147. By visibility (`haze@1km`), both follow from the
visibility and the distance in metres. Kim's model is disputed for fog, where extinction hardly depends on
wavelength (Pierce et al. 2001); `fog` is the degradation without it.
"""

from __future__ import annotations

from fusionbench.contracts import DegradationCard, LinearScene, RandomStreams
from fusionbench_degradations.calibration import calibrated_levels
from fusionbench_degradations.scattering import scattered, scattered_at_visibility
from fusionbench_degradations.visibility import infrared_ratio

VISIBILITY_KM = 2.0
INFRARED_RATIO = infrared_ratio(VISIBILITY_KM)
"""Extinction at 10 um over that at 0.55 um (Kim 2001 at 2 km): 0.147."""


class Haze:
    """Airlight over distance in both images."""

    card = DegradationCard(
        name="haze",
        title="Haze",
        stage="medium",
        excludes=("fog",),
        modality="both",
        summary="L t + A (1 - t), t = exp(-tau d), d relative depth; infrared with 0.147 tau",
        reference="Koschmieder 1924; Kim et al., SPIE 4214, 2001 (infrared extinction)",
        parameter="optical depth tau at the scene's 95th percentile of distance",
        levels=calibrated_levels("haze"),
        physical_levels=(0.30, 0.60, 1.0, 1.5, 2.2),
        quantity="km",
        version="1",
    )

    def apply(self, scene: LinearScene, parameter: float, random: RandomStreams) -> LinearScene:  # noqa: ARG002
        """Veil both images with optical depth `parameter`; nothing here is random."""
        return scattered(scene, parameter, parameter * INFRARED_RATIO)

    def apply_quantity(
        self,
        scene: LinearScene,
        quantity: float,
        random: RandomStreams,  # noqa: ARG002
    ) -> LinearScene:
        """Veil both images as a visibility of `quantity` kilometres does, over the distance in metres.

        Adds the maps `visibility_km` and `metres_per_depth_unit`.
        """
        return scattered_at_visibility(scene, quantity, infrared_ratio(quantity))
