"""Draws one object as polygons of named finishes, supersampled, and blends it into the surfaces."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from fusionbench.contracts import FloatImage, Uint8Image
from fusionbench.datasets.scenes.camera import Pixel, Window
from fusionbench.datasets.scenes.surfaces import CHANNELS, Finish, MaskClass, Surfaces

_FINE, _MEDIUM = 48, 160
"""Objects smaller than these many pixels are drawn with 4x4 and 3x3 samples a pixel, larger ones with 2x2."""


class Sprite:
    """A sheet over the part of the image that an object covers.

    Args:
        surfaces: Where the object will be put.
        corners: Image points that enclose the object.
    """

    def __init__(self, surfaces: Surfaces, corners: list[Pixel]) -> None:
        self._surfaces = surfaces
        self.window: Window = surfaces.camera.window(corners)
        extent = max(self.window.width, self.window.height)
        self._samples = 4 if extent < _FINE else 3 if extent < _MEDIUM else 2
        self._rows: list[tuple[float, ...]] = [(0.0,) * (CHANNELS + 1)]
        self._depths: list[float] = [0.0]
        self._classes: list[int] = [0]
        size = (max(1, self.window.width * self._samples), max(1, self.window.height * self._samples))
        self._sheet = Image.new("L", size, 0)
        self._pen = ImageDraw.Draw(self._sheet)

    def part(self, finish: Finish, depth: float, mask_class: MaskClass = MaskClass.UNLABELLED) -> int:
        """Register a finish at a depth in metres; returns the number to draw it with."""
        self._rows.append((*finish.values(), 1.0))
        self._depths.append(depth)
        self._classes.append(int(mask_class))
        return len(self._rows) - 1

    def polygon(self, corners: list[Pixel], part: int) -> None:
        """Fill a polygon given in image pixels."""
        self._pen.polygon([self._on_sheet(corner) for corner in corners], fill=part)

    def ellipse(self, left_top: Pixel, right_bottom: Pixel, part: int) -> None:
        """Fill an upright ellipse given by its bounding box in image pixels."""
        left, top = self._on_sheet(left_top)
        right, bottom = self._on_sheet(right_bottom)
        if right > left and bottom > top:
            self._pen.ellipse([left, top, right, bottom], fill=part)

    def put(self, owner: int) -> int:
        """Blend the sheet into the surfaces.

        Args:
            owner: Number of the object.

        Returns:
            How many pixels it owns.
        """
        if self.window.empty:
            return 0
        parts = np.asarray(self._sheet)
        averaged, topmost = self._average(parts)
        centre = self._samples // 2
        nearest = parts[centre :: self._samples, centre :: self._samples]
        dominant = np.where(nearest > 0, nearest, topmost)
        depth: FloatImage = np.array(self._depths, dtype=np.float32)[dominant]
        classes: Uint8Image = np.array(self._classes, dtype=np.uint8)[dominant]
        return self._surfaces.blend(
            self.window, averaged[:CHANNELS], averaged[CHANNELS], depth, classes, owner
        )

    def _on_sheet(self, corner: Pixel) -> Pixel:
        return (corner[0] - self.window.left) * self._samples, (corner[1] - self.window.top) * self._samples

    def _average(self, parts: Uint8Image) -> tuple[FloatImage, Uint8Image]:
        """Mean of each pixel's samples, summed in a fixed order, and the last part drawn there.

        Returns:
            `(CHANNELS + 1, h, w)` with the coverage last, and `(h, w)`.
        """
        table = np.array(self._rows, dtype=np.float32).T
        shape = (self.window.height, self.window.width)
        total = np.zeros((CHANNELS + 1, *shape), dtype=np.float32)
        topmost = np.zeros(shape, dtype=np.uint8)
        for row in range(self._samples):
            for column in range(self._samples):
                samples = parts[row :: self._samples, column :: self._samples]
                total += table.take(samples, axis=1, mode="clip")
                np.maximum(topmost, samples, out=topmost)
        total *= np.float32(1.0 / self._samples**2)
        return total, topmost
