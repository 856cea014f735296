"""Networks whose features of a whole image would not fit into memory, applied stripe by stripe."""

from __future__ import annotations

from collections.abc import Callable

import torch

ROWS = 128
"""Of a stripe; with 256 channels a stripe of 640 columns holds 80 megabytes."""


def in_stripes(
    function: Callable[..., torch.Tensor], images: tuple[torch.Tensor, ...], reach: int, channels: int
) -> torch.Tensor:
    """What a function makes of images, from stripes of them.

    Each stripe gets as many rows around it as its own depend on, so that the result is the same: what a
    function makes of the edges of a stripe, which are none of the image, is cut off.

    Args:
        function: Takes stripes of the images and returns one of the same size.
        images: Of one size, each `(N, C, H, W)`.
        reach: Rows above and below a row of the result that it depends on: the sum over the radii of all
            convolutions in a chain.
        channels: Of the result.

    Returns:
        `(N, channels, H, W)`.
    """
    count, _, height, width = images[0].shape
    # Filled as it comes: of parts that are joined at the end, everything would be there twice.
    result = images[0].new_empty(count, channels, height, width)
    for first in range(0, height, ROWS):
        last, start = min(height, first + ROWS), max(0, first - reach)
        stripe = function(*(image[..., start : last + reach, :] for image in images))
        result[..., first:last, :] = stripe[..., first - start : last - start, :]
    return result
