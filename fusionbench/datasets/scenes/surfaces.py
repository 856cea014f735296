"""What the camera looks at, pixel by pixel, before either camera has looked.

Both images are computed from the same buffer: the visible one from reflectance, light and glow, the infrared
one from temperature and emissivity. Neither is derived from the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import FloatImage, Uint8Image
from fusionbench.datasets.scenes.camera import Camera, Window
from fusionbench.datasets.scenes.weather import Colour


class Channel(IntEnum):
    """Planes of `Surfaces.channels`."""

    RED = 0
    """Diffuse reflectance, 0..1, as are GREEN and BLUE."""
    GREEN = 1
    BLUE = 2
    SUN = 3
    """Cosine between the surface and the sun, 0 in shadow."""
    AMBIENT = 4
    """Share of the sky's light that arrives, 0..1 and a little above for mirrors of the sky."""
    TEMPERATURE = 5
    """Degrees Celsius."""
    EMISSIVITY = 6
    """In the 8 to 14 micrometre band, 0..1."""
    GLOW_RED = 7
    """Emitted radiance, as are GLOW_GREEN and GLOW_BLUE."""
    GLOW_GREEN = 8
    GLOW_BLUE = 9


CHANNELS = len(Channel)
ALBEDO = slice(Channel.RED, Channel.BLUE + 1)
GLOW = slice(Channel.GLOW_RED, Channel.GLOW_BLUE + 1)

DARK: Colour = (0.0, 0.0, 0.0)


class MaskClass(IntEnum):
    """The nine classes of MSRS, in its order. Buses and trucks count as cars: MSRS has no class for them."""

    UNLABELLED = 0
    CAR = 1
    PERSON = 2
    BIKE = 3
    CURVE = 4
    """Painted lines and kerbs."""
    CAR_STOP = 5
    GUARDRAIL = 6
    COLOR_CONE = 7
    BUMP = 8


@dataclass(frozen=True)
class Finish:
    """The surface of one part of an object."""

    albedo: Colour
    temperature: float
    emissivity: float = 0.94
    sun: float = 0.0
    ambient: float = 0.7
    glow: Colour = DARK

    def values(self) -> tuple[float, ...]:
        """One number for each `Channel`."""
        return (*self.albedo, self.sun, self.ambient, self.temperature, self.emissivity, *self.glow)


class Surfaces:
    """The buffer both cameras see, painted from far to near.

    Args:
        camera: The camera.
        air: Temperature that unpainted pixels get, in degrees Celsius.
    """

    def __init__(self, camera: Camera, air: float) -> None:
        shape = (camera.height, camera.width)
        self.camera = camera
        self.channels: FloatImage = np.zeros((CHANNELS, *shape), dtype=np.float32)
        self.channels[Channel.TEMPERATURE] = air
        self.channels[Channel.EMISSIVITY] = 1.0
        self.depth: FloatImage = np.full(shape, np.inf, dtype=np.float32)
        self.mask: Uint8Image = np.zeros(shape, dtype=np.uint8)
        self.owners: NDArray[np.int16] = np.zeros(shape, dtype=np.int16)
        """Number of the object each pixel shows; 0 where it shows none."""

    def lay(
        self,
        window: Window,
        values: FloatImage,
        solid: NDArray[np.bool_],
        depth: FloatImage,
    ) -> None:
        """Put an opaque background surface over a window.

        Args:
            window: Where.
            values: `(CHANNELS, h, w)`.
            solid: `(h, w)`, the pixels it covers.
            depth: Broadcastable to `(h, w)`, metres.
        """
        rows, columns = window.slices
        np.copyto(self.channels[:, rows, columns], values, where=solid)
        np.copyto(self.depth[rows, columns], depth, where=solid)
        self.mask[rows, columns][solid] = MaskClass.UNLABELLED
        self.owners[rows, columns][solid] = 0

    def blend(
        self,
        window: Window,
        premultiplied: FloatImage,
        coverage: FloatImage,
        depth: FloatImage,
        mask_class: Uint8Image,
        owner: int,
    ) -> int:
        """Put a partly covering object over a window.

        Args:
            window: Where.
            premultiplied: `(CHANNELS, h, w)`, values times coverage.
            coverage: `(h, w)` in 0..1; a pixel belongs to the object from one half on.
            depth: `(h, w)` metres, read where the object owns the pixel.
            mask_class: `(h, w)`.
            owner: Number of the object.

        Returns:
            How many pixels it owns now.
        """
        rows, columns = window.slices
        below = self.channels[:, rows, columns]
        below *= 1.0 - coverage
        below += premultiplied
        owned = coverage >= 0.5
        np.copyto(self.depth[rows, columns], depth, where=owned)
        np.copyto(self.mask[rows, columns], mask_class, where=owned)
        np.copyto(self.owners[rows, columns], np.int16(owner), where=owned)
        return int(np.count_nonzero(owned))
