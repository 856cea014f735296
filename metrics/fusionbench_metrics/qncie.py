"""Nonlinear correlation information entropy (Qncie): how closely the three images depend on each other.

Reference:
    Q. Wang, Y. Shen, J. Jin: "Performance evaluation of image fusion techniques", in: T. Stathaki (ed.),
    Image Fusion: Algorithms and Applications, Academic Press 2008, chapter 19.
"""

from __future__ import annotations

import math

import numpy as np

from fusionbench.contracts import MeasuredImage, MetricCard, SourceImages, Uint8Image
from fusionbench_metrics.grey_images import check_grey
from fusionbench_metrics.histogram import LEVELS, joint_histogram
from fusionbench_metrics.information import Information, information, kept_information

MINIMUM_SIZE = 1

INDEPENDENT = 1 - math.log(3, LEVELS)
"""Value of three images that tell nothing about each other: all eigenvalues are 1."""


def nonlinear_correlation(fused: Uint8Image, visible: Uint8Image, infrared: Uint8Image) -> float:
    """`1 + sum (e / 3) log256(e / 3)` over the eigenvalues e of the nonlinear correlation matrix.

    The matrix has ones on its diagonal and elsewhere the nonlinear correlation of two images,
    `H(A) + H(B) - H(A, B)` from 256-bin histograms with logarithms to the base 256. An image of less than 8
    bits has a nonlinear correlation below 1 even with itself.

    A constant image tells nothing about the others: its correlations are 0. A copy of a source has a high
    value, as in MI.

    Args:
        fused: `(H, W)` grey uint8, any size.
        visible: `(H, W)` grey uint8.
        infrared: `(H, W)` grey uint8.

    Returns:
        From 0.8019 (`INDEPENDENT`) to 1 (three equal images with all 256 levels equally often).

    Raises:
        ValueError: If an image is not grey uint8, is empty, or the sizes differ.
    """
    check_grey(MINIMUM_SIZE, fused=fused, visible=visible, infrared=infrared)
    return _nonlinear_correlation(
        information(joint_histogram(visible, infrared)),
        information(joint_histogram(visible, fused)),
        information(joint_histogram(infrared, fused)),
    )


def _nonlinear_correlation(*pairs: Information) -> float:
    bits = math.log2(LEVELS)
    return correlation_information(*(pair.shared / bits for pair in pairs))


def correlation_information(visible_infrared: float, visible_fused: float, infrared_fused: float) -> float:
    """`1 + sum (e / 3) log256(e / 3)` over the eigenvalues e of a 3x3 correlation matrix.

    Args:
        visible_infrared: Correlation of the visible and the infrared image, linear or not, -1 to 1.
        visible_fused: Correlation of the visible and the fused image.
        infrared_fused: Correlation of the infrared and the fused image.
    """
    matrix = np.array(
        [
            [1, visible_infrared, visible_fused],
            [visible_infrared, 1, infrared_fused],
            [visible_fused, infrared_fused, 1],
        ]
    )
    shares = np.linalg.eigvalsh(matrix) / 3
    # An eigenvalue of zero adds nothing; rounding can leave it on either side.
    present = shares[shares > 0]
    return 1 + float((present * np.log2(present)).sum()) / math.log2(LEVELS)


class NonlinearCorrelation:
    """Qncie of the fused image and both sources."""

    card = MetricCard(
        name="qncie",
        title="Nonlinear correlation information entropy",
        label="Qncie",
        direction="higher",
        compares="sources",
        value_range=(INDEPENDENT, 1.0),
        minimum_size=MINIMUM_SIZE,
        summary="1 + sum (e/3) log256(e/3), e the eigenvalues of the 3x3 matrix of MI / 8 bits",
        reference="Wang, Shen & Jin, in Image Fusion: Algorithms and Applications, 2008, chapter 19",
        version="1",
        flat="a constant image correlates with nothing; 0.8019 if two or all are constant",
        example=0.811459,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image; see `nonlinear_correlation`."""
        visible, infrared = sources.visible, sources.infrared
        check_grey(MINIMUM_SIZE, fused=fused.grey, visible=visible.grey, infrared=infrared.grey)
        return _nonlinear_correlation(
            kept_information(visible, infrared),
            kept_information(visible, fused),
            kept_information(infrared, fused),
        )
