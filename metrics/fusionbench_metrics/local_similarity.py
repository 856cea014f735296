"""The local index of SSIM, window by window: what SSIM, MS-SSIM, the Piella and the Yang index are made of.

Reference:
    Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli: "Image quality assessment: from error visibility to
    structural similarity", IEEE Transactions on Image Processing 13(4), 2004, equation 13 and section III-C.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from fusionbench.contracts import MeasuredImage, SourceImages
from fusionbench_metrics.gaussian_window import (
    Array,
    Border,
    Grey,
    framed,
    gaussian_taps,
    local_means,
    row_bands,
)

FULL_RANGE = 255.0
"""L, the range of grey levels."""

View = Callable[[MeasuredImage], Grey]
"""What of an image is compared: its luminance, a smaller version of that, its edges."""


@dataclass(frozen=True)
class SimilarityIndex:
    """The formula of SSIM with what it leaves open; as it stands, the choice of its authors."""

    size: int = 11
    """Side of the window in pixels."""
    sigma: float = 1.5
    """Standard deviation of the Gaussian window in pixels; infinite for equal weights."""
    luminance_constant: float = (0.01 * FULL_RANGE) ** 2
    """C1 = (K1 L)^2, with K1 = 0.01."""
    contrast_constant: float = (0.03 * FULL_RANGE) ** 2
    """C2 = (K2 L)^2, with K2 = 0.03."""
    border: Border = "inside"
    sample_variance: bool = False
    """True to divide second moments by n - 1 instead of n, for n pixels in a window of equal weights."""
    flat: float = 0.0
    """Variances below this count as zero, and so does every covariance with what is flat there."""

    @cached_property
    def taps(self) -> Array:
        """Weights of the window along one axis."""
        return gaussian_taps(self.size, self.sigma)

    @property
    def correction(self) -> float:
        """Factor of second moments."""
        pixels = self.size * self.size
        return pixels / (pixels - 1) if self.sample_variance else 1.0

    @property
    def minimum_size(self) -> int:
        """Smallest side of an image with a window."""
        return self.size if self.border == "inside" else 1

    def over_range(self, full_range: float) -> SimilarityIndex:
        """The same index for another L."""
        return replace(
            self,
            luminance_constant=(0.01 * full_range) ** 2,
            contrast_constant=(0.03 * full_range) ** 2,
        )


WANG = SimilarityIndex()
"""The index of Wang et al. for 8-bit images: 11x11 Gaussian, sigma 1.5, whole windows, L = 255."""


class LocalMoments(NamedTuple):
    """Local mean and variance of a source, `(H - n + 1, W - n + 1)` each for whole windows of n."""

    mean: Array
    variance: Array


class Similarity(NamedTuple):
    """How similar a fused image is to one source."""

    per_window: Array
    """SSIM of every window, `(H - n + 1, W - n + 1)` for whole windows of n."""
    contrast: float
    """Mean of the second factor of it, which compares contrast and structure but not luminance."""


def grey(image: MeasuredImage) -> Grey:
    """The luminance: what is compared unless something else is said."""
    return image.grey


def local_moments(image: Grey, index: SimilarityIndex = WANG) -> LocalMoments:
    """Local mean and variance of a source: the part of SSIM that no fused image changes."""
    source = framed(image, index.size, index.border)
    reach = index.size - 1
    rows, columns = (side - reach for side in source.shape)
    moments = LocalMoments(np.empty((rows, columns)), np.empty((rows, columns)))
    for band in row_bands(rows, columns):
        part = source[band.start : band.stop + reach].astype(np.float64, order="C")
        mean, mean_square = local_means((part, part * part), index.taps)
        moments.mean[band] = mean
        moments.variance[band] = _variance(mean_square, mean * mean, index)
    return moments


def similarities(
    fused: Grey,
    sources: Sequence[Grey],
    moments: Sequence[LocalMoments],
    index: SimilarityIndex = WANG,
) -> list[Similarity]:
    """Compare a fused image with each source in every window.

    Args:
        fused: `(H, W)`, at least as high and wide as the index asks for.
        sources: Images of the same size.
        moments: What `local_moments` gave for each source.
        index: The formula.
    """
    framed_fused, *framed_sources = (framed(image, index.size, index.border) for image in (fused, *sources))
    shape = moments[0].mean.shape
    maps = [np.empty(shape) for _ in sources]
    contrasts = [0.0 for _ in sources]
    for band in row_bands(*shape):
        seen = slice(band.start, band.stop + index.size - 1)
        part = framed_fused[seen].astype(np.float64, order="C")
        products = (part * source[seen] for source in framed_sources)
        mean, mean_square, *mean_products = local_means((part, part * part, *products), index.taps)
        of_fused = LocalMoments(mean, _variance(mean_square, mean * mean, index))
        for number, (of_source, mean_product) in enumerate(zip(moments, mean_products, strict=True)):
            of_band = LocalMoments(*(moment[band] for moment in of_source))
            contrasts[number] += _compare(of_band, of_fused, mean_product, index, maps[number][band])
    return [Similarity(each, contrast / each.size) for each, contrast in zip(maps, contrasts, strict=True)]


def kept_moments(source: MeasuredImage, index: SimilarityIndex = WANG, view: View = grey) -> LocalMoments:
    """`local_moments` of a source, computed once."""
    key = ("local_similarity.moments", index, view)
    return source.once(key, lambda: local_moments(view(source), index))


def kept_similarities(
    fused: MeasuredImage, sources: SourceImages, index: SimilarityIndex = WANG, view: View = grey
) -> list[Similarity]:
    """Similarity of a fused image to the visible and to the infrared image, computed once."""
    both = sources.visible, sources.infrared

    def compute() -> list[Similarity]:
        moments = [kept_moments(source, index, view) for source in both]
        return similarities(view(fused), [view(source) for source in both], moments, index)

    return fused.once(("local_similarity.similarities", index, view, *both), compute)


def _variance(mean_square: Array, square: Array, index: SimilarityIndex) -> Array:
    variance = mean_square - square
    if index.sample_variance:
        variance *= index.correction
    if index.flat > 0:
        variance[variance < index.flat] = 0.0
    return variance


def _compare(
    source: LocalMoments, fused: LocalMoments, mean_product: Array, index: SimilarityIndex, result: Array
) -> float:
    """Write the index of some windows into `result`; return the sum of its second factor."""
    from fusionbench_metrics.compiled_windows import compare

    covariance = np.subtract(mean_product, source.mean * fused.mean, out=mean_product)
    if index.sample_variance:
        covariance *= index.correction
    if index.flat > 0:
        covariance[(source.variance == 0) | (fused.variance == 0)] = 0.0
    constants = index.luminance_constant, index.contrast_constant
    return float(
        compare(source.mean, source.variance, fused.mean, fused.variance, covariance, *constants, result)
    )


def shares(first: Array, second: Array) -> Array:
    """`first / (first + second)` of two maps of variances; 1/2 where neither varies."""
    total = first + second
    result = np.full_like(total, 0.5)
    np.divide(first, total, out=result, where=total > 0)
    return result
