"""ControlFusion's haze (Tang et al., "ControlFusion", NeurIPS 2025), whose levels are not published."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from fusionbench.contracts import Degradation, DegradationProfileCard, FloatImage
from fusionbench_degradations.profiles.display_degradation import DisplayScene, Maps, display_degradation
from fusionbench_degradations.profiles.display_haze import display_haze

_REFERENCE = "ControlFusion, NeurIPS 2025 (t = exp(-beta min(1 - depth, 0.7)), beta 1 to 2, A 0.6 to 0.9)"


def _haze(seen: DisplayScene, scattering: float) -> tuple[FloatImage, Maps]:
    # Its depth is nearness in [0, 1]; taken as 1 - d over the largest d, so that 1 - nearness is our depth.
    return display_haze(seen, scattering, darkest=0.6, brightest=0.9, farthest=0.7)


class ControlFusion:
    """Haze that ends at seven tenths of the depth."""

    card = DegradationProfileCard(
        name="controlfusion",
        title="ControlFusion",
        summary="haze on sRGB values over depth cut off at 0.7; severities span the published range of beta "
        "evenly; its other degradations have no published levels and are left out; infrared untouched",
        reference=_REFERENCE,
    )

    @cached_property
    def degradations(self) -> Mapping[str, Degradation]:
        """Its one degradation."""
        haze = display_degradation(
            _haze,
            "haze",
            "Haze after ControlFusion",
            "J t + A (1 - t) in sRGB, t = exp(-beta min(d, 0.7)), d in [0, 1], A uniform in [0.6, 0.9]",
            _REFERENCE,
            parameter="scattering coefficient beta",
            levels=(1.0, 1.25, 1.5, 1.75, 2.0),
            stage="medium",
        )
        return {"haze": haze}
