"""Visual information fidelity (VIF): how much of the sources' information survives in the fused image.

What the fusion field calls VIF is the pixel-domain version VIFp of Sheikh and Bovik's measure, summed over
both sources.

Reference:
    H. R. Sheikh, A. C. Bovik: "Image information and visual quality", IEEE Transactions on Image Processing
    15(2), 2006, equation 16, and the authors' pixel-domain multi-scale version of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fusionbench.contracts import (
    MeasuredBatch,
    MeasuredImage,
    MetricCard,
    SourceBatch,
    SourceImages,
    Uint8Image,
)
from fusionbench_metrics.gaussian_window import (
    Array,
    Border,
    Grey,
    framed,
    gaussian_taps,
    local_mean,
    local_means,
    row_bands,
)
from fusionbench_metrics.grey_images import check_grey
from fusionbench_metrics.measured_greys import measured_greys

if TYPE_CHECKING:
    import torch

WINDOWS = (17, 9, 5, 3)
"""Side of the Gaussian window at scales 1 to 4; its sigma is a fifth of that (VIFp)."""

NOISE_VARIANCE = 2.0
"""Variance of the visual system's internal noise, in squared grey levels (VIFp)."""

FLAT = 1e-10
"""Local variances below this count as zero, and no divisor is smaller (VIFp)."""

MINIMUM_SIZE = 41
"""Smallest side that leaves one window at scale 4: 3, before it 2*3-1+2 = 7, 2*7-1+4 = 17, 2*17-1+8 = 41."""

_FACTORS = 64
"""Factors multiplied before the logarithm is taken: with a variance of at most 127.5^2 and a noise of at
least 2, each is below 10^4, and their product below 10^256."""


@dataclass(frozen=True, eq=False)
class Scales:
    """Windows of the scales; between two, every second row and column is kept."""

    taps: tuple[Array, ...]
    """Weights along one axis, for every scale."""
    border: Border = "inside"


PIXEL_DOMAIN = Scales(tuple(gaussian_taps(size, size / 5) for size in WINDOWS))
"""The scales of VIFp."""


class SourceScale(NamedTuple):
    """What VIF needs to know of a source at one scale."""

    image: Grey
    """The source at this scale, `(h, w)`; 8-bit at scale 1, to save memory."""
    mean: Array
    """Local mean, `(h - n + 1, w - n + 1)` for a window of n."""
    variance: Array
    """Local variance, the same shape; zero where it is below `FLAT`."""


class Channel(NamedTuple):
    """Local second moments of a source and the fused image in a band of rows."""

    source_variance: Array
    fused_variance: Array
    covariance: Array


def visual_information_fidelity(
    fused: Uint8Image,
    visible: Uint8Image,
    infrared: Uint8Image,
    scales: Scales = PIXEL_DOMAIN,
) -> float:
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
        scales: Other windows, as another code base takes them; images may be smaller where windows reach
            over the border.

    Returns:
        From 0; 2 if all three are equal, and above that where the fused image has more contrast than both.

    Raises:
        ValueError: If an image is not grey uint8, is smaller than 41x41, or the sizes differ.
    """
    return measured_fidelity(*measured_greys(fused, visible, infrared), scales)


def measured_fidelity(fused: MeasuredImage, sources: SourceImages, scales: Scales = PIXEL_DOMAIN) -> float:
    """`visual_information_fidelity` of images that keep what depends on them alone."""
    visible, infrared = sources.visible, sources.infrared
    smallest = MINIMUM_SIZE if scales.border == "inside" else 1
    check_grey(smallest, fused=fused.grey, visible=visible.grey, infrared=infrared.grey)
    of_sources = kept_scales(visible, scales), kept_scales(infrared, scales)
    passed = np.zeros(len(of_sources))
    for image, taps, *at_scale in zip(images_of(fused.grey, scales), scales.taps, *of_sources, strict=True):
        for channels in channel_bands(image, taps, at_scale):
            passed += [sum_of_logarithms(gain_and_ratio(each, NOISE_VARIANCE)[1]) for each in channels]
    contained = _kept_information(visible, scales), _kept_information(infrared, scales)
    return sum(float(p) / c if c > 0 else 1.0 for p, c in zip(passed, contained, strict=True))


def images_of(image: Uint8Image, scales: Scales) -> Iterator[Grey]:
    """An image at every scale, each with its border."""
    at_scale: Grey = image
    for index, taps in enumerate(scales.taps):
        if index > 0:
            at_scale = _smaller(framed(at_scale, len(taps), scales.border), taps)
        yield framed(at_scale, len(taps), scales.border)


def kept_scales(source: MeasuredImage, scales: Scales = PIXEL_DOMAIN) -> tuple[SourceScale, ...]:
    """Local moments of a source at every scale: the part of VIF that no fused image changes."""

    def compute() -> tuple[SourceScale, ...]:
        return tuple(map(_source_scale, images_of(source.grey, scales), scales.taps))

    return source.once(("vif.source_scales", scales), compute)


def channel_bands(image: Grey, taps: Array, sources: Sequence[SourceScale]) -> Iterator[list[Channel]]:
    """The channels from each source to a fused image at one scale, in bands of rows."""
    reach = len(taps) - 1
    for band in row_bands(image.shape[0] - reach, image.shape[1] - reach):
        seen = slice(band.start, band.stop + reach)
        part = image[seen].astype(np.float64, order="C")
        mean, variance, *covariances = local_means(
            (part, part * part, *(part * source.image[seen] for source in sources)), taps
        )
        for source, covariance in zip(sources, covariances, strict=True):
            covariance -= source.mean[band] * mean
        mean *= mean
        variance -= mean
        variance[variance < FLAT] = 0.0
        yield [
            Channel(source.variance[band], variance, covariance)
            for source, covariance in zip(sources, covariances, strict=True)
        ]


def gain_and_ratio(channel: Channel, noise_variance: float) -> tuple[Array, Array]:
    """Gain of the channel, and `gain^2 source_variance / (noise + distortion)` (equation 16).

    The fused image is modelled as gain times source plus independent distortion. Where either image is flat,
    or the gain would be negative, the gain is zero and nothing passes.

    Args:
        channel: What it is of.
        noise_variance: Variance of the internal noise.
    """
    from fusionbench_metrics.compiled_windows import channel as measure_channel

    gain, ratio = np.empty_like(channel.covariance), np.empty_like(channel.covariance)
    measure_channel(*channel, noise_variance, FLAT, gain, ratio)
    return gain, ratio


def sum_of_logarithms(ratio: Array) -> float:
    """Sum of `log(1 + ratio)`, one logarithm for many pixels of a column.

    Args:
        ratio: `(H, W)`, from 0 to 10^4.
    """
    factors = 1 + ratio
    return sum(
        float(np.log(np.multiply.reduce(factors[start : start + _FACTORS], axis=0)).sum())
        for start in range(0, len(factors), _FACTORS)
    )


def _source_scale(image: Grey, taps: Array) -> SourceScale:
    reach = len(taps) - 1
    rows, columns = (side - reach for side in image.shape)
    mean, variance = np.empty((rows, columns)), np.empty((rows, columns))
    for band in row_bands(rows, columns):
        part = image[band.start : band.stop + reach].astype(np.float64, order="C")
        mean[band], mean_square = local_means((part, part * part), taps)
        variance[band] = mean_square - mean[band] ** 2
        variance[band][variance[band] < FLAT] = 0.0
    return SourceScale(image, mean, variance)


def _kept_information(source: MeasuredImage, scales: Scales) -> float:
    """Information in a source: the sum of `log(1 + variance / noise)` over all positions and scales."""

    def compute() -> float:
        variances = (scale.variance for scale in kept_scales(source, scales))
        return sum(
            sum_of_logarithms(variance[band] / NOISE_VARIANCE)
            for variance in variances
            for band in row_bands(*variance.shape)
        )

    return source.once(("vif.information", scales), compute)


def _smaller(image: Grey, taps: Array) -> Array:
    """Filter with a window and keep every second row and column."""
    rows, columns = ((side - len(taps)) // 2 + 1 for side in image.shape)
    smaller = np.empty((rows, columns))
    for band in row_bands(rows, columns):
        seen = slice(2 * band.start, 2 * (band.stop - 1) + len(taps))
        smaller[band] = local_mean(image[seen].astype(np.float64, order="C"), taps, step=2)
    return smaller


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
        border="whole windows inside the image only",
        flat="a constant fused image 0; a constant source adds 1",
        core=True,
        elsewhere=(
            "1.31870 is VIFF (metric `viff`), which some toolboxes call VIF; 3.45630 with a noise "
            "variance of 325"
        ),
        example=0.977373,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image; see `visual_information_fidelity`."""
        return measured_fidelity(fused, sources)

    def measure_batch(self, fused: MeasuredBatch, sources: SourceBatch) -> torch.Tensor:
        """Measure a batch; see `visual_information_fidelity`."""
        from fusionbench_metrics.batched import fidelity as batched

        return batched.visual_information_fidelity(fused, sources)
