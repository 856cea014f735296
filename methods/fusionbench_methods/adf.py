"""Anisotropic-diffusion fusion (ADF): diffusion splits each image, principal components weight the details.

Reference:
    D. P. Bavirisetti, R. Dhuli: "Fusion of Infrared and Visible Sensor Images Based on Anisotropic
    Diffusion and Karhunen-Loeve Transform", IEEE Sensors Journal 16(1), 2016; the diffusion is that of P.
    Perona, J. Malik, "Scale-Space and Edge Detection Using Anisotropic Diffusion", IEEE TPAMI 12(7),
    1990. Parameters, neighbourhood and border are those of the benchmark VIFB (X. Zhang, P. Ye, G. Xiao,
    CVPR Workshops 2020).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fusionbench.contracts import MethodCard
from fusionbench_methods.per_image import Array, fuse_each
from fusionbench_methods.principal_components import fuse_layers

if TYPE_CHECKING:
    import torch

STEPS, STEP = 10, 0.15
"""Of the explicit scheme."""

EDGE = 30 / 255
"""A difference between neighbours that is well above this is an edge, across which little diffuses."""

NEIGHBOURS = {
    (row, column): 1.0 / (row * row + column * column)
    for row in (-1, 0, 1)
    for column in (-1, 0, 1)
    if (row, column) != (0, 0)
}
"""Weights of the eight neighbours by their offsets: one over the squared distance."""


class AnisotropicDiffusionFusion:
    """Fuse what diffusion smooths away by principal components, what it leaves by the mean."""

    card = MethodCard(
        name="adf",
        title="Anisotropic-diffusion fusion",
        venue="IEEE Sensors Journal",
        year=2016,
        paper="https://doi.org/10.1109/JSEN.2015.2478655",
        code="https://github.com/xingchenzhang/VIFB",
        licence="Apache-2.0 (this implementation)",
        summary="10 steps of anisotropic diffusion split base and detail, details by principal components",
    )

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Fuse a batch, each pair on its own in float64.

        Args:
            visible: Luminance `(N, 1, H, W)` in [0, 1]; any size from 1x1.
            infrared: `(N, 1, H, W)` in [0, 1].

        Returns:
            `(N, 1, H, W)`, beyond [0, 1] beside strong edges, from -1 to 2 at most.
        """
        return fuse_each(anisotropic_diffusion_fusion, visible, infrared)


def anisotropic_diffusion_fusion(visible: Array, infrared: Array) -> Array:
    """Fuse one pair.

    Args:
        visible: `(H, W)` in [0, 1].
        infrared: `(H, W)` in [0, 1].

    Returns:
        `(H, W)`: the published method overshoots before its result is cut off to 8 bits.
    """
    return fuse_layers(visible, infrared, diffused(visible), diffused(infrared))


def diffused(image: Array) -> Array:
    """Smooth an image between its edges.

    Args:
        image: `(H, W)` in [0, 1].

    Returns:
        `(H, W)`. Beyond the border is black, as in VIFB, so a dark rim grows along it.
    """
    height, width = image.shape
    for _ in range(STEPS):
        surrounded = np.pad(image, 1)
        flow = np.zeros_like(image)
        for (row, column), weight in NEIGHBOURS.items():
            neighbour = surrounded[1 + row : 1 + row + height, 1 + column : 1 + column + width]
            difference = neighbour - image
            flow += weight * np.exp(-((difference / EDGE) ** 2)) * difference
        image = image + STEP * flow
    return image
