"""The metrics of IVIF_ZOO, the evaluation code beside a survey of infrared and visible image fusion."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from fusionbench.contracts import MeasuredImage, Metric, MetricCard, ProfileCard, SourceImages
from fusionbench_metrics.ag import AverageGradient
from fusionbench_metrics.cc import CorrelationCoefficient, pearson
from fusionbench_metrics.ce import CrossEntropy
from fusionbench_metrics.edge_shares import edge_shares_of
from fusionbench_metrics.ei import EdgeIntensity, edge_intensity
from fusionbench_metrics.en import Entropy
from fusionbench_metrics.gaussian_window import Array
from fusionbench_metrics.grey_images import check_grey
from fusionbench_metrics.histogram import LEVELS, entropy_bits, kept_histogram, kept_joint_histogram
from fusionbench_metrics.information import kept_information
from fusionbench_metrics.local_similarity import WANG
from fusionbench_metrics.mi import MutualInformation
from fusionbench_metrics.moments import kept_joint_moments
from fusionbench_metrics.ms_ssim import MultiScaleSimilarity, measured_multi_scale_similarity
from fusionbench_metrics.nabf import FusionArtifacts
from fusionbench_metrics.nmi import NormalisedMutualInformation
from fusionbench_metrics.profiles.common_conventions import MSE_OF_UNIT_RANGE, PSNR_OF_TWO_RANGES
from fusionbench_metrics.profiles.convention import Convention, convention
from fusionbench_metrics.profiles.faint_contrast import chen_blum_of_faint_contrast
from fusionbench_metrics.profiles.repeated_window import MINIMUM_SIZE as ANY_SIZE
from fusionbench_metrics.profiles.repeated_window import yang_index_of_repeated_window
from fusionbench_metrics.qabf import EdgePreservation
from fusionbench_metrics.qcb import ChenBlum
from fusionbench_metrics.qncie import NonlinearCorrelation, correlation_information
from fusionbench_metrics.qy import YangIndex
from fusionbench_metrics.scd import CorrelationOfDifferences
from fusionbench_metrics.sd import StandardDeviation
from fusionbench_metrics.sf import SpatialFrequency
from fusionbench_metrics.ssim import StructuralSimilarity, measured_similarity
from fusionbench_metrics.vif import WINDOWS, Scales, VisualInformationFidelity, measured_fidelity

LOGARITHM_OFFSET = 1e-7
"""Added to every share of a histogram before the logarithm of EN."""

CLIPPED = 1e-7
"""Least distance of a sigmoid from 0 and 1 in CE, in float32: from 1 it is 2^-23."""

UNIT_RANGE = WANG.over_range(1.0)
"""SSIM with L = 1 for levels 0..255."""


def off_centre_taps(size: int) -> Array:
    """Gaussian window of VIF at `size` positions, evenly from `-size // 2` to `size // 2`, both included.

    For an odd size the first is one pixel further out than the last: -9 to 8 for 17 taps.
    """
    offset = np.linspace(-size // 2, size // 2, size)
    weights = np.exp(-(offset**2) / (2 * (size / 5) ** 2))
    normalised: Array = weights / weights.sum()
    return normalised


OFF_CENTRE = Scales(tuple(off_centre_taps(size) for size in WINDOWS), "zero")
"""The scales of VIF, with shifted windows that reach over the border."""


def sigmoid_cross_entropies() -> Array:
    """Cross entropy of a source level and a fused level, `(256, 256)`.

    Both levels, 0..255, go through the sigmoid `1 / (1 + exp(-level))`, which in float32 is 1 from 17 on, and
    are clipped. With t of the source and p of the fused level, it is `-t log p - (1 - t) log(1 - p)`.
    """
    one, least = np.float32(1), np.float32(CLIPPED)
    # Every operation is rounded to float32, the exponential too, whatever machine computes it.
    sigmoid = one / (one + np.exp(-np.arange(LEVELS)).astype(np.float32))
    clipped = np.clip(sigmoid, least, one - least).astype(np.float64)
    target = clipped[:, None]
    table: Array = -target * np.log(clipped) - (1 - target) * np.log(1 - clipped)
    return table


_CROSS_ENTROPIES = sigmoid_cross_entropies()


def _sigmoid_cross_entropy(fused: MeasuredImage, sources: SourceImages) -> float:
    visible, infrared = sources.visible, sources.infrared
    check_grey(1, fused=fused.grey, visible=visible.grey, infrared=infrared.grey)
    joint = kept_joint_histogram(visible, fused) + kept_joint_histogram(infrared, fused)
    return float((joint * _CROSS_ENTROPIES.ravel()).sum()) / (2 * fused.grey.size)


def _entropy_with_offset(fused: MeasuredImage, sources: SourceImages) -> float:  # noqa: ARG001
    check_grey(1, fused=fused.grey)
    share = kept_histogram(fused) / fused.grey.size
    return -float((share * np.log2(share + LOGARITHM_OFFSET)).sum())


def _entropy_beyond_fused(fused: MeasuredImage, sources: SourceImages) -> float:
    visible, infrared = sources.visible, sources.infrared
    check_grey(1, fused=fused.grey, visible=visible.grey, infrared=infrared.grey)
    of_fused, first, second = (entropy_bits(kept_histogram(image)) for image in (fused, visible, infrared))
    return first + second - of_fused


def _information_of_sources_entropy(fused: MeasuredImage, sources: SourceImages) -> float:
    visible, infrared = sources.visible, sources.infrared
    check_grey(1, fused=fused.grey, visible=visible.grey, infrared=infrared.grey)
    pairs = [kept_information(source, fused) for source in (visible, infrared)]
    available = sum(pair.first for pair in pairs)
    return 2 * sum(pair.shared for pair in pairs) / available if available > 0 else 0.0


def _artifacts_without_weak_edges(fused: MeasuredImage, sources: SourceImages) -> float:
    return edge_shares_of(fused, sources.visible, sources.infrared, weak_weight=0.0).added


def _linear_correlation_information(fused: MeasuredImage, sources: SourceImages) -> float:
    visible, infrared = sources.visible, sources.infrared
    check_grey(1, fused=fused.grey, visible=visible.grey, infrared=infrared.grey)
    pairs = ((visible, infrared), (visible, fused), (infrared, fused))
    return correlation_information(*(pearson(kept_joint_moments(*pair)) for pair in pairs))


def _edge_intensity_with_border(fused: MeasuredImage, sources: SourceImages) -> float:  # noqa: ARG001
    return edge_intensity(fused.grey, border="zero")


def _sum_of_similarities(fused: MeasuredImage, sources: SourceImages) -> float:
    return 2 * measured_similarity(fused, sources, UNIT_RANGE)


def _sum_of_multi_scale_similarities(fused: MeasuredImage, sources: SourceImages) -> float:
    return 2 * measured_multi_scale_similarity(fused, sources, UNIT_RANGE)


def _off_centre_fidelity(fused: MeasuredImage, sources: SourceImages) -> float:
    return measured_fidelity(fused, sources, OFF_CENTRE)


_WRONG_RANGE = (
    "The sum over both sources instead of the mean. A bug: levels 0..255 are multiplied by 255 and compared "
    "with L = 255, in effect L = 1 for 0..255; C1 and C2 then hardly count, and flat parts compare by their "
    "noise."
)

_ENTROPY_BEYOND_FUSED = MetricCard(
    name="te",
    title="Entropy of the sources beyond the fused image's",
    label="TE",
    direction="higher",
    compares="sources",
    value_range=(-8.0, 16.0),
    minimum_size=1,
    summary="H(visible) + H(infrared) - H(fused) from 256-bin histograms, in bits",
    reference="named after Tsallis entropy (Cvejic, Canagarajah & Bull, Electronics Letters 2006)",
    version="1",
    flat="a constant fused image has the highest value",
    won_by="a constant image",
    difference="No canonical metric has this name. A bug: it should be a Tsallis entropy, but its values "
    "are the Shannon entropy of both sources minus that of the fused image.",
    example=5.40837,
)

_METRICS: tuple[Metric, ...] = (
    convention(
        CrossEntropy(),
        _sigmoid_cross_entropy,
        value_range=(float(_CROSS_ENTROPIES.min()), float(_CROSS_ENTROPIES.max())),
        summary="mean over both sources and all pixels of -t log p - (1 - t) log(1 - p), t and p the "
        "sigmoids of the source and the fused level 0..255, clipped to 1e-7 and 1 - 1e-7 in float32",
        flat="as any other image",
        won_by="an image nearly black where the sources are, whatever it shows elsewhere",
        difference="Another formula: no histograms, but the cross entropy of a binary classifier. A bug: "
        "the sigmoid of a level above 16 is 1 in float32, so that only nearly black pixels count.",
        example=0.194578,
    ),
    convention(
        EdgeIntensity(),
        _edge_intensity_with_border,
        border="zeros beyond it",
        flat="its border is an edge; 0 for a black image only",
        difference="Zeros beyond the border instead of the edge pixels repeated, so that the border of a "
        "bright image is an edge itself: 3 to 12 % more.",
        example=111.01,
    ),
    convention(
        Entropy(),
        _entropy_with_offset,
        value_range=(-math.log2(1 + LOGARITHM_OFFSET), 8.0),
        summary="-sum p log2(p + 1e-7) over the 256 grey levels, in bits",
        flat="-1.4e-7",
        difference="1e-7 is added inside the logarithm, which keeps empty levels defined and lowers the "
        "value by 4e-5 bits at most.",
        example=7.88514,
    ),
    Convention(_ENTROPY_BEYOND_FUSED, _entropy_beyond_fused),
    MutualInformation(),
    convention(
        NormalisedMutualInformation(),
        _information_of_sources_entropy,
        summary="2 [MI(A,F) + MI(B,F)] / [H(A) + H(B)] from 256-bin histograms",
        flat="a constant fused image 0, two constant sources 0",
        difference="The sum of both MI is divided by the entropy of the sources, where the canonical metric "
        "divides each by that of its source and the fused image.",
        example=0.539735,
    ),
    MSE_OF_UNIT_RANGE,
    PSNR_OF_TWO_RANGES,
    convention(
        FusionArtifacts(),
        _artifacts_without_weak_edges,
        summary="share of the sources' edge weight that differs where the fused Sobel edge is the "
        "strongest; weights g^1.5 from g = 2 on, else 0",
        flat="a constant fused image 0; a constant source has no weight, and two have no value",
        difference="Pixels without an edge weigh 0 instead of 0.001: up to 0.07 % less.",
        example=0.351102,
    ),
    convention(
        NonlinearCorrelation(),
        _linear_correlation_information,
        summary="1 + sum (e/3) log256(e/3), e the eigenvalues of the 3x3 matrix of Pearson correlations",
        difference="A bug: Pearson's linear correlation takes the place of the nonlinear one, which is what "
        "the metric is about: 2 to 9 % more.",
        example=0.870532,
    ),
    EdgePreservation(),
    convention(
        ChenBlum(),
        chen_blum_of_faint_contrast,
        difference="The image is seen under 30 degrees a side instead of 15, as FFT frequencies run to 1/2 "
        "where MATLAB's run to 1; levels are not rounded after the stretch, and 1e-10 in the weights gives "
        "less to parts nearly without contrast.",
        flat="a constant fused image 0, two constant sources 0",
        example=0.501955,
    ),
    convention(
        YangIndex(),
        yang_index_of_repeated_window,
        minimum_size=ANY_SIZE,
        value_range=(-math.inf, math.inf),
        border="zeros beyond it",
        difference="A bug: the window is the one-dimensional Gaussian in each of seven rows and sums to 7, "
        "so that instead of variances and covariances mean levels are compared; and C1 and C2 are those of "
        "L = 1.",
        example=0.553289,
    ),
    CorrelationOfDifferences(),
    StandardDeviation(),
    SpatialFrequency(),
    convention(
        StructuralSimilarity(),
        _sum_of_similarities,
        value_range=(-2.0, 2.0),
        summary="SSIM(visible, fused) + SSIM(infrared, fused): 11x11 Gaussian, sigma 1.5, L = 1",
        flat="as any other image; two equal constants are similar by 1 each",
        difference=_WRONG_RANGE,
        example=0.367564,
    ),
    convention(
        MultiScaleSimilarity(),
        _sum_of_multi_scale_similarities,
        value_range=(0.0, 2.0),
        summary="MS-SSIM(visible, fused) + MS-SSIM(infrared, fused): 5 scales, windows of SSIM, L = 1",
        flat="as any other image; two equal constants are similar by 1 each",
        difference=_WRONG_RANGE,
        example=0.718801,
    ),
    convention(
        VisualInformationFidelity(),
        _off_centre_fidelity,
        minimum_size=1,
        border="zeros beyond it",
        flat="its border is a structure: only a black source adds 1 whatever the fused image",
        difference="A bug: the positions of a window's taps run from -9 to 8 instead of -8 to 8, and "
        "likewise at the other scales, which blurs more and shifts images against each other between "
        "scales; and windows reach over the border, into zeros. 2 to 4 % more.",
        example=1.02063,
    ),
    AverageGradient(),
    CorrelationCoefficient(),
)


class IvifZoo:
    """The metrics as IVIF_ZOO computes them."""

    card: ClassVar[ProfileCard] = ProfileCard(
        name="ivif_zoo",
        title="IVIF_ZOO",
        code="RollingPlain/IVIF_ZOO at 61b0a440",
        papers="The survey it belongs to (Liu et al., Infrared and visible image fusion: from data "
        "compatibility to task adaption, TPAMI), and papers that measured with its code",
        images="The code base turns colour grey by Pillow's mode L. Here all profiles measure the grey of "
        "the canonical metrics, so that only formulas differ; that changes values by at most 2.3e-5 "
        "relative.",
        summary="SSIM and MS-SSIM with L = 1 for levels 0..255, PSNR with 48.13 dB too much, windows of VIF "
        "off their centre and of Qy summing to 7, a classifier's cross entropy as CE, and H(A) + H(B) - "
        "H(F) as TE. It computes much in float32, this in float64. Where an image is flat, its float32 is "
        "noise: on real images it moves SSIM by up to 8e-4 of its value, MS-SSIM 3e-4, Qcb 9e-5, VIF 7e-5, "
        "and CE by up to 6e-7; all others agree to 4e-7. Left out because no value was there to check it "
        "against: Labf, which counts the pixels where the fused edge is no stronger than the weaker "
        "source's.",
        version="1",
    )

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """The metrics by name."""
        return {metric.card.name: metric for metric in _METRICS}
