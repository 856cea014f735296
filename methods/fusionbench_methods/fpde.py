"""Fourth-order diffusion fusion (FPDE): it splits each image, principal components weight the details.

Reference:
    D. P. Bavirisetti, G. Xiao, G. Liu: "Multi-Sensor Image Fusion Based on Fourth Order Partial
    Differential Equations", International Conference on Information Fusion 2017; the diffusion is after
    Y.-L. You, M. Kaveh, "Fourth-Order Partial Differential Equations for Noise Removal", IEEE
    Transactions on Image Processing 9(10), 2000, with the two second derivatives each on its own.
    Parameters and the 8-bit base are those of the benchmark VIFB (X. Zhang, P. Ye, G. Xiao, CVPR
    Workshops 2020).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fusionbench.contracts import MethodCard
from fusionbench.images import quantise
from fusionbench_methods.per_image import Array, fuse_each
from fusionbench_methods.principal_components import fuse_layers

if TYPE_CHECKING:
    import torch

STEPS, STEP = 15, 0.9
"""Of the explicit scheme."""

EDGE = 4.0
"""Grey levels: where second derivatives are well above this, little diffuses."""

DECIMALS = 3
"""To which grey levels are rounded first: the scheme blows up what float32 leaves of an 8-bit level."""


class FourthOrderFusion:
    """Fuse what fourth-order diffusion smooths away by principal components, what it leaves by the mean."""

    card = MethodCard(
        name="fpde",
        title="Fourth-order diffusion fusion",
        venue="FUSION",
        year=2017,
        paper="https://doi.org/10.23919/ICIF.2017.8009719",
        code="https://github.com/xingchenzhang/VIFB",
        licence="Apache-2.0 (this implementation)",
        summary="15 steps of fourth-order diffusion split base and detail, details by principal components",
    )

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Fuse a batch, each pair on its own in float64.

        Args:
            visible: Luminance `(N, 1, H, W)` in [0, 1]; any size from 1x1.
            infrared: `(N, 1, H, W)` in [0, 1].

        Returns:
            `(N, 1, H, W)`, beyond [0, 1] beside strong edges, from -1 to 2 at most.
        """
        return fuse_each(fourth_order_fusion, visible, infrared)


def fourth_order_fusion(visible: Array, infrared: Array) -> Array:
    """Fuse one pair.

    Args:
        visible: `(H, W)` in [0, 1].
        infrared: `(H, W)` in [0, 1].

    Returns:
        `(H, W)`: the published method overshoots before its result is cut off to 8 bits.
    """
    return fuse_layers(visible, infrared, smoothed(visible), smoothed(infrared))


def smoothed(image: Array) -> Array:
    """Make an image piecewise planar.

    Args:
        image: `(H, W)` in [0, 1].

    Returns:
        `(H, W)` in [0, 1], rounded to 8 bits.
    """
    levels = np.round(255.0 * image, DECIMALS)
    for _ in range(STEPS):
        across, down = second_derivative(levels, 1), second_derivative(levels, 0)
        conductance = 1.0 / (1.0 + (across**2 + down**2) / EDGE**2)
        change = second_derivative(conductance * across, 1) + second_derivative(conductance * down, 0)
        levels = levels - STEP * change
    return quantise(levels) / 255.0


def second_derivative(image: Array, axis: int) -> Array:
    """Central difference of central differences, one-sided at the border.

    Args:
        image: `(H, W)`.
        axis: 0 down the columns, 1 along the rows.

    Returns:
        `(H, W)`; zero where the image is one pixel wide.
    """
    if image.shape[axis] == 1:
        return np.zeros_like(image)
    derivative: Array = np.gradient(np.gradient(image, axis=axis), axis=axis)
    return derivative
