"""PIQE: how much of the fused image's structure is blurred, blocky or noisy, found without training.

Reference:
    N. Venkatanath, D. Praneeth, M. Chandrasekhar Bh., S. S. Channappayya, S. S. Medasani: "Blind image
    quality evaluation using perception based features", National Conference on Communications (NCC) 2015.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import MeasuredImage, MetricCard, SourceImages, Uint8Image
from fusionbench_metrics.gaussian_window import Array
from fusionbench_metrics.grey_images import check_grey
from fusionbench_metrics.scene_statistics import normalised

BLOCK = 16
"""Side of a block in pixels."""

ACTIVE = 0.1
"""Blocks whose normalised values have more than this variance have structure, and are judged."""

SEGMENT = 6
"""Length in pixels of the pieces of a block's sides."""

IMPAIRED = 0.1
"""A piece with a standard deviation below this is too smooth for a block with structure."""

CENTRE, NOT_AROUND = (7, 8), (7, 9)
"""The middle columns of a block, and those that do not count as around them (from 0; see `piqe`)."""

CONSTANT = 1.0
"""Added to numerator and denominator."""

MINIMUM_SIZE = 16
"""One block without repeated pixels."""


def piqe(fused: Uint8Image) -> float:
    """Mean distortion of the 16x16 blocks that have structure, times 100.

    Luminance is normalised by its local mean and deviation (7x7 Gaussian, edge repeated). A block of variance
    v has structure, and is judged, where v is above 0.1.

    - It is distorted (blurred, blocky) where any 6 pixels in a row along its four sides have a standard
      deviation below 0.1, and adds 1 - v.
    - It is noisy where its deviation s is more than twice `|r - s| / max(r, s)`, with r the ratio of the
      deviation in its two middle columns to that around them, and adds v.
    - If both, it adds 1; if neither, nothing.

    The score is `100 (sum + 1) / (judged blocks + 1)`. Variances divide by n - 1.

    Three details are not in the paper but in MATLAB's `piqe` as its ports have it, which published numbers
    come from: the image is first scaled so that its maximum is 255, and rounded; height and width are made
    multiples of 16 by mirroring at the bottom and the right; and "around" the columns 8 and 9 are all columns
    but 8 and 10.

    Slight noise makes a smooth image score better, strong noise worse.

    Args:
        fused: `(H, W)` grey uint8, at least 16x16.

    Returns:
        The score, 0 to 100, lower is better. An image without structure, such as a constant one, has 100 by
        the formula: nothing in it is worth looking at.

    Raises:
        ValueError: If the image is not grey uint8 or is smaller than 16x16.
    """
    check_grey(MINIMUM_SIZE, fused=fused)
    below, beside = (-side % BLOCK for side in fused.shape)
    padded = np.pad(_brightest_white(fused), ((0, below), (0, beside)), mode="symmetric")
    values = normalised(padded, border="edge")
    total, judged = 0.0, 0
    for top in range(0, values.shape[0], BLOCK):
        blocks = values[top : top + BLOCK].reshape(BLOCK, -1, BLOCK).swapaxes(0, 1)
        variance = blocks.var(axis=(1, 2), ddof=1)
        blocks, variance = blocks[variance > ACTIVE], variance[variance > ACTIVE]
        total += float((1 - variance)[_has_smooth_side(blocks)].sum())
        total += float(variance[_is_noisy(blocks, variance)].sum())
        judged += len(blocks)
    return 100 * (total + CONSTANT) / (judged + CONSTANT)


def _brightest_white(image: Uint8Image) -> Uint8Image:
    """Scale the maximum to 255 and round half up, in integers; a black image stays black."""
    maximum = max(1, int(image.max()))
    return ((510 * image.astype(np.uint32) + maximum) // (2 * maximum)).astype(np.uint8)


def _has_smooth_side(blocks: Array) -> NDArray[np.bool_]:
    sides = np.stack([blocks[:, 0], blocks[:, -1], blocks[:, :, 0], blocks[:, :, -1]])
    pieces = np.lib.stride_tricks.sliding_window_view(sides, SEGMENT, axis=2)
    smooth: NDArray[np.bool_] = (pieces.std(axis=3, ddof=1) < IMPAIRED).any(axis=(0, 2))
    return smooth


def _is_noisy(blocks: Array, variance: Array) -> NDArray[np.bool_]:
    deviation = np.sqrt(variance)
    centre = blocks[:, :, CENTRE].std(axis=(1, 2), ddof=1)
    around = np.delete(blocks, NOT_AROUND, axis=2).std(axis=(1, 2), ddof=1)
    # Both sides times `around`, which may be zero.
    noisy: NDArray[np.bool_] = deviation * np.maximum(centre, deviation * around) > 2 * np.abs(
        centre - deviation * around
    )
    return noisy


class Piqe:
    """PIQE of the fused image."""

    card = MetricCard(
        name="piqe",
        title="Perception-based image quality evaluator",
        label="PIQE",
        direction="lower",
        compares="fused",
        value_range=(0.0, 100.0),
        minimum_size=MINIMUM_SIZE,
        summary="100 x mean distortion (smooth sides, noise) of the 16x16 blocks with structure, untrained",
        reference="Venkatanath et al., NCC 2015, as MATLAB's piqe",
        version="1",
        border="the window repeats the edge; parts of blocks are completed by mirroring",
        flat="100, the worst: a constant image has no block with structure",
        example=41.223,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:  # noqa: ARG002
        """Measure one image, in grey; see `piqe`."""
        return piqe(fused.grey)
