"""Drawn images that a segmenter can be trained on in a second."""

from collections.abc import Iterator

import numpy as np

from fusionbench.contracts import SegmentedImage

CLASSES = ("unlabelled", "patch")


def patches(count: int, height: int = 40, width: int = 56, seed: int = 0) -> list[SegmentedImage]:
    """Bright patches on dark noise, one an image."""
    generator = np.random.default_rng(seed)
    images = []
    for number in range(count):
        image = generator.integers(0, 90, (height, width, 3)).astype(np.uint8)
        mask = np.zeros((height, width), np.uint8)
        side = int(generator.integers(12, 24))
        top, left = (int(generator.integers(0, length - side)) for length in (height, width))
        image[top : top + side, left : left + side] = (230, 200, 40)
        mask[top : top + side, left : left + side] = 1
        images.append(SegmentedImage(f"patch {number}", image, mask))
    return images


def unread() -> Iterator[SegmentedImage]:
    """Images that nobody may read: what cannot be trained is to be found out before."""
    raise AssertionError("an image was read")
    yield
