"""The Piella index (Qs): similarity to the sources, to each as much as it shows in a window.

Reference:
    G. Piella, H. Heijmans: "A new quality metric for image fusion", IEEE International Conference on Image
    Processing, 2003.
"""

from __future__ import annotations

from fusionbench.contracts import MeasuredImage, MetricCard, SourceImages, Uint8Image
from fusionbench_metrics.measured_greys import measured_greys
from fusionbench_metrics.piella import MINIMUM_SIZE, kept_quality


def piella_index(fused: Uint8Image, visible: Uint8Image, infrared: Uint8Image) -> float:
    """Mean over all windows of the similarities to the sources, weighted by the sources' local variances.

    Similarity is SSIM with its 11x11 Gaussian window wholly inside the image and its constants (the paper has
    Wang and Bovik's earlier index, which is undefined on flat windows; implementations take SSIM). Where
    neither source varies, both count by half.

    Args:
        fused: `(H, W)` grey uint8, at least 11x11.
        visible: `(H, W)` grey uint8.
        infrared: `(H, W)` grey uint8.

    Returns:
        From -1 to 1; 1 if all three are equal.

    Raises:
        ValueError: If an image is not grey uint8, is smaller than 11x11, or the sizes differ.
    """
    return kept_quality(*measured_greys(fused, visible, infrared)).plain


class PiellaIndex:
    """Qs of the fused image with both sources."""

    card = MetricCard(
        name="qs",
        title="Piella index",
        label="Qs",
        direction="higher",
        compares="sources",
        value_range=(-1.0, 1.0),
        minimum_size=MINIMUM_SIZE,
        summary="mean of SSIM to both sources, weighted in every window by the sources' variances there",
        reference="Piella & Heijmans, ICIP 2003",
        version="1",
        border="whole windows inside the image only",
        flat="as any other image; windows in which neither source varies count both by half",
        example=0.408565,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image; see `piella_index`."""
        return kept_quality(fused, sources).plain
