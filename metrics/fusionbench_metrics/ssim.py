"""Structural similarity (SSIM) of the fused image with the two sources, their mean.

Reference:
    Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli: "Image quality assessment: from error visibility to
    structural similarity", IEEE Transactions on Image Processing 13(4), 2004, equation 13 and section III-C.
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
from fusionbench_metrics.local_similarity import WANG, SimilarityIndex, kept_similarities
from fusionbench_metrics.measured_greys import measured_greys

if TYPE_CHECKING:
    import torch

C1 = WANG.luminance_constant
"""`(K1 L)^2` with K1 = 0.01 and the full range L = 255."""

C2 = WANG.contrast_constant
"""`(K2 L)^2` with K2 = 0.03."""

MINIMUM_SIZE = WANG.minimum_size
"""One whole window."""


def structural_similarity(
    fused: Uint8Image, visible: Uint8Image, infrared: Uint8Image, index: SimilarityIndex = WANG
) -> float:
    """Mean of `SSIM(visible, fused)` and `SSIM(infrared, fused)`.

    Each is the mean over all positions where an 11x11 Gaussian window (sigma 1.5) lies wholly inside the
    image; variances are those of the window (no n - 1 correction), L = 255. C1 and C2 keep flat areas
    defined: two equal constants give 1.

    Args:
        fused: `(H, W)` grey uint8, at least 11x11.
        visible: `(H, W)` grey uint8.
        infrared: `(H, W)` grey uint8.
        index: Another window, border or range, as another code base takes them; it has its own smallest size.

    Returns:
        From -1 to 1; 1 only if all three are equal.

    Raises:
        ValueError: If an image is not grey uint8, is smaller than 11x11, or the sizes differ.
    """
    return measured_similarity(*measured_greys(fused, visible, infrared), index)


def measured_similarity(fused: MeasuredImage, sources: SourceImages, index: SimilarityIndex = WANG) -> float:
    """`structural_similarity` of images that keep what several metrics need of them."""
    visible, infrared = sources.visible, sources.infrared
    check_grey(index.minimum_size, fused=fused.grey, visible=visible.grey, infrared=infrared.grey)
    first, second = kept_similarities(fused, sources, index)
    return float(first.per_window.mean() + second.per_window.mean()) / 2


class StructuralSimilarity:
    """SSIM of the fused image with both sources."""

    card = MetricCard(
        name="ssim",
        title="Structural similarity",
        label="SSIM",
        direction="higher",
        compares="sources",
        value_range=(-1.0, 1.0),
        minimum_size=MINIMUM_SIZE,
        summary="mean of SSIM(visible, fused) and SSIM(infrared, fused): 11x11 Gaussian, sigma 1.5, L = 255",
        reference="Wang et al., IEEE TIP 2004, equation 13",
        version="1",
        border="whole windows inside the image only",
        flat="as any other image; two equal constants are similar by 1",
        core=True,
        elsewhere="0.615819 the sum under an 11x11 box window with zeros beyond the border (one port)",
        example=0.340383,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image; see `structural_similarity`."""
        return measured_similarity(fused, sources)

    def measure_batch(self, fused: MeasuredBatch, sources: SourceBatch) -> torch.Tensor:
        """Measure a batch; see `structural_similarity`."""
        from fusionbench_metrics.batched import similarity as batched

        return batched.structural_similarity(fused, sources)
