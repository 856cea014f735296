"""Normalised mutual information (NMI): mutual information relative to what the images have to share.

Reference:
    M. Hossny, S. Nahavandi, D. Creighton: "Comments on 'Information measure for performance of image
    fusion'", Electronics Letters 44(18), 2008.
"""

from __future__ import annotations

from fusionbench.contracts import MeasuredImage, MetricCard, SourceImages, Uint8Image
from fusionbench_metrics.grey_images import check_grey
from fusionbench_metrics.histogram import joint_histogram
from fusionbench_metrics.information import Information, information, kept_information

MINIMUM_SIZE = 1


def normalised_mutual_information(fused: Uint8Image, visible: Uint8Image, infrared: Uint8Image) -> float:
    """`2 [MI(A, F) / (H(A) + H(F)) + MI(B, F) / (H(B) + H(F))]`, from 256-bin histograms.

    The images are taken as they are, without stretching their grey levels. A mere copy of either source has
    a high value, `1 + 2 MI(A, B) / (H(A) + H(B))`.

    Where source and fused image are both constant, 0 / 0 has no value: the term counts as 0, because they
    share no information.

    Args:
        fused: `(H, W)` grey uint8, any size.
        visible: `(H, W)` grey uint8.
        infrared: `(H, W)` grey uint8.

    Returns:
        From 0 to 2 (three equal images that are not constant).

    Raises:
        ValueError: If an image is not grey uint8, is empty, or the sizes differ.
    """
    check_grey(MINIMUM_SIZE, fused=fused, visible=visible, infrared=infrared)
    return _sum_of_shares(
        information(joint_histogram(visible, fused)), information(joint_histogram(infrared, fused))
    )


def _sum_of_shares(with_visible: Information, with_infrared: Information) -> float:
    return 2 * (_share(with_visible) + _share(with_infrared))


def _share(pair: Information) -> float:
    available = pair.first + pair.second
    return pair.shared / available if available > 0 else 0.0


class NormalisedMutualInformation:
    """NMI of the fused image with both sources."""

    card = MetricCard(
        name="nmi",
        title="Normalised mutual information",
        label="NMI",
        direction="higher",
        compares="sources",
        value_range=(0.0, 2.0),
        minimum_size=MINIMUM_SIZE,
        summary="2 [MI(A,F) / (H(A) + H(F)) + MI(B,F) / (H(B) + H(F))] from 256-bin histograms",
        reference="Hossny, Nahavandi & Creighton, Electronics Letters 2008",
        version="1",
        flat="a constant fused image 0; a constant source counts as 0",
        example=0.501425,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image; see `normalised_mutual_information`."""
        visible, infrared = sources.visible, sources.infrared
        check_grey(MINIMUM_SIZE, fused=fused.grey, visible=visible.grey, infrared=infrared.grey)
        return _sum_of_shares(kept_information(visible, fused), kept_information(infrared, fused))
