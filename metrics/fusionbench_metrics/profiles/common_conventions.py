"""Conventions that more than one code base has."""

from __future__ import annotations

import math

from fusionbench.contracts import MeasuredImage, SourceImages
from fusionbench_metrics.ag import gradient_sum
from fusionbench_metrics.mi import MutualInformation
from fusionbench_metrics.mse import MeanSquaredError
from fusionbench_metrics.profiles.convention import convention
from fusionbench_metrics.psnr import CEILING, PeakSignalToNoiseRatio

FULL_RANGE = 255.0
"""Levels 0..255 divided by it are those of an image in 0..1."""

PSNR_OFFSET = 20 * math.log10(FULL_RANGE)
"""Decibels between a peak of 255 and one of 1."""


def gradient_over_inner_pixels(fused: MeasuredImage, sources: SourceImages) -> float:  # noqa: ARG001
    """AG with the sum over all `H W` pixels divided by `(H - 1) (W - 1)`."""
    height, width = fused.grey.shape
    return gradient_sum(fused.grey) / float((height - 1) * (width - 1))


def information_in_nats(fused: MeasuredImage, sources: SourceImages) -> float:
    """MI with natural logarithms."""
    return math.log(2) * MutualInformation().measure(fused, sources)


def _error_of_unit_range(fused: MeasuredImage, sources: SourceImages) -> float:
    return MeanSquaredError().measure(fused, sources) / FULL_RANGE**2


def _decibels_of_two_ranges(fused: MeasuredImage, sources: SourceImages) -> float:
    return PeakSignalToNoiseRatio().measure(fused, sources) + PSNR_OFFSET


MSE_OF_UNIT_RANGE = convention(
    MeanSquaredError(),
    _error_of_unit_range,
    value_range=(0.0, 1.0),
    summary="mean of the mean squared differences from the visible and the infrared image, levels 0..1",
    difference="Of levels 0..1 instead of 0..255: the canonical value / 65025.",
    example=0.161435,
)

PSNR_OF_TWO_RANGES = convention(
    PeakSignalToNoiseRatio(),
    _decibels_of_two_ranges,
    value_range=(PSNR_OFFSET, CEILING + PSNR_OFFSET),
    summary="10 log10(255^2 / MSE), but MSE of levels 0..1; at most 148.13 dB",
    flat="as any other image; 148.13 dB if all three are equal",
    difference="A bug: the peak is 255 and the MSE that of images in 0..1, which adds 48.13 dB.",
    example=56.0508,
)
