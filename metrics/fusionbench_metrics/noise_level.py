"""Noise level: the standard deviation of white noise in the fused image, estimated from the image alone.

Reference:
    D. L. Donoho, I. M. Johnstone: "Ideal spatial adaptation by wavelet shrinkage", Biometrika 81(3), 1994,
    section 4.2, with the wavelet and the treatment of zeros of scikit-image's `estimate_sigma`.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from fusionbench.contracts import MeasuredImage, MetricCard, SourceImages, Uint8Image
from fusionbench_metrics.gaussian_window import Array
from fusionbench_metrics.grey_images import check_grey

HIGH_PASS = tuple(
    term / (4 * math.sqrt(2))
    for term in (math.sqrt(3) - 1, 3 - math.sqrt(3), -3 - math.sqrt(3), 1 + math.sqrt(3))
)
"""Daubechies' high-pass filter with two vanishing moments (db2)."""

MEDIAN_OF_NORMAL = NormalDist().inv_cdf(0.75)
"""Median magnitude of standard normal values, 0.6745."""

FLAT = 1e-9
"""Coefficients below this are rounding and count as zero."""

MINIMUM_SIZE = 4
"""One whole filter."""


def noise_level(fused: Uint8Image) -> float:
    """Median magnitude of the finest diagonal wavelet coefficients that are not zero, over 0.6745.

    The wavelet is Daubechies' with four taps (db2), the image is mirrored at its edge. Coefficients are zero
    where the image is flat or saturated: there is no telling how much noise was there. scikit-image leaves
    zeros out likewise, but misses those that rounding made 1e-14; its values are lower where there are many.

    Args:
        fused: `(H, W)` grey uint8, at least 4x4.

    Returns:
        Grey levels, from 0; white noise of standard deviation s on a smooth image gives about s. Fine texture
        counts as noise too. 0 for an image without any coefficient, such as a constant one.

    Raises:
        ValueError: If the image is not grey uint8 or is smaller than 4x4.
    """
    check_grey(MINIMUM_SIZE, fused=fused)
    magnitudes = np.abs(_detail(_detail(fused.astype(np.float64)).T))
    magnitudes = magnitudes[magnitudes > FLAT]
    return float(np.median(magnitudes)) / MEDIAN_OF_NORMAL if magnitudes.size else 0.0


def _detail(image: Array) -> Array:
    """High-pass filter down the columns, at every second position."""
    reach = len(HIGH_PASS) - 1
    padded = np.pad(image, ((reach - 1, reach), (0, 0)), mode="symmetric")
    positions = (image.shape[0] + reach) // 2
    detail = np.zeros((positions, image.shape[1]))
    for offset, tap in enumerate(HIGH_PASS):
        detail += tap * padded[offset : offset + 2 * positions - 1 : 2]
    return detail


class NoiseLevel:
    """Noise level of the fused image."""

    card = MetricCard(
        name="noise",
        title="Noise level",
        label="Noise",
        direction="lower",
        compares="fused",
        value_range=(0.0, math.inf),
        minimum_size=MINIMUM_SIZE,
        summary="median magnitude of the finest diagonal db2 wavelet coefficients that are not 0, / 0.6745",
        reference="Donoho & Johnstone, Biometrika 1994, as scikit-image's estimate_sigma",
        version="1",
        border="mirrored, edge pixel included",
        flat="0: a constant image has no noise",
        won_by="a constant image, and any that is smooth",
        example=1.29062,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:  # noqa: ARG002
        """Measure one image, in grey; see `noise_level`."""
        return noise_level(fused.grey)
