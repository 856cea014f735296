"""The Yang index (Qy): similarity to both sources where they agree, to the nearer one elsewhere.

Reference:
    C. Yang, J.-Q. Zhang, X.-R. Wang, X. Liu: "A novel similarity based quality metric for image fusion",
    Information Fusion 9(2), 2008.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import MeasuredImage, MetricCard, SourceImages, Uint8Image
from fusionbench_metrics.gaussian_window import Array, row_bands
from fusionbench_metrics.grey_images import check_grey
from fusionbench_metrics.local_similarity import (
    SimilarityIndex,
    kept_moments,
    kept_similarities,
    shares,
    similarities,
)
from fusionbench_metrics.measured_greys import measured_greys

AGREEMENT = 0.75
"""Similarity of the sources to each other from which a window counts as redundant."""

YANG = SimilarityIndex(size=7, sigma=1.5, luminance_constant=2e-16, contrast_constant=2e-16, flat=1e-6)
"""SSIM as the index takes it: 7x7 Gaussian, sigma 1.5, whole windows, constants that only define 0 / 0.

A window that is not constant has a variance above 0.001 (one corner pixel one level off), one that is has
rounding errors below 1e-9. Beside constants this small such errors would decide the similarity. As zeros they
leave 1 for two windows of one constant, and 0 for a constant beside a texture.
"""

MINIMUM_SIZE = YANG.minimum_size
"""One whole window."""


def yang_index(
    fused: Uint8Image, visible: Uint8Image, infrared: Uint8Image, index: SimilarityIndex = YANG
) -> float:
    """Mean over all windows of the similarity of the fused image to what the sources show there.

    Where the sources are similar to each other (SSIM of at least 0.75), that is the mean of the two
    similarities, weighted by the local variances of the sources; by halves where neither varies, since then
    neither says more than the other. Elsewhere it is the greater of the two.

    A mere copy of one source has at least 0.75, and 1 in every window where the sources differ.

    Args:
        fused: `(H, W)` grey uint8, at least 7x7.
        visible: `(H, W)` grey uint8.
        infrared: `(H, W)` grey uint8.
        index: Other constants or border, as another code base takes them; it has its own smallest size.

    Returns:
        From -1 to 1; 1 if all three are equal, or if the fused image equals either source and they are
        nowhere similar.

    Raises:
        ValueError: If an image is not grey uint8, is smaller than 7x7, or the sizes differ.
    """
    return measured_yang_index(*measured_greys(fused, visible, infrared), index)


def measured_yang_index(fused: MeasuredImage, sources: SourceImages, index: SimilarityIndex = YANG) -> float:
    """`yang_index` of images that keep what depends on them alone."""
    visible, infrared = sources.visible, sources.infrared
    check_grey(index.minimum_size, fused=fused.grey, visible=visible.grey, infrared=infrared.grey)
    weight, redundant = _kept_comparison(sources, index)
    to_visible, to_infrared = (each.per_window for each in kept_similarities(fused, sources, index))
    total = 0.0
    for band in row_bands(*weight.shape):
        first, second = to_visible[band], to_infrared[band]
        quality = np.maximum(first, second)
        mean = weight[band] * first + (1 - weight[band]) * second
        np.copyto(quality, mean, where=redundant[band])
        total += float(quality.sum())
    return total / weight.size


def _kept_comparison(sources: SourceImages, index: SimilarityIndex) -> tuple[Array, NDArray[np.bool_]]:
    """Weight of the visible image in every window, and whether the sources are similar there."""
    visible, infrared = sources.visible, sources.infrared

    def compute() -> tuple[Array, NDArray[np.bool_]]:
        first, second = kept_moments(visible, index), kept_moments(infrared, index)
        (between,) = similarities(visible.grey, [infrared.grey], [second], index)
        return shares(first.variance, second.variance), between.per_window >= AGREEMENT

    return infrared.once(("qy.comparison", visible, index), compute)


class YangIndex:
    """Qy of the fused image with both sources."""

    card = MetricCard(
        name="qy",
        title="Yang index",
        label="Qy",
        direction="higher",
        compares="sources",
        value_range=(-1.0, 1.0),
        minimum_size=MINIMUM_SIZE,
        summary="mean over 7x7 windows of the similarity to both sources where they agree (SSIM >= 0.75), "
        "to the nearer one elsewhere",
        reference="Yang et al., Information Fusion 2008",
        version="1",
        border="whole windows inside the image only",
        flat="two equal constants are similar by 1, a constant and a texture by 0",
        won_by="a copy of either source",
        example=0.329718,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image; see `yang_index`."""
        return measured_yang_index(fused, sources)
