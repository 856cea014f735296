"""The pinhole camera: world metres to pixels and back.

World axes: x to the right, y up from the road surface, z ahead of the camera, which stands at x = z = 0 and
looks along z. The vanishing point may lie off the image centre (a shifted lens), which keeps every wall and
the ground aligned with the axes. Depth is z.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import FloatImage

Point = tuple[float, float, float]
"""World position (x, y, z) in metres."""

Pixel = tuple[float, float]
"""Image position in pixels from the left and top edge."""

NEAREST = 1.2
"""Nothing closer than this many metres is drawn: it would be the camera's own bonnet."""


@dataclass(frozen=True)
class Window:
    """A rectangle of the image, in pixels; the right and bottom edges are outside it."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Width in pixels, 0 if empty."""
        return max(0, self.right - self.left)

    @property
    def height(self) -> int:
        """Height in pixels, 0 if empty."""
        return max(0, self.bottom - self.top)

    @property
    def empty(self) -> bool:
        """True if it holds no pixel."""
        return self.width == 0 or self.height == 0

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns of an image array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


@dataclass(frozen=True)
class Camera:
    """A camera over the road.

    Attributes:
        width: Image width in pixels.
        height: Image height in pixels.
        focal: Focal length in pixels.
        centre: Vanishing point of the road in pixels.
        eye: Height above the road in metres.
    """

    width: int
    height: int
    focal: float
    centre: Pixel
    eye: float

    @classmethod
    def for_size(
        cls, width: int, height: int, relative_focal: float, shift: tuple[float, float], eye: float
    ) -> Camera:
        """Set up the same view for any image size.

        Args:
            width: Image width in pixels.
            height: Image height in pixels.
            relative_focal: Focal length over the height of a 4:3 image; other shapes see a part of that view.
            shift: Vanishing point as a fraction of the width and height.
            eye: Height above the road in metres.
        """
        reference = max(height, 0.75 * width)
        return cls(width, height, relative_focal * reference, (shift[0] * width, shift[1] * height), eye)

    def project(self, point: Point) -> Pixel:
        """Pixel of a world point; points nearer than `NEAREST` are treated as being that far."""
        x, y, z = point
        scale = self.focal / max(z, NEAREST)
        return self.centre[0] + scale * x, self.centre[1] + scale * (self.eye - y)

    def window(self, corners: list[Pixel], margin: int = 1) -> Window:
        """Smallest window of whole pixels around image points, clipped to the image."""
        xs = [corner[0] for corner in corners]
        ys = [corner[1] for corner in corners]
        return Window(
            left=_clamp(int(min(xs)) - margin, self.width),
            top=_clamp(int(min(ys)) - margin, self.height),
            right=_clamp(int(max(xs)) + 1 + margin, self.width),
            bottom=_clamp(int(max(ys)) + 1 + margin, self.height),
        )

    def column_slopes(self, window: Window) -> FloatImage:
        """X / z along the rays through the pixel centres of each column, `(1, w)`."""
        columns = np.arange(window.left, window.right, dtype=np.float32)
        slopes: FloatImage = (columns + np.float32(0.5 - self.centre[0])) / np.float32(self.focal)
        return slopes[None, :]

    def row_slopes(self, window: Window) -> FloatImage:
        """(eye - y) / z along the rays through the pixel centres of each row, `(h, 1)`."""
        rows = np.arange(window.top, window.bottom, dtype=np.float32)
        slopes: FloatImage = (rows + np.float32(0.5 - self.centre[1])) / np.float32(self.focal)
        return slopes[:, None]

    def full_window(self) -> Window:
        """The whole image."""
        return Window(0, 0, self.width, self.height)


def away_from_zero(values: FloatImage, least: float) -> FloatImage:
    """Values with those below `least` in size replaced by it, so that they can be divided by."""
    kept: NDArray[np.float32] = np.where(np.abs(values) < least, np.float32(least), values)
    return kept


def _clamp(value: int, limit: int) -> int:
    return min(max(value, 0), limit)
