"""Mutual information (MI): what the grey levels of the fused image tell about those of the two sources.

Reference:
    G. Qu, D. Zhang, P. Yan: "Information measure for performance of image fusion", Electronics Letters 38(7),
    2002, equations 1 to 3.
"""

from __future__ import annotations

from fusionbench.contracts import MeasuredImage, MetricCard, SourceImages, Uint8Image
from fusionbench_metrics.grey_images import check_grey
from fusionbench_metrics.histogram import Counts, entropy_bits, histogram, joint_histogram, kept_histogram

MINIMUM_SIZE = 1


def mutual_information(fused: Uint8Image, visible: Uint8Image, infrared: Uint8Image) -> float:
    """Sum of the mutual information of the fused image with either source, `H(S) + H(F) - H(S, F)`.

    All 256 levels have their own bin in the joint histogram too. (A much used implementation merges 254 and
    255 there; others report nats: multiply by ln 2 for theirs.)

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
    fused_histogram = histogram(fused)
    return sum(
        _shared_bits(entropy_bits(histogram(source)), entropy_bits(fused_histogram), joint)
        for source, joint in ((image, joint_histogram(image, fused)) for image in (visible, infrared))
    )


def _shared_bits(source_entropy: float, fused_entropy: float, joint: Counts) -> float:
    # Rounding can leave a tiny negative number where the images are independent.
    return max(0.0, source_entropy + fused_entropy - entropy_bits(joint))


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
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image; see `mutual_information`."""
        visible, infrared = sources.visible, sources.infrared
        check_grey(MINIMUM_SIZE, fused=fused.grey, visible=visible.grey, infrared=infrared.grey)
        fused_entropy = entropy_bits(kept_histogram(fused))
        return sum(
            _shared_bits(
                entropy_bits(kept_histogram(source)), fused_entropy, joint_histogram(source.grey, fused.grey)
            )
            for source in (visible, infrared)
        )
