"""Noise of the EMS training set (Yi et al., "Text-IF", CVPR 2024)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from fusionbench.contracts import Degradation, DegradationProfileCard, FloatImage
from fusionbench_degradations.profiles.display_degradation import DisplayScene, Maps, display_degradation
from fusionbench_degradations.profiles.photon_counts import photon_counts

_REFERENCE = "Yi et al., Text-IF, CVPR 2024 (EMS, Gaussian of 10 levels, then Poisson of peak 70 to 90)"
_GAUSSIAN = 10.0 / 255.0


def _noise(seen: DisplayScene, peak: float) -> tuple[FloatImage, Maps]:
    gaussian = np.float32(_GAUSSIAN) * seen.random.normal("gaussian", seen.noise_shape)
    noisy = np.clip(seen.display + gaussian, 0.0, 1.0).astype(np.float32)
    counted = photon_counts(noisy, peak, seen.random.uniform("counts", seen.noise_shape))
    return counted, {"photon_peak": np.asarray(peak)}


class Ems:
    """Gaussian and then signal-dependent noise."""

    card = DegradationProfileCard(
        name="ems",
        title="EMS (Text-IF)",
        summary="noise on sRGB values; severities span the published range of peaks; what EMS does else has "
        "no published levels; infrared untouched",
        reference=_REFERENCE,
    )

    @cached_property
    def degradations(self) -> Mapping[str, Degradation]:
        """Its one degradation."""
        noise = display_degradation(
            _noise,
            "noise",
            "Noise after EMS",
            "x + 10/255 n, clipped, then Poisson with the given peak",
            _REFERENCE,
            parameter="counts at full scale",
            levels=(90.0, 85.0, 80.0, 75.0, 70.0),
        )
        return {"noise": noise}
