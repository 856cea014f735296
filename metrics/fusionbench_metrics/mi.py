"""Mutual information (MI): what the grey levels of the fused image tell about those of the two sources.

Reference:
    G. Qu, D. Zhang, P. Yan: "Information measure for performance of image fusion", Electronics Letters 38(7),
    2002, equations 1 to 3.
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
from fusionbench_metrics.histogram import joint_histogram
from fusionbench_metrics.information import Information, information, kept_information

if TYPE_CHECKING:
    import torch

MINIMUM_SIZE = 1


def mutual_information(fused: Uint8Image, visible: Uint8Image, infrared: Uint8Image) -> float:
    """Sum of the mutual information of the fused image with either source, `H(S) + H(F) - H(S, F)`.

    All 256 levels have their own bin in the joint histogram too. (A much used implementation merges 254 and
    255 there; others report nats: multiply by ln 2 for theirs.)

    No image has more than `H(fused) + MI(visible, infrared)`, and a mere copy of a source has all of that.

    Args:
        fused: `(H, W)` grey uint8, any size.
        visible: `(H, W)` grey uint8.
        infrared: `(H, W)` grey uint8.

    Returns:
        Bits, from 0 (a constant fused image, or two constant sources) to 16.

    Raises:
        ValueError: If an image is not grey uint8, is empty, or the sizes differ.
    """
    check_grey(MINIMUM_SIZE, fused=fused, visible=visible, infrared=infrared)
    return _sum_of_shared(
        information(joint_histogram(visible, fused)), information(joint_histogram(infrared, fused))
    )


def _sum_of_shared(with_visible: Information, with_infrared: Information) -> float:
    return with_visible.shared + with_infrared.shared


class MutualInformation:
    """MI of the fused image with both sources."""

    card = MetricCard(
        name="mi",
        title="Mutual information",
        label="MI",
        direction="higher",
        compares="sources",
        value_range=(0.0, 16.0),
        minimum_size=MINIMUM_SIZE,
        summary="MI(visible, fused) + MI(infrared, fused) from 256-bin histograms, in bits",
        reference="Qu, Zhang & Yan, Electronics Letters 2002, equations 1-3",
        version="1",
        flat="a constant fused image 0; a constant source adds 0",
        core=True,
        elsewhere="3.99209 under this name is a cross entropy (one port)",
        example=3.5875,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image; see `mutual_information`."""
        visible, infrared = sources.visible, sources.infrared
        check_grey(MINIMUM_SIZE, fused=fused.grey, visible=visible.grey, infrared=infrared.grey)
        return _sum_of_shared(kept_information(visible, fused), kept_information(infrared, fused))

    def measure_batch(self, fused: MeasuredBatch, sources: SourceBatch) -> torch.Tensor:
        """Measure a batch; see `mutual_information`."""
        from fusionbench_metrics.batched import histograms as batched

        return batched.mutual_information(fused, sources)
