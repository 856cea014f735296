"""Standard deviation (SD): the global contrast of the fused image.

Reference:
    Y.-J. Rao: "In-fibre Bragg grating sensors", Measurement Science and Technology 8(4), 1997, is what the
    field cites; the formula is the population standard deviation.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fusionbench.contracts import (
    MeasuredBatch,
    MeasuredImage,
    MetricCard,
    SourceBatch,
    SourceImages,
    Uint8Image,
)
from fusionbench_metrics.grey_images import check_grey
from fusionbench_metrics.histogram import Counts, histogram, kept_histogram
from fusionbench_metrics.moments import moments

if TYPE_CHECKING:
    import torch

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
    exact = moments(counts)
    return math.sqrt(exact.scatter) / exact.pixels


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
        flat="0",
        rewards_noise=True,
        core=True,
        elsewhere="67.4770 divided by n - 1 (two ports)",
        example=67.4769,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:  # noqa: ARG002
        """Measure one image; see `standard_deviation`."""
        check_grey(MINIMUM_SIZE, fused=fused.grey)
        return _deviation(kept_histogram(fused))

    def measure_batch(self, fused: MeasuredBatch, sources: SourceBatch) -> torch.Tensor:  # noqa: ARG002
        """Measure a batch; see `standard_deviation`."""
        from fusionbench_metrics.batched import moments as batched

        return batched.standard_deviation(fused)
