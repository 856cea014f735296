"""What becomes of the sources' edges: the shares that are kept, lost, and made up by the fusion.

Shared by Nabf and Labf. Strength and orientation are those of Qabf; constants, weights and border are not.

References:
    V. Petrovic, C. Xydeas: "Objective image fusion performance characterisation", ICCV 2005 (the three
    shares).
    B. K. Shreyamsha Kumar: "Multifocus and multispectral image fusion based on pixel significance using
    discrete cosine harmonic wavelet transform", Signal, Image and Video Processing 7(6), 2013 (the artifacts
    counted so that the shares sum to one; the constants are those of the author's evaluation).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from fusionbench.contracts import MeasuredImage, SourceImages, Uint8Image
from fusionbench_metrics.gaussian_window import row_bands
from fusionbench_metrics.grey_images import check_grey
from fusionbench_metrics.qabf import Array, Edges, Sigmoid, inner_edges, kept_edges, perceived

STRENGTH = Sigmoid(0.9999, -19.0, 0.5)
"""Sigmoid of the preserved edge strength."""

ORIENTATION = Sigmoid(0.9995, -22.0, 0.5)
"""Sigmoid of the preserved edge orientation."""

SOBEL_SUM = 8.0
"""The Sobel window's positive weights, smoothing included, times the distance they span: divided by it, the
strength is in grey levels a pixel."""

VISIBLE_STRENGTH = 2.0
"""Strength from which an edge of a source counts as one, in grey levels a pixel."""

WEAK_WEIGHT = 0.001
"""What a pixel without such an edge weighs."""

MINIMUM_SIZE = 3
"""One Sobel window."""


class EdgeShares(NamedTuple):
    """Shares of the sources' edge information, of the sum of its weights; they sum to one."""

    kept: float
    """What the fused image preserves (Petrovic's Qabf, not the one of qabf.py)."""
    lost: float
    """What is missing where the fused image is not stronger than both sources (Labf)."""
    added: float
    """What differs where the fused image is stronger than both sources: artifacts (Nabf)."""


def edge_shares(
    fused: Uint8Image, first: Uint8Image, second: Uint8Image, weak_weight: float = WEAK_WEIGHT
) -> EdgeShares:
    """What the fused image keeps, loses and adds of the edges of two sources.

    Per pixel and source, with Sobel strength g and angle a (`atan(vertical / horizontal)`, pi/2 where nothing
    is horizontal), both of the image mirrored at its edge pixels:

        quality = sqrt(strength(min(g, gF) / max(g, gF)) * orientation(2 / pi * ||a - aF| - pi / 2|))

    with a sigmoid each, and the ratio 0 where both are flat. The weight is `g ** 1.5` from g = 2 on, else
    0.001. Kept is `sum(weight * quality)`, lost and added are `sum(weight * (1 - quality))` over the pixels
    where the fused image is not, or is, stronger than both sources; all over the sum of weights.

    A flat pixel is no edge that could be kept: its quality is close to 0, and what little it weighs counts as
    lost, even where the fused image is flat too. For two constant sources that is nearly everything.

    Args:
        fused: `(H, W)` grey uint8, at least 3x3.
        first: A source, `(H, W)` grey uint8.
        second: The other one; swapping them changes nothing.
        weak_weight: What a pixel weighs where the source has no edge; other code takes 0.

    Returns:
        The three shares; NaN if nothing has a weight, which needs `weak_weight` 0.

    Raises:
        ValueError: If an image is not grey uint8, is smaller than 3x3, or the sizes differ.
    """
    scored, *sources = (MeasuredImage(image, image) for image in (fused, first, second))
    return edge_shares_of(scored, sources[0], sources[1], weak_weight)


def edge_shares_of(
    fused: MeasuredImage, first: MeasuredImage, second: MeasuredImage, weak_weight: float = WEAK_WEIGHT
) -> EdgeShares:
    """The same for measured images, whose Sobel edges are taken once; see `edge_shares`."""
    check_grey(MINIMUM_SIZE, fused=fused.grey, visible=first.grey, infrared=second.grey)
    of_fused, *of_sources = (_MirroredEdges(image) for image in (fused, first, second))
    kept = lost = added = 0.0
    for band in row_bands(*fused.grey.shape):
        edges, *sources = (image.rows(band) for image in (of_fused, *of_sources))
        stronger = (edges.strength > sources[0].strength) & (edges.strength > sources[1].strength)
        for source in sources:
            weight = _weights(source.strength, weak_weight)
            preserved = _quality(source, edges)
            preserved *= weight
            weight -= preserved
            kept += float(preserved.sum())
            added += float((weight * stronger).sum())
            lost += float((weight * ~stronger).sum())
    total = kept + lost + added
    return EdgeShares(kept / total, lost / total, added / total) if total > 0 else EdgeShares(*[math.nan] * 3)


def kept_edge_shares(fused: MeasuredImage, sources: SourceImages) -> EdgeShares:
    """The shares of a measured image, computed once."""
    visible, infrared = sources.visible, sources.infrared
    return fused.once(("edge_shares", visible, infrared), lambda: edge_shares_of(fused, visible, infrared))


class _MirroredEdges:
    """Sobel edges of an image mirrored at its edge pixels: inside, those that Qabf keeps."""

    def __init__(self, image: MeasuredImage) -> None:
        self._inside = kept_edges(image)
        mirrored = np.pad(image.grey, 1, mode="reflect")
        self._top, self._bottom = inner_edges(mirrored[:3]), inner_edges(mirrored[-3:])
        self._left, self._right = inner_edges(mirrored[:, :3]), inner_edges(mirrored[:, -3:])

    def rows(self, band: slice) -> Edges:
        """Edges of some rows, strength in grey levels a pixel."""
        strength, orientation = (part[band].copy() for part in self._inside)
        edges = Edges(strength, orientation)
        height = self._inside.strength.shape[0]
        for part, left, right, top, bottom in zip(
            edges, self._left, self._right, self._top, self._bottom, strict=True
        ):
            part[:, 0], part[:, -1] = left[band, 0], right[band, 0]
            if band.start == 0:
                part[0] = top[0]
            if band.stop == height:
                part[-1] = bottom[0]
        strength /= SOBEL_SUM
        return edges


def _quality(source: Edges, fused: Edges) -> Array:
    ratio, stronger = np.minimum(source.strength, fused.strength), np.maximum(source.strength, fused.strength)
    np.divide(ratio, stronger, out=ratio, where=stronger > 0)
    agreement = source.orientation - fused.orientation
    np.abs(agreement, out=agreement)
    agreement -= math.pi / 2
    np.abs(agreement, out=agreement)
    agreement /= math.pi / 2
    quality = perceived(ratio, STRENGTH)
    quality *= perceived(agreement, ORIENTATION)
    np.sqrt(quality, out=quality)
    return quality


def _weights(strength: Array, weak_weight: float) -> Array:
    # An edge of strength g weighs g^1.5; a square root is much cheaper than a power.
    return np.where(strength >= VISIBLE_STRENGTH, strength * np.sqrt(strength), weak_weight)
