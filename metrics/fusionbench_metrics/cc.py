"""Correlation coefficient (CC): how linearly the fused image follows the two sources.

Reference:
    J. Ma, Y. Ma, C. Li: "Infrared and visible image fusion methods and applications: a survey", Information
    Fusion 45, 2019.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fusionbench.contracts import (
    MeasuredBatch,
    MeasuredImage,
    MetricCard,
    SourceBatch,
    SourceImages,
    Uint8Image,
)
from fusionbench_metrics.grey_images import check_grey
from fusionbench_metrics.histogram import joint_histogram
from fusionbench_metrics.moments import JointMoments, correlation, joint_moments, kept_joint_moments

if TYPE_CHECKING:
    import torch

MINIMUM_SIZE = 1


def correlation_coefficient(fused: Uint8Image, visible: Uint8Image, infrared: Uint8Image) -> float:
    """Mean of the Pearson correlations of the fused image with either source.

    By Cauchy and Schwarz no image has a higher value than the sum of the two standardised sources (each
    minus its mean, divided by its deviation), or a linear function of it: a plain average with weights.

    A constant image has no variance and 0 / 0 no value: such a correlation counts as 0, because nothing
    varies together with a constant.

    Args:
        fused: `(H, W)` grey uint8, any size.
        visible: `(H, W)` grey uint8.
        infrared: `(H, W)` grey uint8.

    Returns:
        From -1 to 1.

    Raises:
        ValueError: If an image is not grey uint8, is empty, or the sizes differ.
    """
    check_grey(MINIMUM_SIZE, fused=fused, visible=visible, infrared=infrared)
    return _mean_correlation(
        joint_moments(joint_histogram(visible, fused)), joint_moments(joint_histogram(infrared, fused))
    )


def _mean_correlation(with_visible: JointMoments, with_infrared: JointMoments) -> float:
    return (pearson(with_visible) + pearson(with_infrared)) / 2


def pearson(pair: JointMoments) -> float:
    """Pearson correlation of two images; 0 where one is constant."""
    return correlation(pair.scatter, pair.first.scatter, pair.second.scatter)


class CorrelationCoefficient:
    """CC of the fused image with both sources."""

    card = MetricCard(
        name="cc",
        title="Correlation coefficient",
        label="CC",
        direction="higher",
        compares="sources",
        value_range=(-1.0, 1.0),
        minimum_size=MINIMUM_SIZE,
        summary="mean of the Pearson correlations of the fused image with the visible and the infrared one",
        reference="Ma, Ma & Li, Information Fusion 2019",
        version="1",
        flat="a constant fused image 0; a constant source counts as 0",
        won_by="the sum of the two standardised sources",
        core=True,
        example=0.663741,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image; see `correlation_coefficient`."""
        visible, infrared = sources.visible, sources.infrared
        check_grey(MINIMUM_SIZE, fused=fused.grey, visible=visible.grey, infrared=infrared.grey)
        return _mean_correlation(kept_joint_moments(visible, fused), kept_joint_moments(infrared, fused))

    def measure_batch(self, fused: MeasuredBatch, sources: SourceBatch) -> torch.Tensor:
        """Measure a batch; see `correlation_coefficient`."""
        from fusionbench_metrics.batched import moments as batched

        return batched.correlation_coefficient(fused, sources)
