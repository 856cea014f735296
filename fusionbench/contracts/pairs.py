"""A registered pair of images, its name in a dataset, and its annotations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Uint8Image = NDArray[np.uint8]
"""8-bit image: `(H, W)` grey or `(H, W, 3)` RGB, 0..255."""

FloatImage = NDArray[np.float32]
"""Floating-point image, `(H, W)` or `(H, W, 3)`; the range is stated where it is used."""

DRIVING_HORIZON = 0.45
"""Height of the vanishing line in the usual driving view, in image heights from the top."""


NATIVE_CONDITIONS = ("day", "night", "fog", "smoke")
"""Real conditions an image can have been taken in; fog and smoke go before the time of day."""


UNLABELLED = 255
"""Id of a pixel nobody gave a class: nothing is learnt from it and nothing judged by it."""


@dataclass(frozen=True)
class Box:
    """One annotated object, in pixels from the left and top edge of the image."""

    label: str
    """Class name as the dataset's card lists it."""
    x_min: float
    y_min: float
    x_max: float
    y_max: float


@dataclass(frozen=True)
class Labels:
    """The annotations of one pair; a part is None where the dataset has none (which is not `no object`)."""

    boxes: tuple[Box, ...] | None = None
    mask: Uint8Image | None = None
    """Class ids `(H, W)`, in the order of the card's `mask_classes`; `UNLABELLED` for pixels of none."""


@dataclass(frozen=True)
class Sample:
    """One entry of a dataset split, known by name before any pixel is read."""

    id: str
    """Unique in its split; the stem both files share."""
    visible: Path | None = None
    """None where the file is missing or the image is generated."""
    infrared: Path | None = None
    problem: str | None = None
    """Why this sample cannot be read (an orphan, two files of one stem), with the remedy; None if it can."""
    native: str = ""
    """What conditions it was really taken in, one of `NATIVE_CONDITIONS`; empty where nobody has said."""


@dataclass(frozen=True, eq=False)
class ImagePair:
    """A registered visible and infrared image of one scene, as 8-bit arrays of the same height and width.

    Raises:
        ValueError: If a shape or dtype is not the declared one, or the two sizes differ.
    """

    id: str
    visible: Uint8Image
    """`(H, W, 3)` sRGB."""
    infrared: Uint8Image
    """`(H, W)`, brighter is hotter."""
    depth: FloatImage | None = None
    """Metric depth `(H, W)` in metres where the dataset knows it; infinity is sky."""
    horizon: float = DRIVING_HORIZON
    """Height of the vanishing line, in image heights from the top (for depth priors)."""

    def __post_init__(self) -> None:
        if self.visible.dtype != np.uint8 or self.visible.ndim != 3 or self.visible.shape[2] != 3:
            raise ValueError(
                f"visible: expected uint8 (H, W, 3), got {self.visible.dtype} {self.visible.shape}"
            )
        if self.infrared.dtype != np.uint8 or self.infrared.ndim != 2:
            raise ValueError(
                f"infrared: expected uint8 (H, W), got {self.infrared.dtype} {self.infrared.shape}"
            )
        if self.visible.shape[:2] != self.infrared.shape:
            raise ValueError(
                f"visible {self.visible.shape[:2]} and infrared {self.infrared.shape} differ in size (H, W)"
            )

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.infrared.shape[0], self.infrared.shape[1]
