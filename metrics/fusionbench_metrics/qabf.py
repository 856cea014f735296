"""Edge preservation (Qabf): how well the edges of the sources survive in the fused image.

Reference:
    C. S. Xydeas, V. Petrovic: "Objective image fusion performance measure", Electronics Letters 36(4), 2000,
    equations 1 to 8, with the constants used throughout infrared-visible fusion.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import (
    MeasuredBatch,
    MeasuredImage,
    MetricCard,
    SourceBatch,
    SourceImages,
    Uint8Image,
)
from fusionbench_metrics.gaussian_window import row_bands
from fusionbench_metrics.gradients import sobel_inside
from fusionbench_metrics.grey_images import check_grey

if TYPE_CHECKING:
    import torch

MINIMUM_SIZE = 3
"""One Sobel window."""

Array = NDArray[np.float64]


class Sigmoid(NamedTuple):
    """Perceived preservation `ceiling / (1 + exp(slope (value - midpoint)))`."""

    ceiling: float
    slope: float
    midpoint: float


STRENGTH = Sigmoid(0.9994, -15.0, 0.5)
"""Sigmoid of the preserved edge strength (equation 5)."""

ORIENTATION = Sigmoid(0.9879, -22.0, 0.8)
"""Sigmoid of the preserved edge orientation (equation 6)."""


class Edges(NamedTuple):
    """Sobel edges at some pixels."""

    strength: Array
    """Gradient magnitude, 0 to 1443."""
    orientation: Array
    """Angle of the gradient as `atan(vertical / horizontal)`, -pi/2 to pi/2; pi/2 where nothing is
    horizontal."""


def edge_preservation(fused: Uint8Image, visible: Uint8Image, infrared: Uint8Image) -> float:
    """Preserved edge strength times preserved orientation, averaged with the sources' edge strength.

    Gradients are 3x3 Sobel with zeros beyond the border. Weights are the plain strength (L = 1). Where source
    and fused strength g are equal, the ratio of strengths is g itself instead of 1, as in the implementations
    every published table comes from; it moves the value in the fourth digit.

    Args:
        fused: `(H, W)` grey uint8, at least 3x3.
        visible: `(H, W)` grey uint8.
        infrared: `(H, W)` grey uint8.

    Returns:
        From 0 to 0.9754 (the product of both sigmoids at 1); NaN if both sources are black everywhere, the
        only images without any edge (of other constants the border is one).

    Raises:
        ValueError: If an image is not grey uint8, is smaller than 3x3, or the sizes differ.
    """
    check_grey(MINIMUM_SIZE, fused=fused, visible=visible, infrared=infrared)
    return _preservation(sobel_edges(fused), (sobel_edges(visible), sobel_edges(infrared)))


def sobel_edges(image: Uint8Image) -> Edges:
    """Strength and orientation of the Sobel gradient, with zeros beyond the border."""
    rows, columns = image.shape
    edges = Edges(np.empty((rows, columns)), np.empty((rows, columns)))
    padded = np.pad(image, 1)
    for band in row_bands(rows, columns):
        edges.strength[band], edges.orientation[band] = inner_edges(padded[band.start : band.stop + 2])
    return edges


def inner_edges(image: Uint8Image) -> Edges:
    """Strength and orientation of the Sobel gradient where the window lies inside, `(H - 2, W - 2)`."""
    horizontal, downwards = (each.astype(np.float64) for each in sobel_inside(image))
    # Upwards, as in the implementations every table comes from. It matters where nothing is horizontal: the
    # angle is pi/2 there whatever the sign, and its distance to a steep neighbour depends on which way is up.
    vertical = -downwards
    return Edges(np.sqrt(horizontal * horizontal + vertical * vertical), _orientation(horizontal, vertical))


def _orientation(horizontal: Array, vertical: Array) -> Array:
    slope = np.full_like(horizontal, np.inf)
    np.divide(vertical, horizontal, out=slope, where=horizontal != 0)
    return np.arctan(slope)


def _preservation(fused: Edges, sources: tuple[Edges, ...]) -> float:
    preserved = total = 0.0
    for band in row_bands(*fused.strength.shape):
        for source in sources:
            strength = source.strength[band]
            quality = _strength_kept(strength, fused.strength[band])
            quality *= _orientation_kept(source.orientation[band], fused.orientation[band])
            quality *= strength
            preserved += float(quality.sum())
            total += float(strength.sum())
    return preserved / total if total > 0 else math.nan


def _strength_kept(source: Array, fused: Array) -> Array:
    """Equation 3 and the sigmoid of equation 5."""
    weaker, stronger = np.minimum(source, fused), np.maximum(source, fused)
    ratio = fused.copy()
    np.divide(weaker, stronger, out=ratio, where=weaker != stronger)
    return perceived(ratio, STRENGTH)


def _orientation_kept(source: Array, fused: Array) -> Array:
    """Equation 4 and the sigmoid of equation 6."""
    agreement = source - fused
    np.abs(agreement, out=agreement)
    agreement /= math.pi / 2
    np.subtract(1, agreement, out=agreement)
    return perceived(agreement, ORIENTATION)


def perceived(preservation: Array, sigmoid: Sigmoid) -> Array:
    """Turn measured into perceived preservation, in place."""
    preservation -= sigmoid.midpoint
    preservation *= sigmoid.slope
    np.exp(preservation, out=preservation)
    preservation += 1
    np.divide(sigmoid.ceiling, preservation, out=preservation)
    return preservation


def kept_edges(image: MeasuredImage) -> Edges:
    """Sobel edges of a measured image's luminance, taken once."""
    return image.once("sobel_edges", lambda: sobel_edges(image.grey))


class EdgePreservation:
    """Qabf of the fused image with both sources."""

    card = MetricCard(
        name="qabf",
        title="Edge preservation",
        label="Qabf",
        direction="higher",
        compares="sources",
        value_range=(0.0, 1.0),
        minimum_size=MINIMUM_SIZE,
        summary="preserved Sobel strength x orientation, weighted by the sources' edge strength (L = 1)",
        reference="Xydeas & Petrovic, Electronics Letters 2000",
        version="1",
        border="zeros beyond it",
        flat="a constant source has its border for an edge, a black one none; two black ones have no value",
        core=True,
        elsewhere=(
            "0.225150, 0.209942, 0.338801 from other angles, stretches, weights and borders (three "
            "ports); 0.173888 with other constants and a mean of ratios (Liu's Q_G)"
        ),
        example=0.221556,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image; see `edge_preservation`."""
        visible, infrared = sources.visible, sources.infrared
        check_grey(MINIMUM_SIZE, fused=fused.grey, visible=visible.grey, infrared=infrared.grey)
        return _preservation(kept_edges(fused), (kept_edges(visible), kept_edges(infrared)))

    def measure_batch(self, fused: MeasuredBatch, sources: SourceBatch) -> torch.Tensor:
        """Measure a batch; see `edge_preservation`."""
        from fusionbench_metrics.batched import edges as batched

        return batched.edge_preservation(fused, sources)
