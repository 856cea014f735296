"""Multi-resolution SVD fusion (MSVD): blocks of four pixels in the axes of their own variation.

Reference:
    V. P. S. Naidu: "Image Fusion Technique Using Multi-Resolution Singular Value Decomposition", Defence
    Science Journal 61(5), 2011. Rules are those of the benchmark VIFB (X. Zhang, P. Ye, G. Xiao, CVPR
    Workshops 2020) for one channel of a colour image, without the stretch it gives grey ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fusionbench.contracts import MethodCard
from fusionbench_methods.lp import made_even
from fusionbench_methods.per_image import Array, fuse_each

if TYPE_CHECKING:
    import torch

PHASES = ((0, 0), (1, 0), (0, 1), (1, 1))
"""Row and column of the four pixels of a block."""


class SingularValueFusion:
    """Fuse blocks in their principal axes: the mean along the first, the larger value along the others."""

    card = MethodCard(
        name="msvd",
        title="Multi-resolution singular value decomposition",
        venue="Defence Science Journal",
        year=2011,
        paper="https://doi.org/10.14429/dsj.61.705",
        code="https://github.com/xingchenzhang/VIFB",
        licence="Apache-2.0 (this implementation)",
        summary="2x2 blocks in their singular vectors, first by the mean, others by the largest value",
    )

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Fuse a batch, each pair on its own in float64.

        Args:
            visible: Luminance `(N, 1, H, W)` in [0, 1]; any size from 1x1.
            infrared: `(N, 1, H, W)` in [0, 1].

        Returns:
            `(N, 1, H, W)` in [0, 1].
        """
        return fuse_each(singular_value_fusion, visible, infrared)


def singular_value_fusion(visible: Array, infrared: Array) -> Array:
    """Fuse one pair.

    The axes of both images are averaged as well. The sign of a singular vector is arbitrary, so those of the
    infrared image are turned to the side of the visible ones first; without that, equal axes could cancel.

    Args:
        visible: `(H, W)` in [0, 1].
        infrared: `(H, W)` in [0, 1].

    Returns:
        `(H, W)` in [0, 1]; overshoot beside strong edges is cut off.
    """
    height, width = visible.shape
    visible_blocks, infrared_blocks = _blocks(visible), _blocks(infrared)
    visible_axes, infrared_axes = _axes(visible_blocks), _axes(infrared_blocks)
    infrared_axes *= np.where((visible_axes * infrared_axes).sum(axis=0) < 0, -1.0, 1.0)
    visible_values, infrared_values = visible_axes.T @ visible_blocks, infrared_axes.T @ infrared_blocks
    values = np.where(np.abs(visible_values) >= np.abs(infrared_values), visible_values, infrared_values)
    values[0] = (visible_values[0] + infrared_values[0]) / 2
    fused = _image((visible_axes + infrared_axes) / 2 @ values, height, width)
    return fused.clip(0.0, 1.0)


def _blocks(image: Array) -> Array:
    """One column a block of four pixels, `(4, blocks)`."""
    even = made_even(image)
    return np.stack([even[row::2, column::2].ravel() for row, column in PHASES])


def _image(blocks: Array, height: int, width: int) -> Array:
    rows, columns = -(-height // 2), -(-width // 2)
    image = np.empty((2 * rows, 2 * columns))
    for (row, column), pixels in zip(PHASES, blocks, strict=True):
        image[row::2, column::2] = pixels.reshape(rows, columns)
    return image[:height, :width]


def _axes(blocks: Array) -> Array:
    """Left singular vectors in columns, that of the largest singular value first."""
    axes: Array = np.linalg.eigh(blocks @ blocks.T)[1][:, ::-1].copy()
    return axes
