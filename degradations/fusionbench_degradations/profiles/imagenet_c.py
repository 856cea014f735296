"""ImageNet-C's corruptions with the constants of its published code.

Hendrycks and Dietterich, "Benchmarking neural network robustness to common corruptions and perturbations",
ICLR 2019. Pixel sizes are those published, for images of 224 pixels, and are not scaled. Left out:
frost (needs its photographs), snow, fog (a plasma without depth), glass and zoom blur, elastic and pixelate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property

import numpy as np

from fusionbench.contracts import Degradation, DegradationProfileCard, FloatImage, Levels, Stage
from fusionbench.images import quantise
from fusionbench_degradations.convolution import convolve, disk_kernel, gaussian_blur
from fusionbench_degradations.jpeg import compressed
from fusionbench_degradations.profiles.display_degradation import (
    DisplayDegradation,
    DisplayScene,
    Formula,
    Maps,
    between,
    display_degradation,
)
from fusionbench_degradations.profiles.photon_counts import photon_counts

_REFERENCE = "Hendrycks and Dietterich, ICLR 2019"

_GAUSSIAN_NOISE: Levels = (0.08, 0.12, 0.18, 0.26, 0.38)
_SHOT_NOISE: Levels = (60.0, 25.0, 12.0, 5.0, 3.0)
_IMPULSE_NOISE: Levels = (0.03, 0.06, 0.09, 0.17, 0.27)
_SPECKLE_NOISE: Levels = (0.15, 0.20, 0.35, 0.45, 0.60)
_GAUSSIAN_BLUR: Levels = (1.0, 2.0, 3.0, 4.0, 6.0)
_DEFOCUS_RADIUS: Levels = (3.0, 4.0, 6.0, 8.0, 10.0)
_DEFOCUS_SMOOTHING: Levels = (0.1, 0.5, 0.5, 0.5, 0.5)
_MOTION_RADIUS: Levels = (10.0, 15.0, 15.0, 15.0, 20.0)
_MOTION_SIGMA: Levels = (3.0, 5.0, 8.0, 12.0, 15.0)
_BRIGHTNESS: Levels = (0.1, 0.2, 0.3, 0.4, 0.5)
_CONTRAST: Levels = (0.4, 0.3, 0.2, 0.1, 0.05)
_JPEG_QUALITY: Levels = (25.0, 18.0, 15.0, 10.0, 7.0)


def _gaussian_noise(seen: DisplayScene, sigma: float) -> tuple[FloatImage, Maps]:
    return seen.display + np.float32(sigma) * seen.random.normal("noise", seen.noise_shape), {}


def _shot_noise(seen: DisplayScene, peak: float) -> tuple[FloatImage, Maps]:
    return photon_counts(seen.display, peak, seen.random.uniform("counts", seen.noise_shape)), {}


def _speckle_noise(seen: DisplayScene, sigma: float) -> tuple[FloatImage, Maps]:
    factor = np.float32(1) + np.float32(sigma) * seen.random.normal("noise", seen.noise_shape)
    return seen.display * factor, {}


def _impulse_noise(seen: DisplayScene, share: float) -> tuple[FloatImage, Maps]:
    draw = np.broadcast_to(seen.random.uniform("impulses", seen.noise_shape), seen.display.shape)
    peppered = np.where(draw < share / 2, np.float32(0), seen.display)
    return np.where(draw > 1 - share / 2, np.float32(1), peppered), {}


def _gaussian_blur(seen: DisplayScene, sigma: float) -> tuple[FloatImage, Maps]:
    return gaussian_blur(seen.display, sigma), {}


def _defocus_blur(seen: DisplayScene, severity: float) -> tuple[FloatImage, Maps]:
    sharp_disk = convolve(seen.display, disk_kernel(between(_DEFOCUS_RADIUS, severity)))
    return gaussian_blur(sharp_disk, between(_DEFOCUS_SMOOTHING, severity)), {}


def _motion_blur(seen: DisplayScene, severity: float) -> tuple[FloatImage, Maps]:
    angle = -45.0 + 90.0 * float(seen.random.uniform("angle", (1,))[0])
    kernel = one_sided_motion(between(_MOTION_RADIUS, severity), between(_MOTION_SIGMA, severity), angle)
    return convolve(seen.display, kernel), {"blur_angle": np.asarray(angle)}


def one_sided_motion(radius: float, sigma: float, angle: float) -> dict[tuple[int, int], float]:
    """Weights that fall as half a Gaussian along a ray of `radius` pixels, as ImageMagick's motion blur."""
    kernel: dict[tuple[int, int], float] = {}
    for step in range(2 * math.floor(radius + 0.5) + 1):
        down = math.floor(step * math.sin(math.radians(angle)) + 0.5)
        right = math.floor(step * math.cos(math.radians(angle)) + 0.5)
        weight = math.exp(-0.5 * (step / sigma) ** 2)
        kernel[down, right] = kernel.get((down, right), 0.0) + weight
    return kernel


def _brightness(seen: DisplayScene, added: float) -> tuple[FloatImage, Maps]:
    value = seen.display.max(axis=2, keepdims=True)
    raised = np.minimum(value + np.float32(added), np.float32(1))
    # Hue and saturation stay: all channels scale with the value; black turns grey.
    scale = raised / np.maximum(value, np.float32(1e-6))
    return np.where(value > 0, seen.display * scale, raised), {}


def _contrast(seen: DisplayScene, kept: float) -> tuple[FloatImage, Maps]:
    levels = quantise(seen.display * np.float32(255))
    means = levels.reshape(-1, 3).sum(axis=0, dtype=np.int64) / (levels.shape[0] * levels.shape[1] * 255.0)
    mean = means.astype(np.float32)
    return mean + (seen.display - mean) * np.float32(kept), {}


def _jpeg(seen: DisplayScene, quality: float) -> tuple[FloatImage, Maps]:
    encoded = quantise(seen.display * np.float32(255))
    decoded = compressed(encoded, math.floor(quality + 0.5))
    return decoded.astype(np.float32) / np.float32(255), {}


_TABLE: tuple[tuple[str, Formula, str, str, Levels | None, Stage], ...] = (
    ("gaussian_noise", _gaussian_noise, "x + s n", "standard deviation s", _GAUSSIAN_NOISE, "sensor"),
    ("shot_noise", _shot_noise, "Poisson(x c) / c", "counts c at full scale", _SHOT_NOISE, "sensor"),
    ("impulse_noise", _impulse_noise, "salt and pepper", "share of values", _IMPULSE_NOISE, "sensor"),
    ("speckle_noise", _speckle_noise, "x + x s n", "standard deviation s", _SPECKLE_NOISE, "sensor"),
    ("gaussian_blur", _gaussian_blur, "Gaussian", "sigma in pixels", _GAUSSIAN_BLUR, "optics"),
    ("defocus_blur", _defocus_blur, "disk, then a small Gaussian", "severity", None, "optics"),
    (
        "motion_blur",
        _motion_blur,
        "half a Gaussian along a ray",
        "severity",
        None,
        "optics",
    ),
    ("brightness", _brightness, "HSV value + c", "added value c", _BRIGHTNESS, "exposure"),
    ("contrast", _contrast, "(x - mean) c + mean", "contrast c that is left", _CONTRAST, "exposure"),
    ("jpeg_compression", _jpeg, "JPEG, 4:2:0", "quality", _JPEG_QUALITY, "encode"),
)


class ImageNetC:
    """Corruptions of the visible image by ImageNet-C's constants."""

    card = DegradationProfileCard(
        name="imagenet-c",
        title="ImageNet-C",
        summary="on sRGB values, pixel sizes as published for 224 pixels; infrared untouched",
        reference=_REFERENCE,
    )

    @cached_property
    def degradations(self) -> Mapping[str, Degradation]:
        """By their published names."""
        return {row[0]: _degradation(*row) for row in _TABLE}


def _degradation(
    name: str, formula: Formula, summary: str, parameter: str, levels: Levels | None, stage: Stage
) -> DisplayDegradation:
    title = f"{name.replace('_', ' ').capitalize()} after ImageNet-C"
    if levels is None:
        return display_degradation(formula, name, title, summary, _REFERENCE, stage=stage)
    return display_degradation(formula, name, title, summary, _REFERENCE, parameter, levels, stage)
