"""Structural similarity to the best structure the sources offer, at three scales (MEF-MS-SSIM).

Made for fusion of several exposures; much used infrared-visible tables print it under the name MS-SSIM.

Reference:
    K. Ma, K. Zeng, Z. Wang: "Perceptual quality assessment for multi-exposure image fusion", IEEE
    Transactions on Image Processing 24(11), 2015, section III.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from fusionbench.contracts import MeasuredImage, MetricCard, SourceImages, Uint8Image
from fusionbench_metrics.gaussian_window import Array, Grey, gaussian_taps, local_means, row_bands
from fusionbench_metrics.grey_images import check_grey
from fusionbench_metrics.half_scales import scale_views, smallest_side
from fusionbench_metrics.local_similarity import WANG, LocalMoments, View, kept_moments
from fusionbench_metrics.measured_greys import measured_greys
from fusionbench_metrics.ms_ssim import EXPONENTS

SCALES = 3
"""Scales, each half the size of the one before."""

CONSTANT = WANG.contrast_constant
"""C = (0.03 * 255)^2, which keeps flat windows defined."""

SOFTENING = 0.001
"""Added to the strength of every patch, in grey levels: keeps the direction of a flat one defined."""

STEEPEST = 10.0
"""Largest exponent of the strength: where the sources agree completely, the tangent is infinite."""

FLAT = 1e-8
"""Variances below this are zero: rounding errors of a constant patch."""

OPPOSED = 1e-3
"""A wanted structure weaker than this, of patches of strength 1, is none: what rounding leaves where the
sources cancel out."""

MINIMUM_SIZE = smallest_side(WANG.size, SCALES)
"""One whole window at the third scale: 11, before it 21, 41."""

_VIEWS = scale_views(SCALES)
_POWERS = tuple(exponent / sum(EXPONENTS[:SCALES]) for exponent in EXPONENTS[:SCALES])
_EVEN_TAPS = gaussian_taps(WANG.size, math.inf)


class _Wanted(NamedTuple):
    """The best patch the sources offer in every window, less its mean: a weighted sum of the two patches."""

    visible_weight: Array
    infrared_weight: Array
    variance: Array
    """Of the weighted sum, under the Gaussian window."""


class _Second(NamedTuple):
    """Second moments of the two sources in every window."""

    visible: Array
    infrared: Array
    covariance: Array

    def of_sum(self, visible_weight: Array | float, infrared_weight: Array | float) -> Array:
        """Variance of a weighted sum of the two patches."""
        total = visible_weight * visible_weight * self.visible
        total += infrared_weight * infrared_weight * self.infrared
        total += 2 * visible_weight * infrared_weight * self.covariance
        return np.maximum(total, 0.0)


def multi_exposure_similarity(fused: Uint8Image, visible: Uint8Image, infrared: Uint8Image) -> float:
    """Similarity of the fused image to a patch that has the sources' greatest contrast and joint structure.

    An 11x11 patch less its mean is a strength (its norm) times a structure (a direction). The wanted patch
    has the greater strength of the two sources and the direction of the sum of their structures, each
    weighted by `strength^p`. The exponent `p = tan(pi R / 2)`, at most 10, grows with how well the sources
    agree: `R = |x + y| / (|x| + |y|)`. Wanted and fused patch are compared by
    `(2 covariance + C) / (variance + variance + C)` under SSIM's Gaussian window, so that brightness does not
    count. The means over all whole windows at three scales are multiplied, to the first three powers of
    MS-SSIM, made to add up to one.

    A wanted patch is a weighted sum of the two patches, so that its moments follow from theirs and no patch
    need be looked at: everything is a local mean.

    Flat sources ask for a flat fused patch; so do sources that cancel out, one the negative of the other. A
    mean below zero has no real power: it counts as 0, and so does the product then.

    Args:
        fused: `(H, W)` grey uint8, at least 41x41.
        visible: `(H, W)` grey uint8.
        infrared: `(H, W)` grey uint8.

    Returns:
        From 0 to 1; 1 if all three are equal.

    Raises:
        ValueError: If an image is not grey uint8, is smaller than 41x41, or the sizes differ.
    """
    return _measured(*measured_greys(fused, visible, infrared))


def _measured(fused: MeasuredImage, sources: SourceImages) -> float:
    visible, infrared = sources.visible, sources.infrared
    check_grey(MINIMUM_SIZE, fused=fused.grey, visible=visible.grey, infrared=infrared.grey)
    means = (_similarity(fused, sources, view) for view in _VIEWS)
    return math.prod(math.pow(max(0.0, mean), power) for mean, power in zip(means, _POWERS, strict=True))


def _similarity(fused: MeasuredImage, sources: SourceImages, view: View) -> float:
    """Mean similarity at one scale."""
    wanted = _kept_wanted(sources, view)
    image, *images = (view(each) for each in (fused, sources.visible, sources.infrared))
    source_means = [kept_moments(source, view=view).mean for source in (sources.visible, sources.infrared)]
    total = 0.0
    for band in row_bands(*wanted.variance.shape):
        seen = slice(band.start, band.stop + WANG.size - 1)
        part = image[seen].astype(np.float64, order="C")
        products = (part * source[seen] for source in images)
        mean, mean_square, *mean_products = local_means((part, part * part, *products), WANG.taps)
        in_common = np.zeros_like(mean)
        weights = (wanted.visible_weight[band], wanted.infrared_weight[band])
        for source_mean, mean_product, weight in zip(source_means, mean_products, weights, strict=True):
            mean_product -= source_mean[band] * mean
            mean_product *= weight
            in_common += mean_product
        in_common *= 2
        in_common += CONSTANT
        mean *= mean
        mean_square -= mean
        mean_square += wanted.variance[band]
        mean_square += CONSTANT
        in_common /= mean_square
        total += float(in_common.sum())
    return total / wanted.variance.size


def _kept_wanted(sources: SourceImages, view: View) -> _Wanted:
    visible, infrared = sources.visible, sources.infrared

    def compute() -> _Wanted:
        moments = [kept_moments(source, view=view) for source in (visible, infrared)]
        wanted = _Wanted(*(np.empty_like(moments[0].mean) for _ in _Wanted._fields))
        for band in row_bands(*wanted.variance.shape):
            seen = slice(band.start, band.stop + WANG.size - 1)
            of_band = [LocalMoments(*(moment[band] for moment in each)) for each in moments]
            parts = _wanted(view(visible)[seen], view(infrared)[seen], *of_band)
            for whole, part in zip(wanted, parts, strict=True):
                whole[band] = part
        return wanted

    return infrared.once(("mef_ms_ssim.wanted", visible, view), compute)


def _wanted(
    visible: Grey, infrared: Grey, visible_moments: LocalMoments, infrared_moments: LocalMoments
) -> _Wanted:
    first, second = (image.astype(np.float64, order="C") for image in (visible, infrared))
    (mean_product,) = local_means((first * second,), WANG.taps)
    gaussian = _Second(
        visible_moments.variance,
        infrared_moments.variance,
        mean_product - visible_moments.mean * infrared_moments.mean,
    )
    first_weight, second_weight = _weights(_even_moments(first, second))
    return _Wanted(first_weight, second_weight, gaussian.of_sum(first_weight, second_weight))


def _even_moments(first: Array, second: Array) -> _Second:
    """Variances and covariance of all patches, every pixel counting the same."""
    products = (first, second, first * first, second * second, first * second)
    first_mean, second_mean, *mean_products = local_means(products, _EVEN_TAPS)
    pairs = ((first_mean, first_mean), (second_mean, second_mean), (first_mean, second_mean))
    visible, infrared, covariance = (
        mean_product - mean * other for mean_product, (mean, other) in zip(mean_products, pairs, strict=True)
    )
    return _Second(_without_rounding(visible), _without_rounding(infrared), covariance)


def _without_rounding(variance: Array) -> Array:
    variance[variance < FLAT] = 0.0
    return variance


def _weights(patches: _Second) -> tuple[Array, Array]:
    """Factors that make the wanted patch of the visible and the infrared one, each less its mean."""
    # The norm of a patch less its mean is its standard deviation times the root of 11 * 11 pixels.
    side = WANG.size
    first, second = side * np.sqrt(patches.visible), side * np.sqrt(patches.infrared)
    sum_of_both, agreement = first + second, np.ones_like(first)
    np.divide(side * np.sqrt(patches.of_sum(1.0, 1.0)), sum_of_both, out=agreement, where=sum_of_both > 0)
    exponent = np.minimum(np.tan(math.pi / 2 * np.minimum(agreement, 1 - 1e-9)), STEEPEST)
    first += SOFTENING
    second += SOFTENING
    stronger = np.maximum(first, second)
    share = 1 / (1 + (second / first) ** exponent)
    first_weight, second_weight = share / first, (1 - share) / second
    strength = side * np.sqrt(patches.of_sum(first_weight, second_weight))
    factor = np.zeros_like(strength)
    np.divide(stronger, strength, out=factor, where=strength > OPPOSED)
    return first_weight * factor, second_weight * factor


class MultiExposureSimilarity:
    """MEF-MS-SSIM of the fused image with both sources."""

    card = MetricCard(
        name="mef_ms_ssim",
        title="Multi-exposure fusion similarity",
        label="MEF-MS-SSIM",
        direction="higher",
        compares="sources",
        value_range=(0.0, 1.0),
        minimum_size=MINIMUM_SIZE,
        summary="similarity to patches with the sources' greatest contrast and joint structure, at 3 scales",
        reference="Ma, Zeng & Wang, IEEE TIP 2015, section III",
        version="1",
        border="whole windows inside the image only",
        flat="where both sources are constant, a constant fused patch has 1",
        example=0.618693,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image; see `multi_exposure_similarity`."""
        return _measured(fused, sources)
