"""Entropies of two images and the information they share, behind MI, NMI and Qncie."""

from __future__ import annotations

from typing import NamedTuple

from fusionbench.contracts import MeasuredImage
from fusionbench_metrics.histogram import LEVELS, Counts, entropy_bits, kept_joint_histogram


class Information(NamedTuple):
    """Shannon entropies of two images, in bits."""

    first: float
    second: float
    joint: float
    """Entropy of the pairs of grey levels."""

    @property
    def shared(self) -> float:
        """Mutual information, `H(first) + H(second) - H(first, second)`; never negative."""
        # Rounding can leave a tiny negative number where the images are independent.
        return max(0.0, self.first + self.second - self.joint)


def information(joint: Counts) -> Information:
    """Entropies from a joint histogram.

    Args:
        joint: `(65536,)`, as `joint_histogram` counts it.
    """
    table = joint.reshape(LEVELS, LEVELS)
    return Information(entropy_bits(table.sum(axis=1)), entropy_bits(table.sum(axis=0)), entropy_bits(joint))


def kept_information(first: MeasuredImage, second: MeasuredImage) -> Information:
    """Entropies of two measured images, computed once; the order is that of `kept_joint_histogram`."""
    return second.once(("information", first), lambda: information(kept_joint_histogram(first, second)))
