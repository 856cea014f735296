"""Peak signal-to-noise ratio (PSNR) of the fused image against the two sources.

Reference:
    J. Ma, Y. Ma, C. Li: "Infrared and visible image fusion methods and applications: a survey", Information
    Fusion 45, 2019.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fusionbench.contracts import (
    MeasuredBatch,
    MeasuredImage,
    MetricCard,
    SourceBatch,
    SourceImages,
    Uint8Image,
)
from fusionbench_metrics.mse import MINIMUM_SIZE, kept_mean_squared_error, mean_squared_error

if TYPE_CHECKING:
    import torch

PEAK = 255.0
"""The highest grey level an image can have."""

CEILING = 100.0
"""Decibels of an image without error, which would be infinite, and of one with hardly any."""


def peak_signal_to_noise_ratio(
    fused: Uint8Image, visible: Uint8Image, infrared: Uint8Image, peak: float = PEAK
) -> float:
    """`10 log10(peak^2 / MSE)`, MSE being the mean over both sources (`mean_squared_error`).

    It falls as MSE rises, so the average of the two sources wins here as there. (Other implementations mix
    a peak of 255 with an MSE of images in 0..1, 48.13 dB more, or take the highest level of the fused image
    as the peak.)

    Args:
        fused: `(H, W)` grey uint8, any size.
        visible: `(H, W)` grey uint8.
        infrared: `(H, W)` grey uint8.
        peak: The signal, in grey levels.

    Returns:
        Decibels, from 0 (black against white) to 100; the ceiling stands for infinity, so that three equal
        images do not make the mean over a data set infinite.

    Raises:
        ValueError: If an image is not grey uint8, is empty, or the sizes differ.
    """
    return decibels(mean_squared_error(fused, visible, infrared), peak)


def decibels(squared_error: float, peak: float = PEAK) -> float:
    """`10 log10(peak^2 / squared_error)`, at most 100."""
    if squared_error == 0:
        return CEILING
    return min(CEILING, 10 * math.log10(peak * peak / squared_error))


class PeakSignalToNoiseRatio:
    """PSNR of the fused image against both sources."""

    card = MetricCard(
        name="psnr",
        title="Peak signal-to-noise ratio",
        label="PSNR",
        direction="higher",
        compares="sources",
        value_range=(0.0, CEILING),
        minimum_size=MINIMUM_SIZE,
        summary="10 log10(255^2 / MSE), MSE the mean over both sources; at most 100 dB",
        reference="Ma, Ma & Li, Information Fusion 2019",
        version="1",
        flat="as any other image; 100 dB if all three are equal",
        won_by="the average of the two sources",
        core=True,
        elsewhere="7.92091 the mean of two PSNRs; 7.11886 with the source's maximum as the peak (two ports)",
        example=7.92002,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image; see `peak_signal_to_noise_ratio`."""
        return decibels(kept_mean_squared_error(fused, sources))

    def measure_batch(self, fused: MeasuredBatch, sources: SourceBatch) -> torch.Tensor:
        """Measure a batch; see `peak_signal_to_noise_ratio`."""
        from fusionbench_metrics.batched import moments as batched

        return batched.peak_signal_to_noise_ratio(fused, sources, PEAK, CEILING)
