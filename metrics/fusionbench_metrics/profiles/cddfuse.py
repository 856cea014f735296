"""The metrics of CDDFuse's Evaluator, whose numbers stand in the tables of CDDFuse and later papers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from fusionbench.contracts import MeasuredImage, Metric, ProfileCard, SourceImages, Uint8Image
from fusionbench_metrics.ag import AverageGradient
from fusionbench_metrics.cc import CorrelationCoefficient
from fusionbench_metrics.en import Entropy
from fusionbench_metrics.grey_images import check_grey
from fusionbench_metrics.mi import MutualInformation
from fusionbench_metrics.mse import MeanSquaredError, kept_mean_squared_error
from fusionbench_metrics.profiles.common_conventions import information_in_nats
from fusionbench_metrics.profiles.convention import Convention, convention
from fusionbench_metrics.psnr import CEILING, PeakSignalToNoiseRatio, decibels
from fusionbench_metrics.qabf import EdgePreservation
from fusionbench_metrics.scd import CorrelationOfDifferences
from fusionbench_metrics.sd import StandardDeviation
from fusionbench_metrics.sf import SpatialFrequency
from fusionbench_metrics.ssim import StructuralSimilarity
from fusionbench_metrics.vif import VisualInformationFidelity

SSIM_WINDOW = 7
"""Side of the window in which scikit-image takes plain means, if nothing else is asked for."""

FLOAT_RANGE = 2.0
"""L for float images (-1 to 1) in those versions of scikit-image that assumed one."""

FULL_RANGE = 255.0
"""L for what the images hold."""


def summed_uniform_similarity(
    fused: Uint8Image, visible: Uint8Image, infrared: Uint8Image, level_range: float
) -> float:
    """`SSIM(visible, fused) + SSIM(infrared, fused)` as scikit-image takes it by default, in float32.

    The window is 7x7 with equal weights and lies wholly inside the image; variances divide by n - 1;
    C1 = (0.01 L)^2 and C2 = (0.03 L)^2 keep flat areas defined: two equal constants give 1.

    Args:
        fused: `(H, W)` grey uint8, at least 7x7.
        visible: `(H, W)` grey uint8.
        infrared: `(H, W)` grey uint8.
        level_range: L, the range of grey levels.

    Returns:
        From -2 to 2; 2 only if all three are equal.

    Raises:
        ValueError: If an image is not grey uint8, is smaller than 7x7, or the sizes differ.
    """
    from skimage.metrics import structural_similarity as uniform_similarity

    check_grey(SSIM_WINDOW, fused=fused, visible=visible, infrared=infrared)
    image = fused.astype(np.float32)
    return sum(
        float(
            uniform_similarity(source.astype(np.float32), image, win_size=SSIM_WINDOW, data_range=level_range)
        )
        for source in (visible, infrared)
    )


def _decibels_below_the_brightest_pixel(fused: MeasuredImage, sources: SourceImages) -> float:
    peak = float(fused.grey.max())
    return decibels(kept_mean_squared_error(fused, sources), peak) if peak > 0 else math.nan


def _similarity(level_range: float, **changes: Any) -> Convention:
    return convention(
        StructuralSimilarity(),
        lambda fused, sources: summed_uniform_similarity(
            fused.grey, sources.visible.grey, sources.infrared.grey, level_range
        ),
        value_range=(-2.0, 2.0),
        minimum_size=SSIM_WINDOW,
        summary="SSIM(visible, fused) + SSIM(infrared, fused): plain 7x7 windows, variances over n - 1, "
        f"L = {level_range:g}",
        **changes,
    )


_METRICS: tuple[Metric, ...] = (
    Entropy(),
    StandardDeviation(),
    SpatialFrequency(),
    AverageGradient(),
    convention(
        MutualInformation(),
        information_in_nats,
        value_range=(0.0, 16 * math.log(2)),
        summary="MI(visible, fused) + MI(infrared, fused) from 256-bin histograms, in nats",
        difference="In nats instead of bits, because scikit-learn's function takes the natural logarithm: "
        "ln 2 times the canonical value.",
        example=2.48666,
    ),
    MeanSquaredError(),
    convention(
        PeakSignalToNoiseRatio(),
        _decibels_below_the_brightest_pixel,
        value_range=(-10 * math.log10(255**2), CEILING),
        summary="10 log10(max(F)^2 / MSE), MSE the mean over both sources; at most 100 dB",
        flat="as any other image; a black one has no value",
        won_by="the average of the two sources with one pixel turned white",
        difference="The peak is the highest level of the fused image instead of 255, so that an image "
        "scores lower for having no white pixel.",
        example=7.92002,
    ),
    CorrelationCoefficient(),
    CorrelationOfDifferences(),
    VisualInformationFidelity(),
    EdgePreservation(),
    _similarity(
        FLOAT_RANGE,
        difference="The sum over both sources instead of the mean, and plain 7x7 windows with sample "
        "variances. A bug: L = 2 for levels 0..255, which older versions of scikit-image assumed of float "
        "images; current ones raise an error.",
        example=0.376197,
    ),
    _similarity(
        FULL_RANGE,
        name="ssim_l255",
        label="SSIM (L = 255)",
        difference="The sum over both sources instead of the mean, and plain 7x7 windows with sample "
        "variances; it is what the Evaluator's call gives if told the range of its images.",
        example=0.651342,
    ),
)


class CDDFuse:
    """The metrics as CDDFuse's Evaluator computes them."""

    card: ClassVar[ProfileCard] = ProfileCard(
        name="cddfuse",
        title="CDDFuse Evaluator",
        code="Zhaozixiang1228/MMIF-CDDFuse at fd8da1f3, Evaluator",
        papers="CDDFuse (CVPR 2023), and papers whose authors measured with its code, such as FusionMamba",
        images="The code base turns colour grey by OpenCV (BGR2GRAY in float32) and rounds. Here it is the "
        "grey of the canonical metrics, so that only formulas differ; that changes values by at most 2.3e-5 "
        "relative.",
        summary="MI in nats, the brightest fused pixel as PSNR's peak, and SSIM as a sum of two with L = 2, "
        "which current scikit-image refuses to compute; ssim_l255 is the same with the right range. What "
        "the code base calls VIFF is VIF. It computes in float32, good for six digits; here only SSIM does.",
        version="1",
    )

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """The metrics by name, in the order the code base lists them."""
        return {metric.card.name: metric for metric in _METRICS}
