"""The weighted Piella index (Qw): similarity to the sources where they show most.

Reference:
    G. Piella, H. Heijmans: "A new quality metric for image fusion", IEEE International Conference on Image
    Processing, 2003.
"""

from __future__ import annotations

from fusionbench.contracts import MeasuredImage, MetricCard, SourceImages, Uint8Image
from fusionbench_metrics.measured_greys import measured_greys
from fusionbench_metrics.piella import MINIMUM_SIZE, kept_quality


def piella_weighted_index(fused: Uint8Image, visible: Uint8Image, infrared: Uint8Image) -> float:
    """The Piella index with every window weighted by the greater local variance of the two sources.

    Everything else is as in `fusionbench_metrics.qs`. If neither source varies anywhere, no window shows more
    than another: all weigh the same, and the value is that of Qs.

    Args:
        fused: `(H, W)` grey uint8, at least 11x11.
        visible: `(H, W)` grey uint8.
        infrared: `(H, W)` grey uint8.

    Returns:
        From -1 to 1; 1 if all three are equal.

    Raises:
        ValueError: If an image is not grey uint8, is smaller than 11x11, or the sizes differ.
    """
    return kept_quality(*measured_greys(fused, visible, infrared)).weighted


class PiellaWeightedIndex:
    """Qw of the fused image with both sources."""

    card = MetricCard(
        name="qw",
        title="Piella index, weighted",
        label="Qw",
        direction="higher",
        compares="sources",
        value_range=(-1.0, 1.0),
        minimum_size=MINIMUM_SIZE,
        summary="Qs, every window weighted by the greater variance of the two sources there",
        reference="Piella & Heijmans, ICIP 2003",
        version="1",
        border="whole windows inside the image only",
        flat="as any other image; if both sources are constant, all windows weigh the same",
        example=0.493357,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image; see `piella_weighted_index`."""
        return kept_quality(fused, sources).weighted
