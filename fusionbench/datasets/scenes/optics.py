"""Optics both cameras have: blur by a short kernel, glow around bright lights, darker corners."""

from __future__ import annotations

import numpy as np
from PIL import Image

from fusionbench.contracts import FloatImage
from fusionbench.datasets.scenes.camera import Camera


def blur(image: FloatImage, side: float) -> FloatImage:
    """Convolve rows and columns with `[side, 1 - 2 side, side]`, repeating the border.

    Args:
        image: `(..., H, W)`.
        side: Weight of each neighbour; the variance along each axis is `2 side` square pixels.
    """
    for axis in (image.ndim - 1, image.ndim - 2):
        image = _blur_along(image, side, axis)
    return image


def _blur_along(image: FloatImage, side: float, axis: int) -> FloatImage:
    if image.shape[axis] < 2:
        return image
    lines = np.moveaxis(image, axis, 0)
    result = np.empty_like(image)
    blurred = np.moveaxis(result, axis, 0)
    np.multiply(lines, np.float32(1.0 - 2.0 * side), out=blurred)
    scaled = lines * np.float32(side)
    blurred[1:] += scaled[:-1]
    blurred[:-1] += scaled[1:]
    blurred[0] += scaled[0]
    blurred[-1] += scaled[-1]
    return result


def add_glow(image: FloatImage, strength: float) -> None:
    """Add, in place, the light that scatters in the lens around bright lights.

    Args:
        image: `(3, H, W)` radiance.
        strength: Share of the light above 0.2 that is scattered.
    """
    height, width = image.shape[1:]
    factor = max(1, height // 120)
    for plane in image:
        bright = Image.fromarray(np.minimum(np.maximum(plane - np.float32(0.2), 0.0), 8.0)).reduce(factor)
        narrow = _spread(bright, 3)
        wide = _spread(bright, 10)
        veil = np.asarray(narrow) * np.float32(0.6 * strength) + np.asarray(wide) * np.float32(strength)
        grown = Image.fromarray(veil).resize((width, height), Image.Resampling.BILINEAR)
        plane += np.asarray(grown)


def _spread(image: Image.Image, radius: int) -> Image.Image:
    """Blur a small image by shrinking and growing it."""
    size = (max(1, image.width // radius), max(1, image.height // radius))
    small = image.resize(size, Image.Resampling.BILINEAR)
    return small.resize(image.size, Image.Resampling.BILINEAR)


def corner_shading(camera: Camera, loss: float) -> FloatImage:
    """Relative illumination `(H, W)`: 1 in the middle, `1 - loss` in the corners."""
    rows = (np.arange(camera.height, dtype=np.float32) + np.float32(0.5)) * np.float32(
        2.0 / camera.height
    ) - 1.0
    columns = (np.arange(camera.width, dtype=np.float32) + np.float32(0.5)) * np.float32(
        2.0 / camera.width
    ) - 1.0
    squared = (rows * rows)[:, None] + (columns * columns)[None, :]
    shading: FloatImage = np.float32(1.0) - np.float32(loss / 2.0) * squared
    return shading
