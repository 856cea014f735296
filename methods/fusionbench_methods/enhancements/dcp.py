"""Dehazing by the dark channel prior.

Reference:
    K. He, J. Sun, X. Tang: "Single Image Haze Removal Using Dark Channel Prior", IEEE TPAMI 33(12), 2011,
    with the transmission refined by the guided filter of the same authors (IEEE TPAMI 35(6), 2013) in place
    of matting, as they recommend there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import EnhancementCard, Uint8Image
from fusionbench.images import luminance, quantise
from fusionbench_methods.gff import guided_filter

PATCH = 15
"""Side of the windows of the dark channel (section 3)."""

KEPT_HAZE = 0.95
"""Omega: a little haze is left for distance (equation 12)."""

LEAST_TRANSMISSION = 0.1
"""t0 (equation 16)."""

BRIGHTEST = 0.001
"""Share of the pixels whose dark channel says where the airlight is seen (section 4.4)."""

RADIUS, EPSILON = 60, 1e-4
"""Of the guided filter, for images in [0, 1] (section 4.5 of the second paper)."""


class DarkChannelPrior:
    """Undo haze as far as the darkest channel near a pixel tells it."""

    card = EnhancementCard(
        name="dcp",
        title="Dark channel prior",
        against="haze",
        year=2011,
        paper="https://doi.org/10.1109/TPAMI.2010.168",
        licence="Apache-2.0 (this implementation)",
        summary="transmission from the darkest channel of 15x15 windows, refined by a guided filter",
    )

    def enhance(self, visible: Uint8Image) -> Uint8Image:
        """Remove haze from `(H, W, 3)`."""
        image = visible.astype(np.float64) / 255
        airlight = airlight_of(image)
        coarse = 1.0 - KEPT_HAZE * dark_channel(image / airlight)
        transmission = guided_filter(luminance(image), coarse, RADIUS, EPSILON)
        through = np.maximum(transmission, LEAST_TRANSMISSION)[..., None]
        return quantise(255 * ((image - airlight) / through + airlight))


def dark_channel(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smallest value of any channel within a window around each pixel, `(H, W)` (equation 5)."""
    from scipy import ndimage

    darkest: NDArray[np.float64] = ndimage.minimum_filter(image.min(axis=2), PATCH, mode="nearest")
    return darkest


def airlight_of(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Colour of the brightest of the haziest pixels, `(3,)`, each at least a grey level."""
    darkest = dark_channel(image).ravel()
    count = max(1, int(BRIGHTEST * darkest.size))
    haziest = np.argpartition(darkest, -count)[-count:]
    candidates = image.reshape(-1, 3)[haziest]
    brightest: NDArray[np.float64] = candidates[candidates.sum(axis=1).argmax()]
    return np.maximum(brightest, 1 / 255)
