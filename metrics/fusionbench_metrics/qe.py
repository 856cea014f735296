"""The edge-dependent Piella index (Qe): similarity of the edges of the fused image to those of the sources.

Reference:
    G. Piella, H. Heijmans: "A new quality metric for image fusion", IEEE International Conference on Image
    Processing, 2003.
"""

from __future__ import annotations

import math

from fusionbench.contracts import MeasuredImage, MetricCard, SourceImages, Uint8Image
from fusionbench_metrics.measured_greys import measured_greys
from fusionbench_metrics.piella import MINIMUM_SIZE, edges, kept_quality

IMAGE_EXPONENT = 0.0
"""Power of the weighted index of the images."""

EDGE_EXPONENT = 2.0
"""Power of the weighted index of their edges."""


def piella_edge_index(
    fused: Uint8Image,
    visible: Uint8Image,
    infrared: Uint8Image,
    image_exponent: float = IMAGE_EXPONENT,
    edge_exponent: float = EDGE_EXPONENT,
) -> float:
    """Qw of the images to one power times Qw of their edges to another.

    Edges are magnitudes of the 3x3 Prewitt gradient, with zeros beyond the border. Qw is as in
    `fusionbench_metrics.qw`, with the constants of SSIM for the edges too.

    The powers are 0 and 2. In the paper both factors are there, Qw of the images and a power of that of the
    edges, which are the powers 1 and 1. But the implementation behind the published tables overwrites the
    images by their edges before it takes the first factor, and so squares the second; with other powers no
    published number could be compared.

    An index below zero, of a fused image with edges where the sources have none, counts as 0: its square
    would turn it into a good one.

    Args:
        fused: `(H, W)` grey uint8, at least 11x11.
        visible: `(H, W)` grey uint8.
        infrared: `(H, W)` grey uint8.
        image_exponent: Power of Qw of the images.
        edge_exponent: Power of Qw of the edges.

    Returns:
        From 0 to 1; 1 if all three are equal.

    Raises:
        ValueError: If an image is not grey uint8, is smaller than 11x11, or the sizes differ.
    """
    return _edge_index(*measured_greys(fused, visible, infrared), image_exponent, edge_exponent)


def _edge_index(
    fused: MeasuredImage, sources: SourceImages, image_exponent: float, edge_exponent: float
) -> float:
    of_edges = max(0.0, kept_quality(fused, sources, edges).weighted)
    if image_exponent == 0:
        return math.pow(of_edges, edge_exponent)
    of_images = max(0.0, kept_quality(fused, sources).weighted)
    return math.pow(of_images, image_exponent) * math.pow(of_edges, edge_exponent)


class PiellaEdgeIndex:
    """Qe of the fused image with both sources."""

    card = MetricCard(
        name="qe",
        title="Piella index of edges",
        label="Qe",
        direction="higher",
        compares="sources",
        value_range=(0.0, 1.0),
        minimum_size=MINIMUM_SIZE,
        summary="square of Qw on Prewitt edges",
        reference="Piella & Heijmans, ICIP 2003, as implemented by Liu et al., IEEE TPAMI 2012",
        version="1",
        border="edges: zeros beyond the image; windows: inside the image only",
        flat="as any other image; windows in which no source has an edge count both by half",
        elsewhere="0.523343 the unsquared index of edges (one port)",
        example=0.273888,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image; see `piella_edge_index`."""
        return _edge_index(fused, sources, IMAGE_EXPONENT, EDGE_EXPONENT)
