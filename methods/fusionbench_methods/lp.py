"""Laplacian-pyramid fusion (LP): the stronger coefficient of each band, the mean of what is left.

Reference:
    P. Burt, E. Adelson: "The Laplacian Pyramid as a Compact Image Code", IEEE Transactions on Communications
    31(4), 1983 (pyramid); choose-max with consistency check: H. Li, B. Manjunath, S. Mitra, "Multisensor
    Image Fusion Using the Wavelet Transform", Graphical Models and Image Processing 57(3), 1995, section 3.
    Parameters are those of the benchmark VIFB (X. Zhang, P. Ye, G. Xiao, CVPR Workshops 2020).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import MethodCard
from fusionbench_methods.per_image import Array, fuse_each

if TYPE_CHECKING:
    import torch

LEVELS = 4
"""Bands of the pyramid (VIFB)."""

KERNEL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
"""Burt and Adelson's generating kernel with a = 3/8, applied along rows and columns."""

ACTIVITY_WINDOW = 3
"""Side of the window whose largest absolute coefficient is a pixel's activity, and of the majority vote."""

MAJORITY = 4
"""More than this many of the nine votes in its window take a coefficient from the visible image."""


class LaplacianPyramid:
    """Fuse the bands of two Laplacian pyramids by the stronger activity, their tops by the mean."""

    card = MethodCard(
        name="lp",
        title="Laplacian pyramid",
        year=1983,
        paper="https://doi.org/10.1109/TCOM.1983.1095851",
        code="https://github.com/xingchenzhang/VIFB",
        licence="Apache-2.0 (this implementation)",
        summary="4-level Laplacian pyramid, bands by 3x3 choose-max with majority check, top by the mean",
    )

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Fuse a batch, each pair on its own in float64.

        Args:
            visible: Luminance `(N, 1, H, W)` in [0, 1]; any size from 1x1.
            infrared: `(N, 1, H, W)` in [0, 1].

        Returns:
            `(N, 1, H, W)` in [0, 1].
        """
        return fuse_each(laplacian_pyramid_fusion, visible, infrared)


def laplacian_pyramid_fusion(visible: Array, infrared: Array) -> Array:
    """Fuse one pair.

    A level with an odd side is made even by repeating its last row or column and cut back when rebuilt, so
    every size has all four levels; a side of one pixel simply stays one pixel.

    Args:
        visible: `(H, W)` in [0, 1].
        infrared: `(H, W)` in [0, 1].

    Returns:
        `(H, W)` in [0, 1]; overshoot beside strong edges is cut off.
    """
    sizes: list[tuple[int, ...]] = []
    bands: list[Array] = []
    for _ in range(LEVELS):
        sizes.append(visible.shape)
        visible, visible_band = _split(made_even(visible))
        infrared, infrared_band = _split(made_even(infrared))
        bands.append(stronger(visible_band, infrared_band))
    fused = (visible + infrared) / 2
    for (height, width), band in zip(reversed(sizes), reversed(bands), strict=True):
        fused = (expand(fused) + band)[:height, :width]
    return np.clip(fused, 0.0, 1.0)


def _split(image: Array) -> tuple[Array, Array]:
    """Half-size low-pass image, and the band it leaves out."""
    low = blur(image)[::2, ::2]
    return low, image - expand(low)


def expand(image: Array) -> Array:
    """Double both sides: zeros between the samples, then the kernel with gain two along each axis."""
    spread = np.zeros((2 * image.shape[0], 2 * image.shape[1]))
    spread[::2, ::2] = image
    return 4 * blur(spread)


def blur(image: Array) -> Array:
    """Low-pass image of the same size, from which a level takes every other row and column."""
    from scipy import ndimage

    for axis in (0, 1):
        # Mirrored about the edge pixel itself: only so do the zeros between samples keep their places
        # beyond the border, and a flat image expands to a flat one.
        image = ndimage.correlate1d(image, KERNEL, axis=axis, mode="mirror")
    return image


def made_even(image: Array) -> Array:
    """With its last row and its last column once more where their number is odd."""
    height, width = image.shape
    return np.pad(image, ((0, height % 2), (0, width % 2)), mode="edge")


def stronger(visible: Array, infrared: Array) -> Array:
    """The band of the more active image, after a majority vote among neighbours; infrared wins ties."""
    from scipy import ndimage

    votes: NDArray[np.int64] = (_activity(visible) > _activity(infrared)).astype(np.int64)
    window = np.ones((ACTIVITY_WINDOW, ACTIVITY_WINDOW), dtype=np.int64)
    count = ndimage.correlate(votes, window, mode="mirror")
    return np.where(count > MAJORITY, visible, infrared)


def _activity(band: Array) -> Array:
    from scipy import ndimage

    activity: Array = ndimage.maximum_filter(np.abs(band), size=ACTIVITY_WINDOW, mode="mirror")
    return activity
