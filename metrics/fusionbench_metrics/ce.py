"""Cross entropy (CE): how far the grey-level histogram of the fused image is from those of the sources.

Reference:
    D. M. Bulanon, T. F. Burks, V. Alchanatis: "Image fusion of visible and thermal images for fruit
    detection", Biosystems Engineering 103(1), 2009, is what the field cites.
"""

from __future__ import annotations

import math

import numpy as np

from fusionbench.contracts import MeasuredImage, MetricCard, SourceImages, Uint8Image
from fusionbench_metrics.grey_images import check_grey
from fusionbench_metrics.histogram import Counts, histogram, kept_histogram

MINIMUM_SIZE = 1

LEAST = -math.log2(math.e) / math.e
"""No sum can be lower: `P log2 P` of a part P of the source, at P = 1 / e."""


def cross_entropy(fused: Uint8Image, visible: Uint8Image, infrared: Uint8Image) -> float:
    """Mean of the divergences `sum p log2(p / q)` of the fused histogram q from either source's p.

    As in the implementations that published tables come from, the sum has only the grey levels that both
    images have. That keeps it finite, but also leaves out what a fused image lacks most: an image with few
    grey levels has few terms, and its value can even be negative. A constant image has at most 0; an image
    with all grey levels of both sources has at least 0.

    Args:
        fused: `(H, W)` grey uint8, any size.
        visible: `(H, W)` grey uint8.
        infrared: `(H, W)` grey uint8.

    Returns:
        Bits, from -0.5307 (`LEAST`); 0 for three equal images. Lower is better.

    Raises:
        ValueError: If an image is not grey uint8, is empty, or the sizes differ.
    """
    check_grey(MINIMUM_SIZE, fused=fused, visible=visible, infrared=infrared)
    return _mean_divergence(histogram(fused), histogram(visible), histogram(infrared))


def _mean_divergence(fused: Counts, visible: Counts, infrared: Counts) -> float:
    return (divergence_bits(visible, fused) + divergence_bits(infrared, fused)) / 2


def divergence_bits(source: Counts, fused: Counts) -> float:
    """Kullback-Leibler divergence of two histograms of as many pixels, over the bins occupied in both."""
    both = (source > 0) & (fused > 0)
    ours, theirs = source[both], fused[both]
    return float((ours * np.log2(ours / theirs)).sum() / source.sum())


class CrossEntropy:
    """CE of the fused image with both sources."""

    card = MetricCard(
        name="ce",
        title="Cross entropy",
        label="CE",
        direction="lower",
        compares="sources",
        value_range=(LEAST, math.inf),
        minimum_size=MINIMUM_SIZE,
        summary="mean of sum p log2(p / q) over both sources, p the source's and q the fused histogram, "
        "over the grey levels that both have",
        reference="Kullback-Leibler divergence; cited in fusion after Bulanon et al. 2009",
        version="1",
        flat="a constant fused image at most 0, and one with all grey levels of the sources at least 0",
        won_by="a constant image: grey levels that the fused image lacks are left out of the sum",
        elsewhere="3.99209 the sum instead of the mean (one port)",
        example=1.99605,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image; see `cross_entropy`."""
        visible, infrared = sources.visible, sources.infrared
        check_grey(MINIMUM_SIZE, fused=fused.grey, visible=visible.grey, infrared=infrared.grey)
        return _mean_divergence(kept_histogram(fused), kept_histogram(visible), kept_histogram(infrared))
