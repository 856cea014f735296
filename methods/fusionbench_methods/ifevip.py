"""Infrared-feature fusion (IFEVIP): what is brighter than a background drawn through the dark is added.

Reference:
    Y. Zhang, L. Zhang, X. Bai, L. Zhang: "Infrared and Visual Image Fusion through Infrared Feature
    Extraction and Visual Information Preservation", Infrared Physics & Technology 83, 2017. Parameters,
    places of the control points and rounding are those of the benchmark VIFB (X. Zhang, P. Ye, G. Xiao,
    CVPR Workshops 2020).
"""

from __future__ import annotations

from collections.abc import Iterator
from math import comb
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fusionbench.contracts import MethodCard
from fusionbench.images import quantise
from fusionbench_methods.bicubic_resize import resized
from fusionbench_methods.per_image import Array, fuse_each

if TYPE_CHECKING:
    import torch

SIDE = 512
"""The background is drawn at this height and width."""

SMALLEST_BLOCK = 32
"""Blocks of this side are not split further."""

LARGEST_RANGE = 51.0
"""Grey levels between the darkest and the brightest pixel of a block that is not split."""

DARKEST_WINDOW = 32
"""A control point is the darkest pixel of a window of this side around it."""

BACKGROUND_SIGMA, BACKGROUND_RADIUS = 4.5, 4
"""Gaussian over the background, 9 x 9 pixels with black beyond the border."""

BRIGHTEST_SHARE = 0.001
"""Of the pixels; their mean must not get brighter than white."""

FULL_STRENGTH = 0.8
"""With which features are added where none gets too bright."""


class InfraredFeatureFusion:
    """Add to the visible image what is bright in the infrared one alone."""

    card = MethodCard(
        name="ifevip",
        title="Infrared-feature fusion",
        venue="Infrared Physics & Technology",
        year=2017,
        paper="https://doi.org/10.1016/j.infrared.2017.05.007",
        code="https://github.com/xingchenzhang/VIFB",
        licence="Apache-2.0 (this implementation)",
        summary="adds what is above a background of quadtree Bézier surfaces in the infrared image",
    )

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Fuse a batch, each pair on its own.

        Args:
            visible: Luminance `(N, 1, H, W)` in [0, 1]; any size from 1x1.
            infrared: `(N, 1, H, W)` in [0, 1].

        Returns:
            `(N, 1, H, W)` in [0, 1], in 8-bit levels.
        """
        return fuse_each(infrared_feature_fusion, visible, infrared)


def infrared_feature_fusion(visible: Array, infrared: Array) -> Array:
    """Fuse one pair.

    Args:
        visible: `(H, W)` in [0, 1]; taken as 8 bits.
        infrared: `(H, W)` in [0, 1]; taken as 8 bits.

    Returns:
        `(H, W)` in [0, 1], in 8-bit levels, nowhere darker than the visible image.
    """
    visible, infrared = (quantise(255.0 * image).astype(np.float64) for image in (visible, infrared))
    above_background = (infrared - background(infrared)).clip(min=0.0)
    redundancy = _entropy_ratio(infrared, visible) * (visible - infrared)
    features = (above_background - redundancy).clip(min=0.0)
    brightest = np.sort((visible + features).ravel())[-max(1, round(BRIGHTEST_SHARE * visible.size)) :].mean()
    strength = 255.0 / max(brightest, 255.0 / FULL_STRENGTH)
    return quantise(visible + strength * features) / 255.0


def background(infrared: Array) -> Array:
    """A smooth surface through the dark of an image.

    Args:
        infrared: `(H, W)`, whole grey levels.

    Returns:
        `(H, W)`, whole grey levels.
    """
    from scipy import ndimage

    square = quantise(resized(infrared, SIDE, SIDE)).astype(np.float64)
    # An even window has no middle: its origin is where MATLAB puts that of a structuring element.
    darkest = ndimage.minimum_filter(square, DARKEST_WINDOW, origin=-1, mode="constant", cval=255.0)
    surface = np.zeros((SIDE + 1, SIDE + 1))
    # Blocks share the pixels where they meet; those of the smaller block stay.
    for block in sorted(blocks(square), key=lambda block: -block.side):
        rows, columns = (slice(start, start + block.side + 1) for start in (block.row, block.column))
        surface[rows, columns] = _bezier_surface(darkest, block)
    drawn = resized(surface[:SIDE, :SIDE], *infrared.shape)
    smooth = ndimage.gaussian_filter(drawn, BACKGROUND_SIGMA, radius=BACKGROUND_RADIUS, mode="constant")
    return quantise(smooth).astype(np.float64)


class Block(NamedTuple):
    """A square of an image."""

    row: int
    """Of its first pixel."""
    column: int
    side: int
    """Pixels to the first of the next block, which belongs to both."""


WHOLE = Block(0, 0, SIDE)


def blocks(square: Array, block: Block = WHOLE) -> Iterator[Block]:
    """Split an image in four until each part is even or small.

    Args:
        square: `(512, 512)`, grey levels.
        block: The part to split.

    Yields:
        Blocks that cover it.
    """
    row, column, side = block
    pixels = square[row : row + side + 1, column : column + side + 1]
    if side == SMALLEST_BLOCK or np.ptp(pixels) <= LARGEST_RANGE:
        yield block
        return
    half = side // 2
    for down in (0, half):
        for across in (0, half):
            yield from blocks(square, Block(row + down, column + across, half))


def _bezier_surface(darkest: Array, block: Block) -> Array:
    """The bicubic surface of a block's sixteen control points, `(side + 1, side + 1)`."""
    side = block.side
    places = np.array([0, side // 2 - 1, 3 * side // 4 - 1, side])
    points = darkest[np.ix_(*(np.minimum(start + places, SIDE - 1) for start in (block.row, block.column)))]
    along = np.arange(side + 1)[:, None] / side
    power = np.arange(4)
    bernstein = np.array([comb(3, k) for k in range(4)]) * along**power * (1 - along) ** (3 - power)
    surface: Array = bernstein @ points @ bernstein.T
    return surface


def _entropy_ratio(infrared: Array, visible: Array) -> float:
    """Of the histograms; one where the visible image is flat (VIFB divides by zero)."""
    return _entropy(infrared) / entropy if (entropy := _entropy(visible)) > 0 else 1.0


def _entropy(image: Array) -> float:
    count = np.bincount(image.astype(np.int64).ravel())
    share = count[count > 0] / image.size
    return float(-(share * np.log2(share)).sum())
