"""Multi-scale retinex of luminance.

Reference:
    D. J. Jobson, Z. Rahman, G. A. Woodell: "A multiscale retinex for bridging the gap between color images
    and the human observation of scenes", IEEE TIP 6(7), 1997, equation 2 with three equal weights; on
    luminance, so that colours stay, and stretched between quantiles as in A. B. Petro, C. Sbert, J.-M. Morel:
    "Multiscale Retinex", Image Processing On Line, 2014, section 3.
"""

from __future__ import annotations

import numpy as np

from fusionbench.contracts import EnhancementCard, Uint8Image
from fusionbench_methods.enhancements.luminance_gain import Luma, with_luminance

SCALES = (15.0, 80.0, 250.0)
"""Standard deviations of the surrounds, in pixels (section III)."""

CUT = (0.01, 0.99)
"""Quantiles that become black and white."""


class MultiScaleRetinex:
    """Luminance relative to its surrounds."""

    card = EnhancementCard(
        name="retinex",
        title="Multi-scale retinex",
        against="darkness",
        year=1997,
        paper="https://doi.org/10.1109/83.597272",
        licence="Apache-2.0 (this implementation)",
        summary="log ratio of luminance to Gaussian surrounds of 15, 80 and 250 pixels, 1 % cut at both ends",
    )

    def enhance(self, visible: Uint8Image) -> Uint8Image:
        """Even out the light in `(H, W, 3)`."""
        return with_luminance(visible, multi_scale_retinex)


def multi_scale_retinex(luma: Luma) -> Luma:
    """Of luminance `(H, W)` in [0, 1]; an image of one grey comes back as it is."""
    from scipy import ndimage

    light = 255 * luma + 1.0
    surrounds = [np.log(ndimage.gaussian_filter(light, scale, mode="reflect")) for scale in SCALES]
    reflectance: Luma = np.log(light) - np.mean(surrounds, axis=0)
    low, high = np.quantile(reflectance, CUT)
    if high - low < np.finfo(np.float32).eps:
        return luma
    evened: Luma = ((reflectance - low) / (high - low)).clip(0.0, 1.0)
    return evened
