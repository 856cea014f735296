"""Gamma correction that brings mean luminance to the middle.

Reference:
    The customary automatic gamma, log(0.5) / log(mean); see S. Rahman et al.: "An adaptive gamma correction
    for image enhancement", EURASIP Journal on Image and Video Processing 35, 2016, section 1.
"""

from __future__ import annotations

import numpy as np

from fusionbench.contracts import EnhancementCard, Uint8Image
from fusionbench_methods.enhancements.luminance_gain import Luma, with_luminance

MIDDLE = 0.5
GAMMA_RANGE = (0.2, 1.0)
"""Never darkens, and never lifts black to grey altogether."""


class AutomaticGamma:
    """Lift dark images by a power of luminance."""

    card = EnhancementCard(
        name="gamma",
        title="Automatic gamma correction",
        against="darkness",
        licence="Apache-2.0 (this implementation)",
        summary="luminance to the power log .5 / log mean, between .2 and 1",
    )

    def enhance(self, visible: Uint8Image) -> Uint8Image:
        """Brighten `(H, W, 3)`."""
        return with_luminance(visible, lambda luma: luma ** exponent_for(luma))


def exponent_for(luma: Luma) -> float:
    """The exponent that brings the mean of luminance in [0, 1] about to the middle."""
    mean = float(np.clip(luma.mean(), 1 / 255, 1 - 1 / 255))
    return float(np.clip(np.log(MIDDLE) / np.log(mean), *GAMMA_RANGE))
