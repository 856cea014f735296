"""Spatial frequency (SF): how much neighbouring pixels of the fused image differ.

Reference:
    A. M. Eskicioglu, P. S. Fisher: "Image quality measures and their performance", IEEE Transactions on
    Communications 43(12), 1995, equation for row and column frequency.
"""

from __future__ import annotations

import math

import numpy as np

from fusionbench.contracts import MeasuredImage, MetricCard, SourceImages, Uint8Image
from fusionbench_metrics.grey_images import check_grey

MINIMUM_SIZE = 2
"""One difference along each axis."""


def spatial_frequency(fused: Uint8Image) -> float:
    """Root of the mean squared horizontal plus the mean squared vertical difference of neighbours.

    Each mean is over the differences there are, `H (W - 1)` and `(H - 1) W`; nothing is assumed beyond the
    border. The sums are exact integers.

    Args:
        fused: `(H, W)` grey uint8, at least 2x2.

    Returns:
        Grey levels, from 0 (a constant image) to 255 sqrt(2) (a checkerboard of black and white).

    Raises:
        ValueError: If the image is not grey uint8 or is smaller than 2x2.
    """
    check_grey(MINIMUM_SIZE, fused=fused)
    return math.sqrt(
        _mean_square_difference(fused[:, 1:], fused[:, :-1]) + _mean_square_difference(fused[1:], fused[:-1])
    )


def _mean_square_difference(first: Uint8Image, second: Uint8Image) -> float:
    difference = np.subtract(first, second, dtype=np.int32)
    difference *= difference
    return int(difference.sum(dtype=np.int64)) / difference.size


class SpatialFrequency:
    """SF of the fused image."""

    card = MetricCard(
        name="sf",
        title="Spatial frequency",
        label="SF",
        direction="higher",
        compares="fused",
        value_range=(0.0, 255.0 * math.sqrt(2.0)),
        minimum_size=MINIMUM_SIZE,
        summary="sqrt(mean squared horizontal + mean squared vertical difference of neighbours)",
        reference="Eskicioglu & Fisher, IEEE Transactions on Communications 1995",
        version="1",
        rewards_noise=True,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:  # noqa: ARG002
        """Measure one image; see `spatial_frequency`."""
        return spatial_frequency(fused.grey)
