"""RESIDE's synthetic haze (Li et al., "Benchmarking single-image dehazing and beyond", IEEE TIP 2019)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from fusionbench.contracts import Degradation, DegradationProfileCard, FloatImage
from fusionbench_degradations.profiles.display_degradation import DisplayScene, Maps, display_degradation
from fusionbench_degradations.profiles.display_haze import display_haze

_REFERENCE = "Li et al., IEEE TIP 2019 (indoor training set, beta in [0.6, 1.8], A in [0.7, 1])"


def _haze(seen: DisplayScene, scattering: float) -> tuple[FloatImage, Maps]:
    return display_haze(seen, scattering, darkest=0.7, brightest=1.0)


class Reside:
    """Koschmieder's law on display values with random grey airlight."""

    card = DegradationProfileCard(
        name="reside",
        title="RESIDE",
        summary="J t + A (1 - t) on sRGB values; depth over its largest value, as there are no metres; "
        "severities span the published range of beta evenly; infrared untouched",
        reference=_REFERENCE,
    )

    @cached_property
    def degradations(self) -> Mapping[str, Degradation]:
        """Its one degradation."""
        haze = display_degradation(
            _haze,
            "haze",
            "Haze after RESIDE",
            "J t + A (1 - t) in sRGB, t = exp(-beta d), A uniform in [0.7, 1]",
            _REFERENCE,
            parameter="scattering coefficient beta over the largest depth",
            levels=(0.6, 0.9, 1.2, 1.5, 1.8),
            stage="medium",
        )
        return {"haze": haze}
