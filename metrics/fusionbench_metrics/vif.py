"""Visual information fidelity (VIF): how much of the sources' information survives in the fused image.

What the fusion field calls VIF is the pixel-domain version VIFp of Sheikh and Bovik's measure, summed over
both sources.

Reference:
    H. R. Sheikh, A. C. Bovik: "Image information and visual quality", IEEE Transactions on Image Processing
    15(2), 2006, equation 16, and the authors' pixel-domain multi-scale version of it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import MeasuredImage, MetricCard, SourceImages, Uint8Image
from fusionbench_metrics.gaussian_window import Array, gaussian_taps, local_means, row_bands
from fusionbench_metrics.grey_images import check_grey

WINDOWS = (17, 9, 5, 3)
"""Side of the Gaussian window at scales 1 to 4; its sigma is a fifth of that (VIFp)."""

NOISE_VARIANCE = 2.0
"""Variance of the visual system's internal noise, in squared grey levels (VIFp)."""

FLAT = 1e-10
"""Local variances below this count as zero, and no divisor is smaller (VIFp)."""

MINIMUM_SIZE = 41
"""Smallest side that leaves one window at scale 4: 3, before it 2*3-1+2 = 7, 2*7-1+4 = 17, 2*17-1+8 = 41."""

Grey = NDArray[np.uint8] | NDArray[np.float64]
"""An image at some scale, 0..255."""

_TAPS = tuple(gaussian_taps(size, size / 5) for size in WINDOWS)


class SourceScale(NamedTuple):
    """What VIF needs to know of a source at one scale."""

    image: Grey
    """The source at this scale, `(h, w)`; 8-bit at scale 1, to save memory."""
    mean: Array
    """Local mean, `(h - n + 1, w - n + 1)` for a window of n."""
    variance: Array
    """Local variance, the same shape; zero where it is below `FLAT`."""
    information: float
    """Sum of `log(1 + variance / noise)` over all positions."""


def visual_information_fidelity(fused: Uint8Image, visible: Uint8Image, infrared: Uint8Image) -> float:
    """Sum of `VIFp(visible, fused)` and `VIFp(infrared, fused)`, the source being the reference of each.

    VIFp is the information about the source that passes the fused image, divided by the information in the
    source, both summed over four scales. Windows lie wholly inside the image; between scales, the image is
    filtered by the window of the next one and every second row and column is kept.

    A source that is constant carries no information, and 0 / 0 has no value: it counts as 1, the value of an
    image compared with itself, so that it moves no ranking.

    Args:
        fused: `(H, W)` grey uint8, at least 41x41.
        visible: `(H, W)` grey uint8.
        infrared: `(H, W)` grey uint8.

    Returns:
        From 0; 2 if all three are equal, and above that where the fused image has more contrast than both.

    Raises:
        ValueError: If an image is not grey uint8, is smaller than 41x41, or the sizes differ.
    """
    check_grey(MINIMUM_SIZE, fused=fused, visible=visible, infrared=infrared)
    return _fidelity(fused, (source_scales(visible), source_scales(infrared)))


def source_scales(source: Uint8Image) -> tuple[SourceScale, ...]:
    """Local moments of a source at the four scales: the part of VIF that no fused image changes."""
    image: Grey = source
    scales = []
    for scale, taps in enumerate(_TAPS):
        if scale > 0:
            image = _next_scale(image, taps)
        scales.append(_source_scale(image, taps))
    return tuple(scales)


def _source_scale(image: Grey, taps: Array) -> SourceScale:
    halo = len(taps) - 1
    rows, columns = (side - halo for side in image.shape)
    mean, variance, information = np.empty((rows, columns)), np.empty((rows, columns)), 0.0
    for band in row_bands(rows, columns):
        part = image[band.start : band.stop + halo].astype(np.float64)
        mean[band], mean_square = local_means(np.stack([part, part * part]), taps)
        variance[band] = _without_flat(mean_square - mean[band] ** 2)
        information += float(np.log1p(variance[band] / NOISE_VARIANCE).sum())
    return SourceScale(image, mean, variance, information)


def _fidelity(fused: Uint8Image, sources: tuple[tuple[SourceScale, ...], ...]) -> float:
    passed = np.zeros(len(sources))
    image: Grey = fused
    for scale, (taps, at_scale) in enumerate(zip(_TAPS, zip(*sources, strict=True), strict=True)):
        if scale > 0:
            image = _next_scale(image, taps)
        passed += _information_passed(image, at_scale, taps)
    contained = [sum(scale.information for scale in scales) for scales in sources]
    return sum(float(p) / c if c > 0 else 1.0 for p, c in zip(passed, contained, strict=True))


def _information_passed(image: Grey, sources: tuple[SourceScale, ...], taps: Array) -> Array:
    """Information about each source that passes the fused image at one scale."""
    halo = len(taps) - 1
    passed = np.zeros(len(sources))
    for band in row_bands(image.shape[0] - halo, image.shape[1] - halo):
        window_rows = slice(band.start, band.stop + halo)
        part = image[window_rows].astype(np.float64)
        products = [part, part * part, *(part * source.image[window_rows] for source in sources)]
        mean, mean_square, *mean_products = local_means(np.stack(products), taps)
        variance = _without_flat(mean_square - mean * mean)
        for index, (source, mean_product) in enumerate(zip(sources, mean_products, strict=True)):
            covariance = mean_product - source.mean[band] * mean
            passed[index] += _channel_information(source.variance[band], variance, covariance)
    return passed


def _channel_information(source_variance: Array, fused_variance: Array, covariance: Array) -> float:
    """Sum of `log(1 + gain^2 source_variance / (noise + distortion))` (equation 16).

    The fused image is modelled as gain times source plus independent distortion. Where either image is flat,
    or the gain would be negative, nothing passes.
    """
    gain = covariance / (source_variance + FLAT)
    distortion = np.maximum(fused_variance - gain * covariance, FLAT)
    passes = (gain > 0) & (source_variance > 0) & (fused_variance > 0)
    ratio = gain * gain * source_variance / (distortion + NOISE_VARIANCE)
    return float(np.log1p(np.where(passes, ratio, 0.0)).sum())


def _without_flat(variance: Array) -> Array:
    return np.where(variance < FLAT, 0.0, variance)


def _next_scale(image: Grey, taps: Array) -> Array:
    """Filter with the next scale's window and keep every second row and column."""
    rows, columns = ((side - len(taps)) // 2 + 1 for side in image.shape)
    smaller = np.empty((rows, columns))
    for band in row_bands(rows, columns):
        window_rows = slice(2 * band.start, 2 * (band.stop - 1) + len(taps))
        smaller[band] = local_means(image[window_rows].astype(np.float64), taps, step=2)
    return smaller


def _kept_scales(source: MeasuredImage) -> tuple[SourceScale, ...]:
    return source.once("vif.source_scales", lambda: source_scales(source.grey))


class VisualInformationFidelity:
    """VIF of the fused image with both sources."""

    card = MetricCard(
        name="vif",
        title="Visual information fidelity",
        label="VIF",
        direction="higher",
        compares="sources",
        value_range=(0.0, math.inf),
        minimum_size=MINIMUM_SIZE,
        summary="VIFp(visible, fused) + VIFp(infrared, fused): 4 scales, noise variance 2",
        reference="Sheikh & Bovik, IEEE TIP 2006, pixel-domain version",
        version="1",
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image; see `visual_information_fidelity`."""
        visible, infrared = sources.visible, sources.infrared
        check_grey(MINIMUM_SIZE, fused=fused.grey, visible=visible.grey, infrared=infrared.grey)
        return _fidelity(fused.grey, (_kept_scales(visible), _kept_scales(infrared)))
