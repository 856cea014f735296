"""Edge intensity (EI): the mean strength of the edges of the fused image.

Reference:
    B. Rajalingam, R. Priya: "Hybrid multimodality medical image fusion technique for feature enhancement in
    medical diagnosis", International Journal of Engineering Science Invention 2, 2018, is what the field
    cites; the formula is the mean Sobel magnitude.
"""

from __future__ import annotations

import math

from fusionbench.contracts import MeasuredImage, MetricCard, SourceImages, Uint8Image
from fusionbench_metrics.gradients import Border, magnitude_sum, sobel_differences
from fusionbench_metrics.grey_images import check_grey

MINIMUM_SIZE = 3
"""One Sobel window."""


def edge_intensity(fused: Uint8Image, border: Border = "replicate") -> float:
    """Mean of `sqrt(sx^2 + sy^2)` over all pixels, s being the 3x3 Sobel window, not divided by its sum.

    Args:
        fused: `(H, W)` grey uint8, at least 3x3.
        border: What lies beyond the image. With "zero", the border of a bright image is an edge itself.

    Returns:
        From 0 (a constant image; not so with a border of "zero"); no pixel can have more than 255 sqrt(20).

    Raises:
        ValueError: If the image is not grey uint8 or is smaller than 3x3.
    """
    check_grey(MINIMUM_SIZE, fused=fused)
    return magnitude_sum(sobel_differences(fused, border)) / fused.size


class EdgeIntensity:
    """EI of the fused image."""

    card = MetricCard(
        name="ei",
        title="Edge intensity",
        label="EI",
        direction="higher",
        compares="fused",
        value_range=(0.0, 255.0 * math.sqrt(20.0)),
        minimum_size=MINIMUM_SIZE,
        summary="mean over all pixels of the Sobel magnitude sqrt(sx^2 + sy^2)",
        reference="mean Sobel magnitude; cited in fusion after Rajalingam & Priya 2018",
        version="1",
        border="edge pixels repeated",
        flat="0",
        rewards_noise=True,
        example=107.716,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:  # noqa: ARG002
        """Measure one image; see `edge_intensity`."""
        return edge_intensity(fused.grey)
