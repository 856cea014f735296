"""Haze and darkness undone on the image: the physical half of the dehaze and the low-light expert.

The two are one inverse in the order of nature's: light is given back, then airlight taken away.

    L = linear(visible) 2^(g_low EV)
    J = (L - A (1 - t)) / t,  t = max(1 - g_haze (1 - transmission), floor)

Gates of 0 leave the image as it is. A transmission so low that J would be black is impossible (boundary
constraint of G. Meng et al.: "Efficient Image Dehazing with Boundary Constraint and Contextual
Regularization", ICCV 2013), so t is at least 1 - 0.92 min_c L_c / A_c.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import interpolate

from fusionbench_methods.sgafusion.fixed.filters import guided_filter
from fusionbench_methods.sgafusion.fixed.frame_experts import FrameEstimate
from fusionbench_methods.sgafusion.fixed.light import luminance, to_display, to_linear

TRANSMISSION_FLOOR = 0.2
"""A lower one would amplify noise, and errors of the airlight, more than fivefold."""

BOUNDARY = 0.92
"""Share of the darkest channel that may be airlight."""

GUIDE_RADIUS, GUIDE_EPSILON = 8, 1e-3
"""Of the guided filter that fits transmission to the edges of the image."""

LEAST_AIRLIGHT = 0.05


@dataclass(frozen=True)
class Restored:
    """The visible image with haze and darkness taken away as far as physics goes."""

    visible: torch.Tensor
    """`(N, 3, H, W)` sRGB in [0, 1]."""
    amplification: torch.Tensor
    """`(N, 1, H, W)`: by how many stops light, and with it noise, was amplified."""


def transmission_of_image(thumbnail: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
    """Transmission of an image's pixels from that of its thumbnail.

    Args:
        thumbnail: `(N, 1, 48, 64)`.
        visible: The whole frame, `(N, 3, H, W)` sRGB, whose edges transmission follows.

    Returns:
        `(N, 1, H, W)` in [0, 1].
    """
    coarse = interpolate(thumbnail, visible.shape[2:], mode="bilinear", align_corners=False)
    return guided_filter(luminance(visible), coarse, GUIDE_RADIUS, GUIDE_EPSILON).clamp(0.0, 1.0)


def restore(visible: torch.Tensor, estimate: FrameEstimate) -> Restored:
    """Undo haze and darkness.

    Args:
        visible: `(N, 3, H, W)` sRGB in [0, 1]: whole frames or crops of them.
        estimate: Of the whole frames, with the transmission of these very pixels.
    """
    stops = estimate.gate("low_light") * estimate.exposure[:, None, None, None]
    light = to_linear(visible) * torch.exp2(stops)
    airlight = estimate.airlight[:, :, None, None].clamp(min=LEAST_AIRLIGHT)
    possible = 1.0 - BOUNDARY * (light / airlight).amin(dim=1, keepdim=True)
    transmission = torch.maximum(estimate.transmission, possible).clamp(TRANSMISSION_FLOOR, 1.0)
    through = 1.0 - estimate.gate("haze") * (1.0 - transmission)
    clear = (light - airlight * (1.0 - through)) / through
    return Restored(to_display(clear), stops - torch.log2(through))
