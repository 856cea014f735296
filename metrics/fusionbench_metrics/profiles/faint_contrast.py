"""The Chen-Blum quality as IVIF_ZOO computes it: seen from further away, with nothing too faint to count."""

from __future__ import annotations

import numpy as np

from fusionbench.contracts import MeasuredImage, SourceImages, Uint8Image
from fusionbench_metrics.gaussian_window import Array, row_bands
from fusionbench_metrics.grey_images import check_grey
from fusionbench_metrics.qcb import MINIMUM_SIZE, masked_contrast

VISUAL_ANGLE = 30.0
"""Degrees under which each side of the image is seen: frequencies in cycles per image are divided by 30."""

WEIGHT_OFFSET = 1e-10
"""Added to the sum of the squared contrasts that weigh the sources."""

_RANGE = 255_000.0
"""Highest level after the stretch. Contrast is a ratio and does not change with it (the code base has 1). The
canonical metric, though, takes what falls below a fixed level for black; with a range this wide, that catches
rounding errors alone."""


def chen_blum_of_faint_contrast(fused: MeasuredImage, sources: SourceImages) -> float:
    """The value of `chen_blum` with other conventions.

    Levels are stretched without rounding them, the image is seen under twice the angle, contrast counts
    however dark its surround is, and the weights of the sources are `C^2 / (C_A^2 + C_B^2 + 1e-10)`, so that
    they sum to less than 1 where there is hardly any contrast.

    Args:
        fused: Grey, at least 3x3.
        sources: The images it is compared with.

    Returns:
        From 0 (among others, a constant fused image, or two constant sources) to less than 1.

    Raises:
        ValueError: If an image is not grey uint8, is smaller than 3x3, or the sizes differ.
    """
    visible, infrared = sources.visible, sources.infrared
    check_grey(MINIMUM_SIZE, fused=fused.grey, visible=visible.grey, infrared=infrared.grey)
    of_fused, first, second = (_kept_contrast(image) for image in (fused, visible, infrared))
    total = 0.0
    for band in row_bands(*of_fused.shape):
        squares = first[band] ** 2, second[band] ** 2
        kept = squares[0] * _kept(first[band], of_fused[band])
        kept += squares[1] * _kept(second[band], of_fused[band])
        kept /= squares[0] + squares[1] + WEIGHT_OFFSET
        total += float(kept.sum())
    return total / of_fused.size


def _kept(source: Array, fused: Array) -> Array:
    weaker, stronger = np.minimum(source, fused), np.maximum(source, fused)
    # Where neither has contrast the source has no weight, so the ratio does not matter.
    np.divide(weaker, stronger, out=weaker, where=stronger > 0)
    return weaker


def _stretched(image: Uint8Image) -> Array:
    lowest, highest = int(image.min()), int(image.max())
    levels: Array = image.astype(np.float64)
    levels -= lowest
    levels *= _RANGE / max(highest - lowest, 1)
    return levels


def _kept_contrast(image: MeasuredImage) -> Array:
    return image.once(
        "ivif_zoo.contrast", lambda: masked_contrast(_stretched(image.grey), visual_angle=VISUAL_ANGLE)
    )
