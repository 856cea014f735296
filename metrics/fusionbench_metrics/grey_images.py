"""What every metric here asks of its images: 8-bit grey, of one size, large enough for the definition."""

from __future__ import annotations

import numpy as np

from fusionbench.contracts import Uint8Image


def check_grey(minimum_size: int, **images: Uint8Image) -> None:
    """Refuse images a metric is not defined for.

    Args:
        minimum_size: Smallest height and width the metric is defined for.
        **images: The images by the name an error should use.

    Raises:
        ValueError: If an image is not uint8 `(H, W)`, is too small, or is not of the size of the others.
    """
    first_name, first = next(iter(images.items()))
    for name, image in images.items():
        if image.dtype != np.uint8 or image.ndim != 2:
            raise ValueError(f"{name}: expected a grey uint8 image (H, W), got {image.dtype} {image.shape}")
        if min(image.shape) < minimum_size:
            raise ValueError(
                f"{name}: is {image.shape[1]}x{image.shape[0]}, but this metric needs at least "
                f"{minimum_size}x{minimum_size} pixels"
            )
        if image.shape != first.shape:
            raise ValueError(
                f"{name}: is {image.shape[1]}x{image.shape[0]} but {first_name} is "
                f"{first.shape[1]}x{first.shape[0]}; crop or resize them to one size"
            )
