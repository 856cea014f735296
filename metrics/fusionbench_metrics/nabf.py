"""Fusion artifacts (Nabf): edges of the fused image that are in neither source. Lower is better.

Reference:
    B. K. Shreyamsha Kumar: "Multifocus and multispectral image fusion based on pixel significance using
    discrete cosine harmonic wavelet transform", Signal, Image and Video Processing 7(6), 2013.
"""

from __future__ import annotations

from fusionbench.contracts import MeasuredImage, MetricCard, SourceImages, Uint8Image
from fusionbench_metrics.edge_shares import MINIMUM_SIZE, edge_shares, kept_edge_shares


def fusion_artifacts(fused: Uint8Image, visible: Uint8Image, infrared: Uint8Image) -> float:
    """What differs from the sources' edges where the fused image is stronger than both, of all edge weight.

    The share `added` of `edge_shares`, which has the formula; it, `labf` and what is kept sum to one. (A much
    used toolbox passes its images in another order, and so measures the infrared image against the visible
    and the fused one.)

    Args:
        fused: `(H, W)` grey uint8, at least 3x3.
        visible: `(H, W)` grey uint8.
        infrared: `(H, W)` grey uint8.

    Returns:
        From 0 to 1, lower is better. 0 for any image that is nowhere steeper than both sources, such as a
        source itself or a constant.

    Raises:
        ValueError: If an image is not grey uint8, is smaller than 3x3, or the sizes differ.
    """
    return edge_shares(fused, visible, infrared).added


class FusionArtifacts:
    """Nabf of the fused image with both sources."""

    card = MetricCard(
        name="nabf",
        title="Fusion artifacts",
        label="Nabf",
        direction="lower",
        compares="sources",
        value_range=(0.0, 1.0),
        minimum_size=MINIMUM_SIZE,
        summary="share of the sources' edge weight that differs where the fused Sobel edge is the strongest; "
        "weights g^1.5 from g = 2 on, else 0.001",
        reference="Shreyamsha Kumar, Signal, Image and Video Processing 2013",
        version="1",
        border="mirrored at the edge pixel",
        flat="a constant fused image 0; a constant source weighs 0.001 a pixel",
        won_by="a constant image, or a mere copy of a source",
        elsewhere="0.369005 and 0.480221 from other scales, angles and constants (two ports)",
        example=0.351122,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image; see `fusion_artifacts`."""
        return kept_edge_shares(fused, sources).added
