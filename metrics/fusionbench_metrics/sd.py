"""Standard deviation (SD): the global contrast of the fused image.

Reference:
    Y.-J. Rao: "In-fibre Bragg grating sensors", Measurement Science and Technology 8(4), 1997, is what the
    field cites; the formula is the population standard deviation.
"""

from __future__ import annotations

import math

import numpy as np

from fusionbench.contracts import MeasuredImage, MetricCard, SourceImages, Uint8Image
from fusionbench_metrics.grey_images import check_grey
from fusionbench_metrics.histogram import LEVELS, Counts, histogram, kept_histogram

MINIMUM_SIZE = 1


def standard_deviation(fused: Uint8Image) -> float:
    """Population standard deviation of the grey levels, `sqrt(mean (F - mean F)^2)` (ddof 0).

    Args:
        fused: `(H, W)` grey uint8, any size.

    Returns:
        Grey levels, from 0 (a constant image) to 127.5 (half black, half white).

    Raises:
        ValueError: If the image is not grey uint8 or is empty.
    """
    check_grey(MINIMUM_SIZE, fused=fused)
    return _deviation(histogram(fused))


def _deviation(counts: Counts) -> float:
    # From the histogram, the two power sums are exact integers: 255^2 times the pixel count fits in 64 bits.
    levels = np.arange(LEVELS, dtype=np.int64)
    pixels = int(counts.sum())
    total = int((counts * levels).sum())
    total_of_squares = int((counts * levels * levels).sum())
    return math.sqrt(pixels * total_of_squares - total * total) / pixels


class StandardDeviation:
    """SD of the fused image."""

    card = MetricCard(
        name="sd",
        title="Standard deviation",
        label="SD",
        direction="higher",
        compares="fused",
        value_range=(0.0, 127.5),
        minimum_size=MINIMUM_SIZE,
        summary="population standard deviation of the grey levels (0..255)",
        reference="population standard deviation; cited in fusion after Rao 1997",
        version="1",
        rewards_noise=True,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:  # noqa: ARG002
        """Measure one image; see `standard_deviation`."""
        check_grey(MINIMUM_SIZE, fused=fused.grey)
        return _deviation(kept_histogram(fused))
