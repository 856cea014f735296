"""The closed form that fusion starts from: bands of detail, each weighted by what is salient in it.

Saliency weights fitted to edges by a guided filter are those of S. Li, X. Kang, J. Hu: "Image Fusion with
Guided Filtering", IEEE TIP 22(7), 2013, sections III-A to III-C. Here they are soft where that paper decides,
have five bands where it has two layers, and every weight is a logit that the network corrects.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.nn.functional import avg_pool2d, interpolate, pad

from fusionbench_methods.sgafusion.fixed.filters import BINOMIAL, guided_filter, separable

BANDS = 5
"""Bands of detail, from 2 to 32 pixels; what is left is the low band."""

FINE_BANDS = 4
"""Bands weighted by the mask that follows fine edges; the others and the low band by the coarse one."""

FINE_RADIUS, FINE_EPSILON = 7, 1e-6
COARSE_RADIUS, COARSE_EPSILON = 20, 0.3
"""Of the guided filters."""

COARSE_STEP = 4
"""The coarse mask is filtered at this fraction of the size."""

SHARPNESS = 12.0
"""How decidedly the more salient source wins."""

LEAST_SALIENCY = 2e-3
"""Detail below half a grey level is not told from none."""

LEAST_WEIGHT = 0.02
"""Of a source: keeps logits finite, so that the network can change the choice."""

SALIENCY_SIGMA, SALIENCY_RADIUS = 5.0, 5


class Bands(NamedTuple):
    """An image as details that sum to it."""

    details: list[torch.Tensor]
    """`BANDS` times `(N, 1, H, W)`, the finest first."""
    low: torch.Tensor
    """`(N, 1, H, W)`."""


def split_into_bands(image: torch.Tensor) -> Bands:
    """Differences of binomial blurs with holes, each twice as wide as the one before."""
    details, smooth = [], image
    for band in range(BANDS):
        smoother = separable(smooth, BINOMIAL, dilation=2**band)
        details.append(smooth - smoother)
        smooth = smoother
    return Bands(details, smooth)


def fuse_bands(visible: torch.Tensor, infrared: torch.Tensor, corrections: torch.Tensor) -> torch.Tensor:
    """Fuse luminances.

    Args:
        visible: `(N, 1, H, W)` in [0, 1].
        infrared: `(N, 1, H, W)` in [0, 1].
        corrections: `(N, BANDS + 1, H, W)`, added to the logits of the visible weights, the finest band
            first and the low band last; zeros give the closed form.

    Returns:
        `(N, 1, H, W)`, about in [0, 1].
    """
    fine, coarse = (torch.logit(weights) for weights in saliency_weights(visible, infrared))
    of_visible, of_infrared = split_into_bands(visible), split_into_bands(infrared)
    fused = torch.zeros_like(visible)
    layers = zip([*of_visible.details, of_visible.low], [*of_infrared.details, of_infrared.low], strict=True)
    for band, (ours, theirs) in enumerate(layers):
        start = fine if band < FINE_BANDS else coarse
        weight = (start + corrections[:, band : band + 1]).sigmoid()
        fused = fused + theirs + weight * (ours - theirs)
    return fused


@torch.no_grad()
def saliency_weights(visible: torch.Tensor, infrared: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The visible image's weights for fine and for coarse bands, each `(N, 1, H, W)` inside (0, 1)."""
    ours, theirs = _saliency(visible), _saliency(infrared)
    more = (ours + LEAST_SALIENCY).log() - (theirs + LEAST_SALIENCY).log()
    mask = (SHARPNESS * more).sigmoid()
    fine = _fitted(mask, visible, infrared, FINE_RADIUS, FINE_EPSILON)
    small = [_reduced(image) for image in (mask, visible, infrared)]
    fitted = _fitted(small[0], small[1], small[2], COARSE_RADIUS // COARSE_STEP, COARSE_EPSILON)
    coarse = interpolate(fitted, visible.shape[2:], mode="bilinear", align_corners=False)
    return fine, coarse


def _fitted(
    mask: torch.Tensor, visible: torch.Tensor, infrared: torch.Tensor, radius: int, epsilon: float
) -> torch.Tensor:
    """The mask fitted to the visible image's edges, its complement to the infrared's, in proportion."""
    ours = guided_filter(visible, mask, radius, epsilon).clamp(LEAST_WEIGHT, 1.0)
    theirs = guided_filter(infrared, 1.0 - mask, radius, epsilon).clamp(LEAST_WEIGHT, 1.0)
    return ours / (ours + theirs)


def _reduced(image: torch.Tensor) -> torch.Tensor:
    return avg_pool2d(image, COARSE_STEP, ceil_mode=True, count_include_pad=False)


def _saliency(image: torch.Tensor) -> torch.Tensor:
    """Blurred absolute Laplacian (equation 4 of the paper)."""
    padded = pad(image, (1, 1, 1, 1), mode="replicate")
    neighbours = (
        padded[:, :, :-2, 1:-1] + padded[:, :, 2:, 1:-1] + padded[:, :, 1:-1, :-2] + padded[:, :, 1:-1, 2:]
    )
    return separable((neighbours - 4.0 * image).abs(), _gaussian())


def _gaussian() -> tuple[float, ...]:
    positions = torch.arange(-SALIENCY_RADIUS, SALIENCY_RADIUS + 1, dtype=torch.float64)
    weights = torch.exp(-(positions**2) / (2 * SALIENCY_SIGMA**2))
    return tuple((weights / weights.sum()).tolist())
