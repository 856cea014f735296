"""Power sums of the grey levels of one or two images, behind SD, CC, SCD, MSE and PSNR.

From histograms of 8-bit images they are exact integers, and so is every variance and covariance times the
squared pixel count: nothing is lost before the last division, however bright or flat an image is.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from fusionbench.contracts import MeasuredImage
from fusionbench_metrics.histogram import LEVELS, Counts, kept_joint_histogram

_GREY_LEVELS = np.arange(LEVELS, dtype=np.int64)


class Moments(NamedTuple):
    """Power sums over the pixels of one image."""

    pixels: int
    total: int
    """Sum of the grey levels."""
    squares: int
    """Sum of their squares."""

    @property
    def scatter(self) -> int:
        """Variance (ddof 0) times the squared pixel count."""
        return self.pixels * self.squares - self.total * self.total


class JointMoments(NamedTuple):
    """Power sums over the pixels of two images."""

    first: Moments
    second: Moments
    products: int
    """Sum of the products of both grey levels."""

    @property
    def scatter(self) -> int:
        """Covariance (ddof 0) times the squared pixel count."""
        return self.first.pixels * self.products - self.first.total * self.second.total

    @property
    def squared_error(self) -> int:
        """Sum of the squared differences."""
        return self.first.squares + self.second.squares - 2 * self.products


def moments(counts: Counts) -> Moments:
    """Power sums from a histogram.

    Args:
        counts: `(256,)`, as `histogram` counts it.
    """
    weighted = counts * _GREY_LEVELS
    return Moments(int(counts.sum()), int(weighted.sum()), int((weighted * _GREY_LEVELS).sum()))


def joint_moments(joint: Counts) -> JointMoments:
    """Power sums from a joint histogram.

    Args:
        joint: `(65536,)`, as `joint_histogram` counts it.
    """
    table = joint.reshape(LEVELS, LEVELS)
    products = int((table @ _GREY_LEVELS * _GREY_LEVELS).sum())
    return JointMoments(moments(table.sum(axis=1)), moments(table.sum(axis=0)), products)


def kept_joint_moments(first: MeasuredImage, second: MeasuredImage) -> JointMoments:
    """Power sums of two measured images, computed once; the order is that of `kept_joint_histogram`."""
    return second.once(("joint_moments", first), lambda: joint_moments(kept_joint_histogram(first, second)))


def correlation(covariance: int, first_variance: int, second_variance: int) -> float:
    """Pearson correlation from a covariance and two variances, all times the same positive factor.

    Nothing varies together with a constant: where a variance is zero, the correlation counts as 0.

    Returns:
        From -1 to 1.
    """
    if first_variance == 0 or second_variance == 0:
        return 0.0
    # The root of the product is rounded, and may be a last digit too small where the correlation is perfect.
    return max(-1.0, min(1.0, covariance / math.sqrt(first_variance * second_variance)))
