"""Spatial frequency (SF): how much neighbouring pixels of the fused image differ.

Reference:
    A. M. Eskicioglu, P. S. Fisher: "Image quality measures and their performance", IEEE Transactions on
    Communications 43(12), 1995, equation for row and column frequency.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import (
    MeasuredBatch,
    MeasuredImage,
    MetricCard,
    SourceBatch,
    SourceImages,
    Uint8Image,
)
from fusionbench_metrics.gaussian_window import row_bands
from fusionbench_metrics.grey_images import check_grey

if TYPE_CHECKING:
    import torch

MINIMUM_SIZE = 2
"""One difference along each axis."""


def spatial_frequency(fused: Uint8Image) -> float:
    """Root of the mean squared horizontal plus the mean squared vertical difference of neighbours.

    Each mean is over the differences there are, `H (W - 1)` and `(H - 1) W`; nothing is assumed beyond the
    border. (Other implementations divide both sums, `squared_differences`, by `H W`.)

    Args:
        fused: `(H, W)` grey uint8, at least 2x2.

    Returns:
        Grey levels, from 0 (a constant image) to 255 sqrt(2) (a checkerboard of black and white).

    Raises:
        ValueError: If the image is not grey uint8 or is smaller than 2x2.
    """
    check_grey(MINIMUM_SIZE, fused=fused)
    height, width = fused.shape
    horizontal, vertical = squared_differences(fused)
    return math.sqrt(horizontal / (height * (width - 1)) + vertical / ((height - 1) * width))


def squared_differences(fused: Uint8Image) -> tuple[int, int]:
    """Sums of the squared horizontal and of the squared vertical differences of neighbours, exact."""
    horizontal = vertical = 0
    for band in row_bands(*fused.shape):
        rows = band.stop - band.start
        part = fused[band.start : band.stop + 1].astype(np.int32)
        horizontal += _sum_of_squares(np.diff(part[:rows], axis=1))
        vertical += _sum_of_squares(np.diff(part, axis=0))
    return horizontal, vertical


def _sum_of_squares(differences: NDArray[np.int32]) -> int:
    return int((differences * differences).sum(dtype=np.int64))


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
        border="nothing beyond it: differences inside the image only",
        flat="0",
        rewards_noise=True,
        core=True,
        elsewhere="9.47499 in 8-bit arithmetic that saturates (one port)",
        example=39.1216,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:  # noqa: ARG002
        """Measure one image; see `spatial_frequency`."""
        return spatial_frequency(fused.grey)

    def measure_batch(self, fused: MeasuredBatch, sources: SourceBatch) -> torch.Tensor:  # noqa: ARG002
        """Measure a batch; see `spatial_frequency`."""
        from fusionbench_metrics.batched import differences as batched

        return batched.spatial_frequency(fused)
