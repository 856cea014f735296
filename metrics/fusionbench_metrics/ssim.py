"""Structural similarity (SSIM) of the fused image with the two sources, their mean.

Reference:
    Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli: "Image quality assessment: from error visibility to
    structural similarity", IEEE Transactions on Image Processing 13(4), 2004, equation 13 and section III-C.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fusionbench.contracts import MeasuredImage, MetricCard, SourceImages, Uint8Image
from fusionbench_metrics.gaussian_window import Array, gaussian_taps, local_means, row_bands
from fusionbench_metrics.grey_images import check_grey

WINDOW = 11
"""Side of the Gaussian window in pixels (Wang et al., section III-C)."""

SIGMA = 1.5
"""Standard deviation of the window in pixels."""

C1 = (0.01 * 255) ** 2
"""`(K1 L)^2` with K1 = 0.01 and the full range L = 255."""

C2 = (0.03 * 255) ** 2
"""`(K2 L)^2` with K2 = 0.03."""

MINIMUM_SIZE = WINDOW
"""One whole window."""

_TAPS = gaussian_taps(WINDOW, SIGMA)


class LocalMoments(NamedTuple):
    """Local mean and variance of a source, `(H - 10, W - 10)` each."""

    mean: Array
    variance: Array


def structural_similarity(fused: Uint8Image, visible: Uint8Image, infrared: Uint8Image) -> float:
    """Mean of `SSIM(visible, fused)` and `SSIM(infrared, fused)`.

    Each is the mean over all positions where an 11x11 Gaussian window (sigma 1.5) lies wholly inside the
    image; variances are those of the window (no n - 1 correction), L = 255. C1 and C2 keep flat areas
    defined: two equal constants give 1.

    Args:
        fused: `(H, W)` grey uint8, at least 11x11.
        visible: `(H, W)` grey uint8.
        infrared: `(H, W)` grey uint8.

    Returns:
        From -1 to 1; 1 only if all three are equal.

    Raises:
        ValueError: If an image is not grey uint8, is smaller than 11x11, or the sizes differ.
    """
    check_grey(MINIMUM_SIZE, fused=fused, visible=visible, infrared=infrared)
    return _similarity(fused, (visible, infrared), (local_moments(visible), local_moments(infrared)))


def local_moments(source: Uint8Image) -> LocalMoments:
    """Local mean and variance under SSIM's window: the part of it that no fused image changes."""
    rows, columns = (side - WINDOW + 1 for side in source.shape)
    moments = LocalMoments(np.empty((rows, columns)), np.empty((rows, columns)))
    for band in row_bands(rows, columns):
        part = source[band.start : band.stop + WINDOW - 1].astype(np.float64)
        mean, mean_square = local_means(np.stack([part, part * part]), _TAPS)
        moments.mean[band] = mean
        moments.variance[band] = mean_square - mean * mean
    return moments


def _similarity(
    fused: Uint8Image, sources: tuple[Uint8Image, ...], moments: tuple[LocalMoments, ...]
) -> float:
    rows, columns = moments[0].mean.shape
    total = 0.0
    for band in row_bands(rows, columns):
        window_rows = slice(band.start, band.stop + WINDOW - 1)
        part = fused[window_rows].astype(np.float64)
        products = [part, part * part, *(part * source[window_rows] for source in sources)]
        mean, mean_square, *mean_products = local_means(np.stack(products), _TAPS)
        variance = mean_square - mean * mean
        for of_source, mean_product in zip(moments, mean_products, strict=True):
            source_mean, source_variance = of_source.mean[band], of_source.variance[band]
            product_of_means = source_mean * mean
            luminance = (2 * product_of_means + C1) / (source_mean**2 + mean * mean + C1)
            structure = (2 * (mean_product - product_of_means) + C2) / (source_variance + variance + C2)
            total += float((luminance * structure).sum())
    return total / (len(sources) * moments[0].mean.size)


def _kept_moments(source: MeasuredImage) -> LocalMoments:
    return source.once("ssim.local_moments", lambda: local_moments(source.grey))


class StructuralSimilarity:
    """SSIM of the fused image with both sources."""

    card = MetricCard(
        name="ssim",
        title="Structural similarity",
        label="SSIM",
        direction="higher",
        compares="sources",
        value_range=(-1.0, 1.0),
        minimum_size=MINIMUM_SIZE,
        summary="mean of SSIM(visible, fused) and SSIM(infrared, fused): 11x11 Gaussian, sigma 1.5, L = 255",
        reference="Wang et al., IEEE TIP 2004, equation 13",
        version="1",
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image; see `structural_similarity`."""
        visible, infrared = sources.visible, sources.infrared
        check_grey(MINIMUM_SIZE, fused=fused.grey, visible=visible.grey, infrared=infrared.grey)
        moments = (_kept_moments(visible), _kept_moments(infrared))
        return _similarity(fused.grey, (visible.grey, infrared.grey), moments)
