"""What the three indices of Piella and Heijmans share: similarity to the sources, weighted by what they show.

Reference:
    G. Piella, H. Heijmans: "A new quality metric for image fusion", IEEE International Conference on Image
    Processing, 2003.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fusionbench.contracts import MeasuredImage, SourceImages, Uint8Image
from fusionbench_metrics.gaussian_window import Array, row_bands
from fusionbench_metrics.grey_images import check_grey
from fusionbench_metrics.local_similarity import (
    WANG,
    View,
    grey,
    kept_moments,
    kept_similarities,
    shares,
)

FLAT = 1e-8
"""Saliencies below this are zero: rounding errors of a constant window. One pixel one level off, in a corner
of the window where it counts least, makes a variance of 1.06e-6."""

OF_NOTHING = 0.5
"""Saliency, in squared levels, of a window in which both sources are zero throughout. Elsewhere a constant
window has none. That black differs from other constants is a quirk of the implementation behind the published
tables; it moves the seventh digit."""

MINIMUM_SIZE = WANG.minimum_size
"""One whole window."""


class Quality(NamedTuple):
    """Quality of a fused image, from -1 to 1."""

    plain: float
    """Mean over all windows of `lambda SSIM(visible, fused) + (1 - lambda) SSIM(infrared, fused)`, where
    lambda is the visible image's share of the saliency."""
    weighted: float
    """The same, each window weighted by the greater saliency."""


class _Saliency(NamedTuple):
    """What the sources show in every window: the saliency is the local variance."""

    share: Array
    """That of the visible image in the sum of both; 1/2 where neither varies."""
    greater: Array


def edges(image: MeasuredImage) -> Array:
    """Magnitude of the 3x3 Prewitt gradient, with zeros beyond the border; computed once."""
    return image.once("piella.edges", lambda: _prewitt(image.grey))


def kept_quality(fused: MeasuredImage, sources: SourceImages, view: View = grey) -> Quality:
    """Quality of a fused image, or of its edges, computed once.

    Raises:
        ValueError: If an image is not grey uint8, is smaller than 11x11, or the sizes differ.
    """
    visible, infrared = sources.visible, sources.infrared
    check_grey(MINIMUM_SIZE, fused=fused.grey, visible=visible.grey, infrared=infrared.grey)
    return fused.once(("piella.quality", view, visible, infrared), lambda: _quality(fused, sources, view))


def _quality(fused: MeasuredImage, sources: SourceImages, view: View) -> Quality:
    saliency = _kept_saliency(sources, view)
    to_visible, to_infrared = (each.per_window for each in kept_similarities(fused, sources, view=view))
    plain = weighted = weights = 0.0
    for band in row_bands(*saliency.share.shape):
        share, greater = saliency.share[band], saliency.greater[band]
        quality = to_visible[band] - to_infrared[band]
        quality *= share
        quality += to_infrared[band]
        plain += float(quality.sum())
        quality *= greater
        weighted += float(quality.sum())
        weights += float(greater.sum())
    plain /= saliency.share.size
    return Quality(plain, weighted / weights if weights > 0 else plain)


def _kept_saliency(sources: SourceImages, view: View) -> _Saliency:
    visible, infrared = sources.visible, sources.infrared

    def compute() -> _Saliency:
        moments = [kept_moments(source, view=view) for source in (visible, infrared)]
        first, second = (np.where(variance < FLAT, 0.0, variance) for _, variance in moments)
        empty = (moments[0].mean == 0) & (moments[1].mean == 0)
        first[empty] = second[empty] = OF_NOTHING
        return _Saliency(shares(first, second), np.maximum(first, second))

    return infrared.once(("piella.saliency", visible, view), compute)


def _prewitt(image: Uint8Image) -> Array:
    magnitude = np.empty(image.shape)
    padded = np.pad(image, 1)
    for band in row_bands(*image.shape):
        part = padded[band.start : band.stop + 2].astype(np.int32)
        by_rows = part[:-2] + part[1:-1] + part[2:]
        by_columns = part[:, :-2] + part[:, 1:-1] + part[:, 2:]
        horizontal = by_rows[:, 2:] - by_rows[:, :-2]
        vertical = by_columns[2:] - by_columns[:-2]
        magnitude[band] = np.sqrt(horizontal * horizontal + vertical * vertical)
    return magnitude
