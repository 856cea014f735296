"""Chen-Varshney quality (Qcv): visible differences from the sources where they are salient. Lower is better.

Reference:
    H. Chen, P. K. Varshney: "A human perception inspired quality metric for image fusion based on regional
    information", Information Fusion 8(2), 2007.
"""

from __future__ import annotations

import math

import numpy as np

from fusionbench.contracts import MeasuredImage, MetricCard, SourceImages, Uint8Image
from fusionbench_metrics.contrast_sensitivity import Array, cycles_per_degree, filtered, stretched
from fusionbench_metrics.grey_images import check_grey
from fusionbench_metrics.qabf import sobel_edges

BLOCK = 16
"""Side of a region in pixels."""

VISUAL_ANGLE = 4.0
"""Degrees under which the eye sees the width, and the height, of the image."""

GAIN, OFFSET, SLOPE, DECAY = 2.6, 0.0192, 0.144, 1.1
"""The contrast sensitivity `GAIN (OFFSET + SLOPE r) exp(-(SLOPE r) ** DECAY)` of the frequency r in cycles
per degree. Mannos and Sakrison, whose model it is, have 0.114 where the metric has 0.144."""

MINIMUM_SIZE = BLOCK
"""One whole region."""


def chen_varshney(fused: Uint8Image, visible: Uint8Image, infrared: Uint8Image) -> float:
    """Mean squared visible difference from either source by region, weighted by the source's saliency.

    Each image is stretched to 0..255. For every region of 16x16 pixels, counted from the upper left corner,
    and either source S, the saliency is the sum of `g^5` with Sobel strength g of S (zeros beyond the
    border), and the difference is the mean square of S - F, filtered periodically by the contrast
    sensitivity. The value is `sum(saliency * difference) / sum(saliency)` over regions and sources.

    Regions that the right or lower border cuts off count with the pixels they have.

    Args:
        fused: `(H, W)` grey uint8, at least 16x16.
        visible: `(H, W)` grey uint8.
        infrared: `(H, W)` grey uint8.

    Returns:
        From 0 (three equal images), lower is better; NaN if both sources are constant, because then nothing
        is salient.

    Raises:
        ValueError: If an image is not grey uint8, is smaller than 16x16, or the sizes differ.
    """
    check_grey(MINIMUM_SIZE, fused=fused, visible=visible, infrared=infrared)
    return _difference(
        perceived(fused), (perceived(visible), perceived(infrared)), (saliency(visible), saliency(infrared))
    )


def perceived(image: Uint8Image) -> Array:
    """The image, stretched to 0..255, as the eye's contrast sensitivity lets it pass, `(H, W)`.

    Filtering is linear: a filtered difference is the difference of filtered images.
    """
    rows, columns = image.shape
    vertical = cycles_per_degree(rows, VISUAL_ANGLE)
    horizontal = cycles_per_degree(columns, VISUAL_ANGLE)[: columns // 2 + 1]
    scaled = np.hypot(vertical[:, None], horizontal)
    scaled *= SLOPE
    sensitivity = np.exp(-(scaled**DECAY))
    scaled += OFFSET
    scaled *= GAIN
    sensitivity *= scaled
    return filtered(stretched(image), sensitivity)


def saliency(source: Uint8Image) -> Array:
    """Sum of the Sobel strengths to the power 5 for each region of the stretched source."""
    strength = sobel_edges(stretched(source)).strength
    square = strength * strength
    strength *= square
    strength *= square
    return _sums_by_region(strength)


def _difference(fused: Array, sources: tuple[Array, ...], saliencies: tuple[Array, ...]) -> float:
    total = sum(float(weights.sum()) for weights in saliencies)
    if total == 0:
        return math.nan
    pixels = np.multiply.outer(*(_sums_by_region(np.ones((1, side)))[0] for side in fused.shape))
    visible_difference = 0.0
    for source, weights in zip(sources, saliencies, strict=True):
        squared = source - fused
        squared *= squared
        visible_difference += float((weights * (_sums_by_region(squared) / pixels)).sum())
    return visible_difference / total


def _sums_by_region(values: Array) -> Array:
    rows, columns = (np.arange(0, side, BLOCK) for side in values.shape)
    by_rows: Array = np.add.reduceat(values, rows, axis=0)
    sums: Array = np.add.reduceat(by_rows, columns, axis=1)
    return sums


def _kept_perceived(image: MeasuredImage) -> Array:
    return image.once("qcv.perceived", lambda: perceived(image.grey))


def _kept_saliency(source: MeasuredImage) -> Array:
    return source.once("qcv.saliency", lambda: saliency(source.grey))


class ChenVarshney:
    """Qcv of the fused image with both sources."""

    card = MetricCard(
        name="qcv",
        title="Chen-Varshney quality",
        label="Qcv",
        direction="lower",
        compares="sources",
        value_range=(0.0, math.inf),
        minimum_size=MINIMUM_SIZE,
        summary="mean squared difference after contrast sensitivity in 16x16 regions, weighted by the "
        "sources' Sobel strength to the power 5; levels stretched to 0..255",
        reference="Chen & Varshney, Information Fusion 2007",
        version="1",
        border="zeros beyond it for Sobel, repeated for the sensitivity; cut regions count as they are",
        flat="a constant fused image counts as black, a constant source has no weight; two have no value",
        example=1122.09,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image; see `chen_varshney`."""
        visible, infrared = sources.visible, sources.infrared
        check_grey(MINIMUM_SIZE, fused=fused.grey, visible=visible.grey, infrared=infrared.grey)
        return _difference(
            _kept_perceived(fused),
            (_kept_perceived(visible), _kept_perceived(infrared)),
            (_kept_saliency(visible), _kept_saliency(infrared)),
        )
