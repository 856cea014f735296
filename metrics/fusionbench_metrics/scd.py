"""Sum of the correlations of differences (SCD): what each source added to the fused image.

Reference:
    V. Aslantas, E. Bendes: "A new image quality metric for image fusion: the sum of the correlations of
    differences", AEU - International Journal of Electronics and Communications 69(12), 2015.
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


def correlation_of_differences(fused: Uint8Image, visible: Uint8Image, infrared: Uint8Image) -> float:
    """`corr(fused - infrared, visible) + corr(fused - visible, infrared)`.

    What is left of the fused image without one source should look like the other. Differences are signed
    (implementations that subtract 8-bit images clip them at 0).

    Where a source, or what is left without the other, is constant, 0 / 0 has no value: such a correlation
    counts as 0, because nothing varies together with a constant.

    Args:
        fused: `(H, W)` grey uint8, any size.
        visible: `(H, W)` grey uint8.
        infrared: `(H, W)` grey uint8.

    Returns:
        From -2 to 2; the sum of both sources, plus any constant, has 2 where nothing saturates.

    Raises:
        ValueError: If an image is not grey uint8, is empty, or the sizes differ.
    """
    check_grey(MINIMUM_SIZE, fused=fused, visible=visible, infrared=infrared)
    return _sum_of_correlations(
        joint_moments(joint_histogram(visible, fused)),
        joint_moments(joint_histogram(infrared, fused)),
        joint_moments(joint_histogram(visible, infrared)),
    )


def _sum_of_correlations(
    with_visible: JointMoments, with_infrared: JointMoments, of_sources: JointMoments
) -> float:
    return _correlation_left(with_visible, with_infrared, of_sources) + _correlation_left(
        with_infrared, with_visible, of_sources
    )


def _correlation_left(source: JointMoments, other: JointMoments, of_sources: JointMoments) -> float:
    """Correlation of a source with the fused image minus the other source, from three covariances."""
    covariance = source.scatter - of_sources.scatter
    variance_left = other.second.scatter + other.first.scatter - 2 * other.scatter
    return correlation(covariance, variance_left, source.first.scatter)


class CorrelationOfDifferences:
    """SCD of the fused image with both sources."""

    card = MetricCard(
        name="scd",
        title="Sum of the correlations of differences",
        label="SCD",
        direction="higher",
        compares="sources",
        value_range=(-2.0, 2.0),
        minimum_size=MINIMUM_SIZE,
        summary="corr(fused - infrared, visible) + corr(fused - visible, infrared)",
        reference="Aslantas & Bendes, AEU 2015",
        version="1",
        flat="a correlation with a constant counts as 0",
        won_by="the sum of the two sources",
        core=True,
        elsewhere="1.24843 in 8-bit arithmetic that saturates (one port)",
        example=1.24267,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image; see `correlation_of_differences`."""
        visible, infrared = sources.visible, sources.infrared
        check_grey(MINIMUM_SIZE, fused=fused.grey, visible=visible.grey, infrared=infrared.grey)
        return _sum_of_correlations(
            kept_joint_moments(visible, fused),
            kept_joint_moments(infrared, fused),
            kept_joint_moments(visible, infrared),
        )

    def measure_batch(self, fused: MeasuredBatch, sources: SourceBatch) -> torch.Tensor:
        """Measure a batch; see `correlation_of_differences`."""
        from fusionbench_metrics.batched import moments as batched

        return batched.correlation_of_differences(fused, sources)
