"""Multi-scale structural similarity (MS-SSIM) of the fused image with the two sources, their mean.

Reference:
    Z. Wang, E. P. Simoncelli, A. C. Bovik: "Multiscale structural similarity for image quality assessment",
    37th Asilomar Conference on Signals, Systems and Computers, 2003, equation 7 and section 4.
"""

from __future__ import annotations

import math

from fusionbench.contracts import MeasuredImage, MetricCard, SourceImages, Uint8Image
from fusionbench_metrics.grey_images import check_grey
from fusionbench_metrics.half_scales import scale_views, smallest_side
from fusionbench_metrics.local_similarity import WANG, Similarity, SimilarityIndex, kept_similarities
from fusionbench_metrics.measured_greys import measured_greys

EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponent of each scale, from the finest (Wang et al., section 4)."""

MINIMUM_SIZE = smallest_side(WANG.size, len(EXPONENTS))
"""One whole window at the coarsest scale: 11, before it 21, 41, 81, 161."""

_SCALES = scale_views(len(EXPONENTS))


def multi_scale_similarity(fused: Uint8Image, visible: Uint8Image, infrared: Uint8Image) -> float:
    """Mean of `MS-SSIM(visible, fused)` and `MS-SSIM(infrared, fused)`.

    Each is a product over five scales, every one half the size of the one before by averages of 2x2 pixels
    (the last row or column of an odd size is averaged with itself): the mean of SSIM's second factor, which
    leaves luminance out, at the first four and the mean of SSIM itself at the fifth, to the powers
    `EXPONENTS`. They add up to 1.0001, as published. Windows and constants are those of SSIM: 11x11 Gaussian,
    sigma 1.5, wholly inside the image, L = 255.

    A mean below zero, of a fused image that turns the structure of a source round, has no real power: it
    counts as 0, and so does the product then.

    Args:
        fused: `(H, W)` grey uint8, at least 161x161.
        visible: `(H, W)` grey uint8.
        infrared: `(H, W)` grey uint8.

    Returns:
        From 0 to 1; 1 only if all three are equal. Two constants are compared by luminance alone.

    Raises:
        ValueError: If an image is not grey uint8, is smaller than 161x161, or the sizes differ.
    """
    return measured_multi_scale_similarity(*measured_greys(fused, visible, infrared))


def measured_multi_scale_similarity(
    fused: MeasuredImage, sources: SourceImages, index: SimilarityIndex = WANG
) -> float:
    """`multi_scale_similarity` of images that keep what several metrics need of them.

    Args:
        fused: The fused image.
        sources: The images it is compared with.
        index: Another range L or variance, as another code base takes it.
    """
    visible, infrared = sources.visible, sources.infrared
    check_grey(MINIMUM_SIZE, fused=fused.grey, visible=visible.grey, infrared=infrared.grey)
    at_scales = [kept_similarities(fused, sources, index, view) for view in _SCALES]
    return sum(_product(of_source) for of_source in zip(*at_scales, strict=True)) / 2


def _product(scales: tuple[Similarity, ...]) -> float:
    means = [*(scale.contrast for scale in scales[:-1]), float(scales[-1].per_window.mean())]
    return math.prod(math.pow(max(0.0, mean), power) for mean, power in zip(means, EXPONENTS, strict=True))


class MultiScaleSimilarity:
    """MS-SSIM of the fused image with both sources."""

    card = MetricCard(
        name="ms_ssim",
        title="Multi-scale structural similarity",
        label="MS-SSIM",
        direction="higher",
        compares="sources",
        value_range=(0.0, 1.0),
        minimum_size=MINIMUM_SIZE,
        summary="mean of MS-SSIM(visible, fused) and MS-SSIM(infrared, fused): 5 scales, windows of SSIM",
        reference="Wang, Simoncelli & Bovik, Asilomar 2003, equation 7",
        version="1",
        border="whole windows inside the image only",
        flat="as any other image; two equal constants are similar by 1",
        elsewhere="0 always (one port, which returns a constant)",
        example=0.460186,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image; see `multi_scale_similarity`."""
        return measured_multi_scale_similarity(fused, sources)
