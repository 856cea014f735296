"""Fusion loss (Labf): edges of the sources that the fused image has lost. Lower is better.

Reference:
    B. K. Shreyamsha Kumar: "Multifocus and multispectral image fusion based on pixel significance using
    discrete cosine harmonic wavelet transform", Signal, Image and Video Processing 7(6), 2013.
"""

from __future__ import annotations

from fusionbench.contracts import MeasuredImage, MetricCard, SourceImages, Uint8Image
from fusionbench_metrics.edge_shares import MINIMUM_SIZE, edge_shares, kept_edge_shares


def fusion_loss(fused: Uint8Image, visible: Uint8Image, infrared: Uint8Image) -> float:
    """What is missing of the sources' edges where the fused image is not stronger than both, of all weight.

    The share `lost` of `edge_shares`, which has the formula; it, `nabf` and what is kept sum to one. (Some
    code counts only the pixels where the fused image is weaker than both sources.)

    Args:
        fused: `(H, W)` grey uint8, at least 3x3.
        visible: `(H, W)` grey uint8.
        infrared: `(H, W)` grey uint8.

    Returns:
        From 0 to 1, lower is better. 0 for any image that is steeper than both sources everywhere, whatever
        it shows, so that noise mostly lowers it; close to 1 if all three are constant.

    Raises:
        ValueError: If an image is not grey uint8, is smaller than 3x3, or the sizes differ.
    """
    return edge_shares(fused, visible, infrared).lost


class FusionLoss:
    """Labf of the fused image with both sources."""

    card = MetricCard(
        name="labf",
        title="Fusion loss",
        label="Labf",
        direction="lower",
        compares="sources",
        value_range=(0.0, 1.0),
        minimum_size=MINIMUM_SIZE,
        summary="share of the sources' edge weight missing where the fused Sobel edge is not the strongest; "
        "weights g^1.5 from g = 2 on, else 0.001",
        reference="Shreyamsha Kumar, Signal, Image and Video Processing 2013",
        version="1",
        border="mirrored at the edge pixel",
        flat="a constant fused image loses nearly everything; a constant source weighs 0.001 a pixel",
        rewards_noise=True,
        won_by="an image that is steep everywhere, such as black and white stripes",
        elsewhere="0.180979 with other constants (one port)",
        example=0.127109,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image; see `fusion_loss`."""
        return kept_edge_shares(fused, sources).lost
