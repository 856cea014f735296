"""Average gradient (AG): how steep the grey levels of the fused image are.

Reference:
    G. Cui, H. Feng, Z. Xu, Q. Li, Y. Chen: "Detail preserved fusion of visible and infrared images using
    regional saliency extraction and multi-scale image decomposition", Optics Communications 341, 2015, is
    what the field cites.
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
from fusionbench_metrics.gradients import central_differences, magnitude_sum
from fusionbench_metrics.grey_images import check_grey

if TYPE_CHECKING:
    import torch

MINIMUM_SIZE = 2
"""One difference along each axis."""


def average_gradient(fused: Uint8Image) -> float:
    """Mean of `sqrt((gx^2 + gy^2) / 2)` over all pixels.

    The gradient is the central difference `(f(x + 1) - f(x - 1)) / 2`, at the border the one-sided one,
    `f(1) - f(0)`. (Other implementations divide the same sum, `gradient_sum`, by `(H - 1) (W - 1)`.)

    Args:
        fused: `(H, W)` grey uint8, at least 2x2.

    Returns:
        Grey levels a pixel, from 0 (a constant image) to 255 (black and white on a 2x2 checkerboard).

    Raises:
        ValueError: If the image is not grey uint8 or is smaller than 2x2.
    """
    return gradient_sum(fused) / fused.size


def gradient_sum(fused: Uint8Image) -> float:
    """Sum of `sqrt((gx^2 + gy^2) / 2)` over all pixels; see `average_gradient`."""
    check_grey(MINIMUM_SIZE, fused=fused)
    return magnitude_sum(central_differences(fused)) / (2 * math.sqrt(2))


class AverageGradient:
    """AG of the fused image."""

    card = MetricCard(
        name="ag",
        title="Average gradient",
        label="AG",
        direction="higher",
        compares="fused",
        value_range=(0.0, 255.0),
        minimum_size=MINIMUM_SIZE,
        summary="mean over all pixels of sqrt((gx^2 + gy^2) / 2), g the central difference of neighbours",
        reference="Cui et al., Optics Communications 2015",
        version="1",
        border="one-sided differences",
        flat="0",
        rewards_noise=True,
        core=True,
        elsewhere="15.69 and 15.63 from forward differences (two ports)",
        example=11.4575,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:  # noqa: ARG002
        """Measure one image; see `average_gradient`."""
        return average_gradient(fused.grey)

    def measure_batch(self, fused: MeasuredBatch, sources: SourceBatch) -> torch.Tensor:  # noqa: ARG002
        """Measure a batch; see `average_gradient`."""
        from fusionbench_metrics.batched import differences as batched

        return batched.average_gradient(fused)
