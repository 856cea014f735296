"""Entropy (EN): how much information the grey levels of the fused image carry, wherever they stand.

Reference:
    J. W. Roberts, J. van Aardt, F. Ahmed: "Assessment of image fusion procedures using entropy, image
    quality, and multispectral classification", Journal of Applied Remote Sensing 2(1), 2008, section 2.
"""

from __future__ import annotations

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
from fusionbench_metrics.histogram import entropy_bits, histogram, kept_histogram

if TYPE_CHECKING:
    import torch

MINIMUM_SIZE = 1


def entropy(fused: Uint8Image) -> float:
    """Shannon entropy of the 256 grey levels, `-sum p log2 p`.

    Args:
        fused: `(H, W)` grey uint8, any size.

    Returns:
        Bits, from 0 (a constant image) to 8 (all levels equally often).

    Raises:
        ValueError: If the image is not grey uint8 or is empty.
    """
    check_grey(MINIMUM_SIZE, fused=fused)
    return entropy_bits(histogram(fused))


class Entropy:
    """EN of the fused image."""

    card = MetricCard(
        name="en",
        title="Entropy",
        label="EN",
        direction="higher",
        compares="fused",
        value_range=(0.0, 8.0),
        minimum_size=MINIMUM_SIZE,
        summary="-sum p log2 p over the 256 grey levels, in bits",
        reference="Roberts et al., Journal of Applied Remote Sensing 2008",
        version="1",
        flat="0",
        rewards_noise=True,
        core=True,
        elsewhere="7.88505 where levels 0 and 1 are merged (one port)",
        example=7.88517,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:  # noqa: ARG002
        """Measure one image; see `entropy`."""
        check_grey(MINIMUM_SIZE, fused=fused.grey)
        return entropy_bits(kept_histogram(fused))

    def measure_batch(self, fused: MeasuredBatch, sources: SourceBatch) -> torch.Tensor:  # noqa: ARG002
        """Measure a batch; see `entropy`."""
        from fusionbench_metrics.batched import histograms as batched

        return batched.entropy(fused)
