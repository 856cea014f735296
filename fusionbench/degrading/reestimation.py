"""What the images of a degraded set say by themselves about how they were degraded.

Airlight and transmission by the dark channel (He, Sun, Tang, "Single image haze removal using dark channel
prior", IEEE TPAMI 2011, sections 3 and 4.4; the median of the brightest 3 % of the dark channel in place of
the brightest 0.1 %, which at night are lamps), noise by the median absolute deviation of diagonal Haar
coefficients (Donoho and Johnstone, "Ideal spatial adaptation by wavelet shrinkage", Biometrika 1994). All are
set beside the record, and prove nothing: the dark channel fails where a scene has no dark pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import FloatImage, Uint8Image
from fusionbench.degrading.manifest import Record, read_manifest
from fusionbench.errors import InputError
from fusionbench.images import read_visible

DARK_CHANNEL_WINDOW = 15
_BRIGHTEST_SHARE = 0.97
_NORMAL_QUARTILE = 0.6745
_HAZE_LEFT = 0.95
"""Share of the haze that the dark channel's transmission takes away (omega)."""


@dataclass(frozen=True)
class Reestimate:
    """One quantity over a set: what was recorded, and what the images alone give."""

    name: str
    recorded: float
    """Median over images."""
    estimated: float
    images: int

    def __str__(self) -> str:
        """One line for a person."""
        return (
            f"{self.name}: recorded {self.recorded:.3f}, from the images alone {self.estimated:.3f} "
            f"(medians of {self.images} images)"
        )


def reestimate(folder: Path) -> list[Reestimate]:
    """Estimate airlight, transmission and noise from the images of a set, whichever it has.

    Args:
        folder: What `degrade_dataset` wrote; images that cannot be read are left to `verify_set`.

    Raises:
        InputError: If the manifest cannot be read.
    """
    found: dict[str, list[tuple[float, float]]] = {}
    for record in read_manifest(folder).values():
        try:
            image = read_visible(folder / record["visible_file"])
        except InputError:
            continue
        for name, recorded, estimated in _of_image(record, image):
            found.setdefault(name, []).append((recorded, estimated))
    return [
        Reestimate(name, median(r for r, _ in pairs), median(e for _, e in pairs), len(pairs))
        for name, pairs in found.items()
    ]


def _of_image(record: Record, image: Uint8Image) -> Iterator[tuple[str, float, float]]:
    # The darkest of many noisy pixels says nothing of haze, and another exposure moves the airlight.
    if "airlight" in record and "noise_levels" not in record and "exposure" not in record:
        airlight = airlight_by_dark_channel(image)
        yield "airlight (mean of sRGB)", _mean_display(record["airlight"]), float(airlight.mean())
        if "mean_transmission" in record:
            estimated = transmission_by_dark_channel(image, airlight)
            yield "transmission (mean)", record["mean_transmission"], float(estimated.mean())
    if "noise_levels" in record:
        yield "noise (levels of 255)", record["noise_levels"], noise_levels(image)


def airlight_by_dark_channel(image: Uint8Image) -> NDArray[np.float64]:
    """Colour `(3,)` in [0, 1] sRGB where the dark channel of an image `(H, W, 3)` is brightest."""
    dark = _dark_channel(image.astype(np.float32))
    brightest = dark >= np.quantile(dark, _BRIGHTEST_SHARE)
    colour: NDArray[np.float64] = np.median(image[brightest], axis=0) / 255.0
    return colour


def transmission_by_dark_channel(image: Uint8Image, airlight: NDArray[np.float64]) -> FloatImage:
    """Transmission `(H, W)` in [0, 1] of an image `(H, W, 3)` under an airlight `(3,)` in [0, 1] sRGB."""
    brightness: NDArray[np.float32] = np.asarray(255.0 * np.maximum(airlight, 1e-3), dtype=np.float32)
    veiled = image.astype(np.float32) / brightness
    transmission: FloatImage = np.clip(1.0 - _HAZE_LEFT * _dark_channel(veiled), 0.0, 1.0).astype(np.float32)
    return transmission


def noise_levels(image: Uint8Image) -> float:
    """Standard deviation of the noise in an image `(H, W, 3)`, in levels, the median of its channels."""
    height, width = (length // 2 * 2 for length in image.shape[:2])
    if not height or not width:
        return 0.0
    values = image[:height, :width].astype(np.float64)
    diagonal = (values[::2, ::2] - values[1::2, ::2] - values[::2, 1::2] + values[1::2, 1::2]) / 2
    deviations = np.median(np.abs(diagonal), axis=(0, 1)) / _NORMAL_QUARTILE
    return float(np.median(deviations))


def expected_noise_levels(sigma: FloatImage, image: Uint8Image) -> float:
    """What `noise_levels` should find: the median over pixels of sigma, in levels of the image.

    Args:
        sigma: Ground truth in linear light, `(H, W, 3)` or `(H, W, 1)`.
        image: The degraded image `(H, W, 3)`, whose levels say how steep the sRGB curve is.
    """
    display = image.astype(np.float64) / 255.0
    # Light by level, the derivative of IEC 61966-2-1.
    light_a_level = np.where(display <= 0.04045, 1 / 12.92, 2.4 / 1.055 * ((display + 0.055) / 1.055) ** 1.4)
    return float(np.median(255.0 * sigma / light_a_level))


def _dark_channel(image: NDArray[np.float32]) -> NDArray[np.float32]:
    from scipy import ndimage

    dark: NDArray[np.float32] = ndimage.minimum_filter(image.min(axis=2), size=DARK_CHANNEL_WINDOW)
    return dark


def _mean_display(linear: list[float]) -> float:
    light = np.asarray(linear)
    display = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return float(display.mean())
