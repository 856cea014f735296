"""The metrics of Linfeng Tang's Evaluation-for-Image-Fusion, a MATLAB toolbox behind many tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from fusionbench.contracts import MeasuredImage, Metric, ProfileCard, SourceImages
from fusionbench_metrics.ag import AverageGradient
from fusionbench_metrics.cc import CorrelationCoefficient
from fusionbench_metrics.edge_shares import edge_shares_of
from fusionbench_metrics.en import Entropy
from fusionbench_metrics.fmi import FeatureMutualInformationDct
from fusionbench_metrics.grey_images import check_grey
from fusionbench_metrics.histogram import LEVELS, Counts, entropy_bits, kept_joint_histogram
from fusionbench_metrics.information import Information, kept_information
from fusionbench_metrics.local_similarity import SimilarityIndex
from fusionbench_metrics.mef_ms_ssim import MultiExposureSimilarity
from fusionbench_metrics.mi import MutualInformation
from fusionbench_metrics.nabf import FusionArtifacts
from fusionbench_metrics.profiles.common_conventions import (
    FULL_RANGE,
    MSE_OF_UNIT_RANGE,
    PSNR_OF_TWO_RANGES,
    gradient_over_inner_pixels,
)
from fusionbench_metrics.profiles.convention import Convention, convention
from fusionbench_metrics.qabf import EdgePreservation
from fusionbench_metrics.scd import CorrelationOfDifferences
from fusionbench_metrics.sd import StandardDeviation
from fusionbench_metrics.sf import SpatialFrequency
from fusionbench_metrics.ssim import StructuralSimilarity, measured_similarity
from fusionbench_metrics.vif import VisualInformationFidelity

MATLAB_SSIM = SimilarityIndex(border="replicate")
"""MATLAB's `ssim`: the window of Wang et al. at every pixel, border pixels repeated. L is 255 for 8-bit
images, but 1 for images of type double, whatever they hold."""


def merged_brightest(joint: Counts) -> Counts:
    """Joint histogram in which level 255 counts as 254.

    Args:
        joint: `(65536,)`, as `joint_histogram` counts it.
    """
    table = joint.reshape(LEVELS, LEVELS).copy()
    for levels in (table, table.T):
        levels[-2] += levels[-1]
        levels[-1] = 0
    merged: Counts = table.ravel()
    return merged


def _information_with_merged_levels(fused: MeasuredImage, sources: SourceImages) -> float:
    visible, infrared = sources.visible, sources.infrared
    check_grey(1, fused=fused.grey, visible=visible.grey, infrared=infrared.grey)
    return sum(_shared_with_merged_levels(source, fused) for source in (visible, infrared))


def _shared_with_merged_levels(source: MeasuredImage, fused: MeasuredImage) -> float:
    joint = merged_brightest(kept_joint_histogram(source, fused))
    right = kept_information(source, fused)
    return Information(right.first, right.second, entropy_bits(joint)).shared


def _artifacts_of_the_infrared_image(fused: MeasuredImage, sources: SourceImages) -> float:
    return edge_shares_of(sources.infrared, sources.visible, fused).added


def _similarity(level_range: float, **changes: Any) -> Convention:
    index = MATLAB_SSIM.over_range(level_range)
    return convention(
        StructuralSimilarity(),
        lambda fused, sources: measured_similarity(fused, sources, index),
        minimum_size=index.minimum_size,
        border="edge pixels repeated",
        summary="mean of SSIM(visible, fused) and SSIM(infrared, fused): 11x11 Gaussian, sigma 1.5, "
        f"L = {level_range:g}",
        **changes,
    )


_METRICS: tuple[Metric, ...] = (
    Entropy(),
    SpatialFrequency(),
    StandardDeviation(),
    PSNR_OF_TWO_RANGES,
    MSE_OF_UNIT_RANGE,
    convention(
        MutualInformation(),
        _information_with_merged_levels,
        # With s the share of the merged level, the shared bits are at most those of 255 levels plus 2 s, and
        # sum p log2(1 / p) + 2 s over 255 levels is largest, log2(254 + 2^2), if that level has 4 shares.
        value_range=(0.0, 2 * math.log2(LEVELS + 2)),
        summary="H(source) + H(fused) - H(source, fused) in bits, summed over the sources; the joint "
        "histogram counts 255 as 254",
        flat="a constant fused image 0, unless a source has both 254 and 255",
        difference="A bug: adding 1 to 8-bit levels saturates, so that the joint histogram counts 254 and "
        "255 as one, while the histograms of single images do not. Saturated images get up to 3 % too much.",
        example=3.5935,
    ),
    VisualInformationFidelity(),
    convention(
        AverageGradient(),
        gradient_over_inner_pixels,
        value_range=(0.0, 1020.0),
        summary="sum over all pixels of sqrt((gx^2 + gy^2) / 2), divided by (H - 1) (W - 1)",
        difference="The sum over all H W pixels is divided by (H - 1) (W - 1), the number of diagonal "
        "neighbours: 0.37 % more at 640x480.",
        example=11.4994,
    ),
    CorrelationCoefficient(),
    CorrelationOfDifferences(),
    EdgePreservation(),
    _similarity(
        1.0,
        difference="A bug: MATLAB's ssim takes L = 1 for images of type double, which here hold 0..255; C1 "
        "and C2 then hardly count, and values fall by a third to two thirds. Windows cross the border too.",
        example=0.183736,
    ),
    convention(
        MultiExposureSimilarity(),
        MultiExposureSimilarity().measure,
        name="ms_ssim",
        label="MS-SSIM",
        difference="Another metric under this name: that of Ma et al. for exposure fusion (canonical "
        "mef_ms_ssim) instead of Wang's MS-SSIM.",
    ),
    convention(
        FusionArtifacts(),
        _artifacts_of_the_infrared_image,
        summary="Nabf of the infrared image against the visible and the fused one",
        flat="as any other image",
        rewards_noise=True,
        won_by="a mere copy of the infrared image",
        difference="A bug: called with infrared, visible, fused where the function expects fused, source, "
        "source, it scores the infrared image; on real images this is 0.01 to 1.5 times the right value.",
        example=0.00360189,
    ),
    FeatureMutualInformationDct(),
    _similarity(
        FULL_RANGE,
        name="ssim_l255",
        label="SSIM (L = 255)",
        difference="Windows cross the border, with edge pixels repeated. It is what the toolbox's call "
        "would give for images of type uint8.",
        example=0.341927,
    ),
)


class Tang:
    """The metrics as Linfeng Tang's toolbox computes them."""

    card: ClassVar[ProfileCard] = ProfileCard(
        name="tang",
        title="Evaluation-for-Image-Fusion",
        code="Linfeng-Tang/Evaluation-for-Image-Fusion at 0e87153b",
        papers="Those of its author (such as SwinFusion), and of many who measured with the toolbox",
        images="The code base turns colour grey by MATLAB's rgb2gray, as the canonical metrics do, so that "
        "only formulas differ. Another common grey changes values by at most 2.3e-5 relative.",
        summary="PSNR with 48.13 dB too much, SSIM with L = 1 for levels 0..255 (ssim_l255 has the right "
        "range), Nabf of the infrared image, MEF-MS-SSIM as MS-SSIM. FMI_dct is the canonical one. Left out "
        "because they rest on MATLAB functions whose values nothing here could be checked against: "
        "FMI_pixel (in truth FMI of an edge map) and FMI_w (of dmey wavelets). Early tables of the author "
        "were computed in 8 bits.",
        version="1",
    )

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """The metrics by name, in the order the code base lists them."""
        return {metric.card.name: metric for metric in _METRICS}
