"""Relative depth for haze: the dataset's own where it has one, else a prior made from the pair.

The disparity prior assumes what road and surveillance scenes share: a ground plane that meets the horizon,
structures that recede towards the middle, and sky where the upper part is bright, flat, bluish and cold. A
guided filter fits these to the edges of the picture. It is a plausible depth, not a measured one.

All steps are integer sums, table look-ups or single IEEE operations, so that every CPU finds the same depth.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import FloatImage, ImagePair, Uint8Image
from fusionbench.errors import InputError
from fusionbench_degradations.exponential import STEPS, decay
from fusionbench_degradations.filters import (
    box_mean,
    dilated,
    eroded,
    gaussian,
    guided_filter,
    nearest_rank,
    rounded,
)
from fusionbench_degradations.visibility import METRES_PER_UNIT_OF_PRIOR

PRIOR_SOURCE = "disparity-prior/1"
DATASET_SOURCE = "dataset"

FARTHEST = 3.0
"""Largest relative depth: three times the 95th percentile of what is not sky."""

_REFERENCE_PERCENTILE = 0.95

# The disparity prior, in image heights.
_BASE_DISPARITY = 0.05
_SIDE_SLOPE = 0.10
_SKY_DISPARITY = 0.016
_DISPARITY_UNITS = 16384
_LOG_UNITS = 512
"""Fixed point of ln(disparity / sky disparity): steps of 0.2 % of depth before smoothing."""
_DEPTH_RADIUS, _DEPTH_EPSILON = 16, 2e-3

# The sky.
_SKY_BELOW_HORIZON = 0.12
_BRIGHT_SHARE, _BRIGHT_RANK, _BRIGHT_FLOOR_RANK = 0.55, 0.70, 0.40
_FLAT_GRADIENT = 0.015
_REDDEST_SKY = 0.06
_COLD_RANK, _COLD_BLUR = 0.45, 2.0
_SKY_RADIUS, _SKY_EPSILON = 12, 1e-3
_SOFT_LOW, _SOFT_WIDTH = 0.15, 0.7


class RelativeDepth(NamedTuple):
    """Depth in units of the scene's own: 1 is the 95th percentile of what is not sky."""

    depth: FloatImage
    """`(H, W)` in [0, 3]."""
    sky: FloatImage
    """`(H, W)` share of sky, in [0, 1]."""
    source: str
    """`dataset`, or the prior's name and version."""
    metres_per_unit: float = METRES_PER_UNIT_OF_PRIOR
    """Distance at which the depth is 1: measured where the dataset knows metres, else an assumption."""
    metres: FloatImage | None = None
    """`(H, W)`, infinity for sky, without an upper bound; None from the prior."""


def relative_depth(pair: ImagePair, luma: Uint8Image) -> RelativeDepth:
    """Depth of a pair: its own metric depth if it has one, else the disparity prior.

    Args:
        pair: The clean pair.
        luma: Its luminance, `(H, W)`.

    Raises:
        InputError: If the pair's metric depth has another size, or values that are no distance.
    """
    if pair.depth is not None:
        return _from_metric(pair.depth, pair)
    return _from_prior(pair, luma)


def _from_metric(metric: FloatImage, pair: ImagePair) -> RelativeDepth:
    if metric.shape != pair.size:
        raise InputError(
            f"{pair.id}: depth is {metric.shape} but the images are {pair.size} (H, W); resize it"
        )
    if not (metric > 0).all():
        raise InputError(f"{pair.id}: depth has values that are not positive; give metres, infinity for sky")
    sky = np.isposinf(metric)
    ground = np.sort(metric[~sky])
    if ground.size == 0:
        depth = np.full(pair.size, FARTHEST, np.float32)
        return RelativeDepth(depth, sky.astype(np.float32), DATASET_SOURCE, metres=metric)
    reference = ground[math.ceil(_REFERENCE_PERCENTILE * ground.size) - 1]
    depth = np.minimum(metric / reference, np.float32(FARTHEST)).astype(np.float32)
    return RelativeDepth(depth, sky.astype(np.float32), DATASET_SOURCE, float(reference), metric)


def _from_prior(pair: ImagePair, luma: Uint8Image) -> RelativeDepth:
    guide = luma.astype(np.int32)
    sky = soft_sky(pair, guide)
    prior = _log_disparity(pair.size, pair.horizon)
    with_sky = rounded((np.float32(1) - sky) * prior.astype(np.float32))
    smooth = guided_filter(guide, with_sky, _DEPTH_RADIUS, _DEPTH_EPSILON)
    steps = np.maximum(rounded(smooth * np.float32(STEPS // _LOG_UNITS)), 0)
    ground = steps[sky < 0.5]
    # The 95th percentile of depth is the 5th of disparity.
    reference = nearest_rank(ground if ground.size else steps, 1.0 - _REFERENCE_PERCENTILE)
    nearest_clipped = reference - round(STEPS * math.log(FARTHEST))
    depth = decay(steps - np.int32(nearest_clipped)) * np.float32(FARTHEST)
    return RelativeDepth(depth, sky, PRIOR_SOURCE)


def _log_disparity(size: tuple[int, int], horizon: float) -> NDArray[np.int32]:
    """Logarithm of the prior's disparity over the sky's, `(H, W)`, in 1/512."""
    height, width = size
    rows = (np.arange(height) + 0.5) / height
    columns = (np.arange(width) + 0.5 - width / 2) / height
    below = np.maximum(rows - horizon, 0.0) + _BASE_DISPARITY
    aside = _SIDE_SLOPE * np.abs(columns)
    fixed = [np.floor(part * _DISPARITY_UNITS + 0.5).astype(np.int32) for part in (below, aside)]
    return _log_table().take(np.add.outer(*fixed), mode="clip")


@cache
def _log_table() -> NDArray[np.int32]:
    """ln(i / 16384 / sky disparity) in 1/512, never below 0, for disparities below 4 image heights."""
    sky = round(_SKY_DISPARITY * _DISPARITY_UNITS)
    logarithms = [_LOG_UNITS * math.log(max(step, sky) / sky) for step in range(4 * _DISPARITY_UNITS)]
    return np.array([math.floor(value + 0.5) for value in logarithms], dtype=np.int32)


def soft_sky(pair: ImagePair, guide: NDArray[np.int32]) -> FloatImage:
    """Share of sky at each pixel, `(H, W)` in [0, 1], with edges fitted to the picture.

    Args:
        pair: The clean pair.
        guide: Its luminance, `(H, W)`, 0..255.
    """
    mask = _connected_to_top(_sky_candidates(pair, guide))
    if not mask.any():
        return np.zeros(pair.size, np.float32)
    opened = dilated(eroded(mask, 1), 1)
    closed = eroded(dilated(opened, 4), 4)
    fitted = guided_filter(guide, closed.astype(np.int32) * 255, _SKY_RADIUS, _SKY_EPSILON) / np.float32(255)
    soft: FloatImage = np.clip((fitted - np.float32(_SOFT_LOW)) / np.float32(_SOFT_WIDTH), 0.0, 1.0)
    return soft


def _sky_candidates(pair: ImagePair, guide: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Pixels high up that are bright, flat, not reddish, and cold."""
    height = pair.size[0]
    high = (np.arange(height) + 0.5) / height < pair.horizon + _SKY_BELOW_HORIZON
    top_level = nearest_rank(guide[: max(height // 8, 1)], _BRIGHT_RANK)
    bright = guide > max(_BRIGHT_SHARE * top_level, nearest_rank(guide, _BRIGHT_FLOOR_RANK))
    flat = box_mean(_gradient(guide), 2) < np.float32(_FLAT_GRADIENT * 8 * 255)
    red, blue = (pair.visible[..., channel].astype(np.int16) for channel in (0, 2))
    bluish = red - blue <= math.floor(_REDDEST_SKY * 255)
    heat = gaussian(pair.infrared.astype(np.int32) * 16, _COLD_BLUR, passes=2)
    cold = heat <= nearest_rank(heat, _COLD_RANK)
    candidates: NDArray[np.bool_] = bright & flat & bluish & cold & high[:, None]
    return candidates


def _gradient(guide: NDArray[np.int32]) -> NDArray[np.int32]:
    """Magnitude of the Sobel gradient, `(H, W)`, eight times a step of one level a pixel; edges replicate."""
    padded = np.pad(guide, 1, mode="edge")
    down = padded[2:] - padded[:-2]
    right = padded[:, 2:] - padded[:, :-2]
    vertical = down[:, :-2] + 2 * down[:, 1:-1] + down[:, 2:]
    horizontal = right[:-2] + 2 * right[1:-1] + right[2:]
    return rounded(np.sqrt((vertical * vertical + horizontal * horizontal).astype(np.float32)))


def _connected_to_top(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep the 4-connected regions that touch the top edge."""
    from scipy import ndimage

    regions, count = ndimage.label(mask)
    kept = np.zeros(count + 1, dtype=np.bool_)
    kept[regions[0]] = True
    kept[0] = False
    connected: NDArray[np.bool_] = kept[regions]
    return connected
