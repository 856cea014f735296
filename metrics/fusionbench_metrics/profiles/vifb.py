"""The metrics of VIFB, the visible and infrared image fusion benchmark: every one by colour channel."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from fusionbench.contracts import MeasuredImage, Metric, MetricCard, ProfileCard, SourceImages
from fusionbench_metrics.ag import AverageGradient
from fusionbench_metrics.ce import CrossEntropy
from fusionbench_metrics.ei import EdgeIntensity
from fusionbench_metrics.en import Entropy
from fusionbench_metrics.grey_images import check_grey
from fusionbench_metrics.mi import MutualInformation
from fusionbench_metrics.moments import kept_joint_moments
from fusionbench_metrics.profiles.channels import averaged_over_channels
from fusionbench_metrics.profiles.common_conventions import gradient_over_inner_pixels, information_in_nats
from fusionbench_metrics.profiles.convention import Convention, Formula, convention
from fusionbench_metrics.psnr import CEILING, PeakSignalToNoiseRatio, decibels
from fusionbench_metrics.qabf import EdgePreservation
from fusionbench_metrics.qcb import ChenBlum
from fusionbench_metrics.qcv import ChenVarshney
from fusionbench_metrics.sd import StandardDeviation
from fusionbench_metrics.sf import MINIMUM_SIZE as SMALLEST_FOR_SF
from fusionbench_metrics.sf import SpatialFrequency, squared_differences
from fusionbench_metrics.ssim import StructuralSimilarity

PEAK = 255.0
"""The highest grey level."""


def root_of_squared_error(fused: MeasuredImage, sources: SourceImages) -> float:
    """Mean over both sources of `sqrt(sum (F - S)^2) / (H W)`, in levels 0..255.

    It is the root mean squared error divided by `sqrt(H W)`: the code base takes the root of the sum before
    it divides by the pixel count. The larger the image, the smaller the value.

    Args:
        fused: Grey, any size.
        sources: The images it is compared with.

    Returns:
        From 0 (three equal images) to 255 (black against white, one pixel); lower is better. By the triangle
        inequality no image has a lower value than either source, or any weighted average of both.

    Raises:
        ValueError: If an image is not grey uint8, is empty, or the sizes differ.
    """
    visible, infrared = sources.visible, sources.infrared
    check_grey(1, fused=fused.grey, visible=visible.grey, infrared=infrared.grey)
    errors = [kept_joint_moments(source, fused).squared_error for source in (visible, infrared)]
    return sum(math.sqrt(error) for error in errors) / (2 * fused.grey.size)


def _decibels_of_root(fused: MeasuredImage, sources: SourceImages) -> float:
    return decibels(root_of_squared_error(fused, sources), PEAK)


def _frequency_over_all_pixels(fused: MeasuredImage, sources: SourceImages) -> float:  # noqa: ARG001
    check_grey(SMALLEST_FOR_SF, fused=fused.grey)
    return math.sqrt(sum(squared_differences(fused.grey)) / fused.grey.size)


def _sum_of_similarities(fused: MeasuredImage, sources: SourceImages) -> float:
    return 2 * StructuralSimilarity().measure(fused, sources)


_BY_CHANNEL = "The mean over the RGB channels instead of the value of their grey"


def _by_channel(
    canonical: Metric, formula: Formula | None = None, difference: str = "", **changes: Any
) -> Convention:
    """A canonical metric, or another formula for it, measured channel by channel."""
    of_grey = Convention(canonical.card, formula or canonical.measure)
    text = f"{_BY_CHANNEL}; {difference}" if difference else f"{_BY_CHANNEL}, by the same formula."
    return convention(canonical, averaged_over_channels(of_grey), difference=text, **changes)


_ROOT_OF_SQUARED_ERROR = MetricCard(
    name="rmse",
    title="Root of the squared error over the pixel count",
    label="RMSE",
    direction="lower",
    compares="sources",
    value_range=(0.0, PEAK),
    minimum_size=1,
    summary="mean over both sources of sqrt(sum (F - S)^2) / (H W), levels 0..255",
    reference="Zhang, Ye & Xiao, CVPR workshops 2020, as the code has it",
    version="1",
    flat="as any other image",
    won_by="either source, or any weighted average of both",
    difference="No canonical metric has this name. A bug: the root is taken of the sum of squares before it "
    "is divided by the pixel count, so that the value is the RMSE / sqrt(H W) and falls as images grow. The "
    "mean over the RGB channels.",
    example=0.184844,
)

_METRICS: tuple[Metric, ...] = (
    _by_channel(CrossEntropy(), example=1.99605),
    _by_channel(Entropy(), example=7.88517),
    _by_channel(
        MutualInformation(),
        information_in_nats,
        value_range=(0.0, 16 * math.log(2)),
        summary="MI(visible, fused) + MI(infrared, fused) from 256-bin histograms, in nats",
        difference="and in nats instead of bits, ln 2 times as much. The code base stretches every image to "
        "0..255 first, which changes nothing: different levels stay different.",
        example=2.48666,
    ),
    _by_channel(
        PeakSignalToNoiseRatio(),
        _decibels_of_root,
        value_range=(10 * math.log10(PEAK), CEILING),
        summary="20 log10(255 / sqrt(e)), e the value of rmse in place of the MSE; at most 100 dB",
        won_by="either source, or any weighted average of both",
        difference="a bug: what should be the MSE is the root of the sum of squares over the pixel count "
        "(see rmse), which gives some 45 to 48 dB too much. Infinite there for three equal images.",
        example=55.4627,
    ),
    _by_channel(
        AverageGradient(),
        gradient_over_inner_pixels,
        value_range=(0.0, 4 * PEAK),
        summary="sum over all pixels of sqrt((gx^2 + gy^2) / 2), divided by (H - 1) (W - 1)",
        difference="and the sum over all H W pixels is divided by (H - 1) (W - 1): 0.37 % more at 640x480.",
        example=11.4994,
    ),
    _by_channel(EdgeIntensity(), example=107.716),
    _by_channel(EdgePreservation(), example=0.221556),
    _by_channel(StandardDeviation(), difference="the code base names it variance.", example=67.4769),
    _by_channel(
        SpatialFrequency(),
        _frequency_over_all_pixels,
        summary="sqrt((sum of squared horizontal + vertical differences of neighbours) / (H W))",
        difference="and both sums are divided by H W, though there are only H (W - 1) and (H - 1) W "
        "differences: 0.09 % less at 640x480.",
        example=39.0852,
    ),
    Convention(
        _ROOT_OF_SQUARED_ERROR,
        averaged_over_channels(Convention(_ROOT_OF_SQUARED_ERROR, root_of_squared_error)),
    ),
    _by_channel(
        StructuralSimilarity(),
        _sum_of_similarities,
        value_range=(-2.0, 2.0),
        summary="SSIM(visible, fused) + SSIM(infrared, fused): 11x11 Gaussian, sigma 1.5, L = 255",
        flat="as any other image; two equal constants are similar by 1 each",
        difference="and the sum over both sources instead of their mean.",
        example=0.680766,
    ),
    _by_channel(ChenBlum(), example=0.497173),
    _by_channel(ChenVarshney(), example=1122.09),
)


class Vifb:
    """The metrics as VIFB computes them."""

    card: ClassVar[ProfileCard] = ProfileCard(
        name="vifb",
        title="VIFB",
        code="xingchenzhang/VIFB at 22b2ea9d",
        papers="Zhang, Ye & Xiao, VIFB (CVPR workshops 2020), and papers that measured with its code",
        images="Every metric is measured for red, green and blue, and averaged; a grey image, such as the "
        "infrared one, is taken for each. On grey images only formulas differ from the canonical metrics; "
        "on colour images the means differ from the values of the grey, on real ones MI by -1 to -35 %, SD "
        "by up to 5 % to either side, and EN by less than 1 %.",
        summary="RMSE and PSNR with a root taken too early, MI in nats, SSIM as a sum of two, AG and SF "
        "divided by other pixel counts. A channel without a value leaves the image without one; the code "
        "base leaves such values out of its means. Its outputs are JPEG files, whose losses are part of its "
        "numbers.",
        version="1",
    )

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """The metrics by name, in the order of the benchmark's paper."""
        return {metric.card.name: metric for metric in _METRICS}
