"""The rain in the fused samples that SGAFusion's authors published, as far as it can be measured there.

Streaks some 27 degrees from vertical are blended in with light 0.57; they cover 0.15 of the image's light on
average. The samples show one strength, which is severity 3 here; the others scale the mean cover.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property

import numpy as np

from fusionbench.contracts import Degradation, DegradationProfileCard, FloatImage
from fusionbench_degradations.convolution import convolve, line_kernel
from fusionbench_degradations.profiles.display_degradation import DisplayScene, Maps, display_degradation

_REFERENCE = "measured on the M3FD samples published with SGAFusion"
_LIGHT = 0.57
_FROM_VERTICAL = 27.0
_LENGTH_AT_480 = 25.0
_STRONGEST = 0.8
"""Opacity of a single streak."""


def _rain(seen: DisplayScene, cover: float) -> tuple[FloatImage, Maps]:
    height = seen.display.shape[0]
    length = max(_LENGTH_AT_480 * height / 480, 1.0)
    # Streaks of opacity a at random places let (1 - a)^k through; this density gives the mean cover.
    density = -math.log(1.0 - cover / _STRONGEST) / length
    # Drops fall beyond the border too: streaks enter the picture from all sides.
    around = math.ceil(length)
    shape = (height + 2 * around, seen.display.shape[1] + 2 * around)
    drops = (seen.random.uniform("drops", shape) < density).astype(np.float32)
    everywhere = convolve(drops, line_kernel(length, 90.0 + _FROM_VERTICAL)) * np.float32(length)
    streaks = everywhere[around:-around, around:-around]
    opacity = np.minimum(streaks, np.float32(1)) * np.float32(_STRONGEST)
    blended = opacity[..., None]
    rainy = seen.display * (np.float32(1) - blended) + np.float32(_LIGHT) * blended
    return rainy, {"streaks": opacity, "rain_angle": np.asarray(_FROM_VERTICAL)}


class SgaFusionRain:
    """Alpha-blended streaks at one angle."""

    card = DegradationProfileCard(
        name="sgafusion-rain",
        title="Rain of the SGAFusion samples",
        summary="J (1 - r) + 0.57 r on sRGB values, streaks 27 degrees from vertical, mean r 0.15 at "
        "severity 3; length and opacity of a streak are ours; infrared untouched",
        reference=_REFERENCE,
    )

    @cached_property
    def degradations(self) -> Mapping[str, Degradation]:
        """Its one degradation."""
        rain = display_degradation(
            _rain,
            "rain",
            "Rain of the SGAFusion samples",
            "J (1 - r) + 0.57 r in sRGB, streaks 27 degrees from vertical",
            _REFERENCE,
            parameter="mean cover r",
            levels=(0.05, 0.10, 0.15, 0.20, 0.25),
            stage="medium",
        )
        return {"rain": rain}
