"""Drawn images that a detector can be trained on in a second."""

import numpy as np

from fusionbench.contracts import Box, LabelledImage


def squares(count: int, size: int = 64, seed: int = 0) -> list[LabelledImage]:
    """Bright squares on dark noise, one an image."""
    generator = np.random.default_rng(seed)
    images = []
    for number in range(count):
        image = generator.integers(0, 90, (size, size, 3)).astype(np.uint8)
        side = int(generator.integers(16, 32))
        left, top = (int(value) for value in generator.integers(0, size - side, 2))
        image[top : top + side, left : left + side] = (230, 200, 40)
        box = Box("square", left, top, left + side, top + side)
        images.append(LabelledImage(f"square {number}", image, (box,)))
    return images
