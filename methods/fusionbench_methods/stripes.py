"""Networks whose features of a whole image would not fit into memory, applied stripe by stripe."""

from __future__ import annotations

from collections.abc import Callable

import torch

ROWS = 128
"""Of a stripe; with 256 channels a stripe of 640 columns holds 80 megabytes."""


def in_stripes(
    function: Callable[..., torch.Tensor], images: tuple[torch.Tensor, ...], reach: int
) -> torch.Tensor:
    """What a function makes of images, from stripes of them.

    Each stripe gets as many rows around it as its own depend on, so that the result is the same: a function that
    mirrors or pads its input at the edges does so to no effect where an edge is a stripe's only.

    Args:
        function: Takes stripes of the images and returns one of as many rows.
        images: Of one height, each `(N, C, H, W)`.
        reach: Rows above and below a row of the result that it depends on: the sum over the radii of all
            convolutions in a chain.

    Returns:
        `(N, C, H, W)`.
    """
    height = images[0].shape[-2]
    result: torch.Tensor | None = None
    for first in range(0, height, ROWS):
        start, end = max(0, first - reach), min(height, first + ROWS + reach)
        stripe = function(*(image[..., start:end, :] for image in images))
        own = slice(first - start, first - start + ROWS)
        if result is None:
            # Filled as it comes: joined at the end, the result would be held twice.
            result = stripe.new_empty(*stripe.shape[:-2], height, stripe.shape[-1])
        result[..., first : first + ROWS, :] = stripe[..., own, :]
    return result
