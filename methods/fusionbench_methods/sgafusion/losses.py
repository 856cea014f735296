"""The fusion losses of the released code: brighter source, colour of the visible image, stronger gradient.

All compare with the *clean* visible image. The segmentation loss beside them is torch's `cross_entropy`,
unweighted, without an ignored class. (The released code also computes an SSIM and a consistency term, and
discards both.)
"""

from __future__ import annotations

import torch
from torch.nn.functional import conv2d, l1_loss, pad

MAX_WEIGHT, COLOUR_WEIGHT, GRADIENT_WEIGHT = 4.0, 12.0, 10.0

GREY = (0.299, 0.587, 0.114)
BLUE_DIFFERENCE = (-0.168736, -0.331264, 0.5)
RED_DIFFERENCE = (0.5, -0.418688, -0.081312)
"""ITU-R BT.601, of red, green and blue."""

SOBEL = ((-1.0, 0.0, 1.0), (-2.0, 0.0, 2.0), (-1.0, 0.0, 1.0))
"""Along rows, not normalised: a step from 0 to 1 gives 4."""


def fusion_loss_terms(
    visible: torch.Tensor, infrared: torch.Tensor, fused: torch.Tensor
) -> dict[str, torch.Tensor]:
    """The terms of the fusion loss, and their weighted sum.

    Args:
        visible: Clean RGB `(N, 3, H, W)` in [0, 1].
        infrared: `(N, 1, H, W)` in [0, 1].
        fused: RGB `(N, 3, H, W)`.

    Returns:
        Scalars: `max`, `color` and `gradient` without their weights, and `total`, which is
        4 max + 12 color + 10 gradient.
    """
    terms = {
        "max": max_loss(visible, infrared, fused),
        "color": colour_loss(visible, fused),
        "gradient": gradient_loss(visible, infrared, fused),
    }
    total = MAX_WEIGHT * terms["max"] + COLOUR_WEIGHT * terms["color"] + GRADIENT_WEIGHT * terms["gradient"]
    return {**terms, "total": total}


def max_loss(visible: torch.Tensor, infrared: torch.Tensor, fused: torch.Tensor) -> torch.Tensor:
    """L1 to the source whose channels' plain mean is higher at the pixel; the visible one wins ties."""
    infrared_wins = infrared > visible.mean(dim=1, keepdim=True)
    return l1_loss(fused, torch.where(infrared_wins, infrared, visible))


def colour_loss(visible: torch.Tensor, fused: torch.Tensor) -> torch.Tensor:
    """L1 of both colour differences to the visible image's."""
    losses = [
        l1_loss(_weighted(fused, weights), _weighted(visible, weights))
        for weights in (BLUE_DIFFERENCE, RED_DIFFERENCE)
    ]
    return losses[0] + losses[1]


def gradient_loss(visible: torch.Tensor, infrared: torch.Tensor, fused: torch.Tensor) -> torch.Tensor:
    """L1 of the grey image's absolute gradients, each direction on its own, to the larger of the sources'."""
    of_fused = absolute_gradients(_weighted(fused, GREY))
    of_visible = absolute_gradients(_weighted(visible, GREY))
    wanted = torch.maximum(of_visible, absolute_gradients(infrared))
    # Both directions have one size, so the sum of their means is twice the mean of both.
    return 2 * l1_loss(of_fused, wanted)


def absolute_gradients(grey: torch.Tensor) -> torch.Tensor:
    """Absolute Sobel gradients `(N, 2, H, W)` along rows and columns of `(N, 1, H, W)`, border repeated."""
    along_rows = torch.tensor(SOBEL, dtype=grey.dtype, device=grey.device)
    kernels = torch.stack([along_rows, along_rows.T])[:, None]
    return conv2d(pad(grey, (1, 1, 1, 1), mode="replicate"), kernels).abs()


def _weighted(images: torch.Tensor, weights: tuple[float, float, float]) -> torch.Tensor:
    """A weighted sum of the three channels, `(N, 1, H, W)`."""
    red, green, blue = images.chunk(3, dim=1)
    total: torch.Tensor = weights[0] * red + weights[1] * green + weights[2] * blue
    return total
