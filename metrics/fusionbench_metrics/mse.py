"""Mean squared error (MSE) of the fused image against the two sources.

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
from fusionbench_metrics.moments import JointMoments, joint_moments, kept_joint_moments

if TYPE_CHECKING:
    import torch

MINIMUM_SIZE = 1


def mean_squared_error(fused: Uint8Image, visible: Uint8Image, infrared: Uint8Image) -> float:
    """Mean of the mean squared differences of the fused image from either source, in levels 0..255.

    At every pixel `((F - A)^2 + (F - B)^2) / 2 = (F - (A + B) / 2)^2 + ((A - B) / 2)^2`: no image has a lower
    value than the average of the two sources. (Implementations with images in 0..1 have this / 255^2.)

    Args:
        fused: `(H, W)` grey uint8, any size.
        visible: `(H, W)` grey uint8.
        infrared: `(H, W)` grey uint8.

    Returns:
        Squared grey levels, from 0 (three equal images) to 65025; lower is better.

    Raises:
        ValueError: If an image is not grey uint8, is empty, or the sizes differ.
    """
    check_grey(MINIMUM_SIZE, fused=fused, visible=visible, infrared=infrared)
    return _mean_of_both(
        joint_moments(joint_histogram(visible, fused)), joint_moments(joint_histogram(infrared, fused))
    )


def _mean_of_both(with_visible: JointMoments, with_infrared: JointMoments) -> float:
    # One division of integers: the value is the nearest there is.
    squared_error = with_visible.squared_error + with_infrared.squared_error
    return squared_error / (2 * with_visible.first.pixels)


def kept_mean_squared_error(fused: MeasuredImage, sources: SourceImages) -> float:
    """MSE of a measured image, from power sums computed once."""
    visible, infrared = sources.visible, sources.infrared
    check_grey(MINIMUM_SIZE, fused=fused.grey, visible=visible.grey, infrared=infrared.grey)
    return _mean_of_both(kept_joint_moments(visible, fused), kept_joint_moments(infrared, fused))


class MeanSquaredError:
    """MSE of the fused image against both sources."""

    card = MetricCard(
        name="mse",
        title="Mean squared error",
        label="MSE",
        direction="lower",
        compares="sources",
        value_range=(0.0, 65025.0),
        minimum_size=MINIMUM_SIZE,
        summary="mean of the mean squared differences from the visible and the infrared image, levels 0..255",
        reference="Ma, Ma & Li, Information Fusion 2019",
        version="1",
        flat="as any other image",
        won_by="the average of the two sources",
        core=True,
        example=10497.3,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image; see `mean_squared_error`."""
        return kept_mean_squared_error(fused, sources)

    def measure_batch(self, fused: MeasuredBatch, sources: SourceBatch) -> torch.Tensor:
        """Measure a batch; see `mean_squared_error`."""
        from fusionbench_metrics.batched import moments as batched

        return batched.mean_squared_error(fused, sources)
