"""The Chen-Blum quality of IVIF_ZOO, against full transforms and two-dimensional windows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import convolve2d

from fusionbench_metrics.measured_greys import measured_greys
from fusionbench_metrics.profiles.faint_contrast import chen_blum_of_faint_contrast

Image = NDArray[np.uint8]
Array = NDArray[np.float64]
Scene = tuple[Image, Image, Image]


def measure(*scene: Image) -> float:
    return chen_blum_of_faint_contrast(*measured_greys(*scene))


def chen_blum(*images: Image) -> float:
    """With full complex transforms and two-dimensional windows."""

    def contrast(image: Image) -> Array:
        unit = (image.astype(float) - image.min()) / np.ptp(image.astype(float))
        vertical, horizontal = (np.fft.fftfreq(side) * side / 30 for side in image.shape)
        square = vertical[:, None] ** 2 + horizontal**2
        sensitivity = np.exp(-square / 15.3870**2) - 0.7622 * np.exp(-square / 1.3456**2)
        seen = np.fft.ifft2(np.fft.fft2(unit) * sensitivity).real
        rows, columns = np.mgrid[-15:16, -15:16]
        blurred = [
            convolve2d(
                seen, np.exp(-(rows**2 + columns**2) / (2 * s * s)) / (2 * math.pi * s * s), mode="same"
            )
            for s in (2, 4)
        ]
        local = np.abs(blurred[0] / blurred[1] - 1)
        masked: Array = local**3 / (local**2 + 1e-4)
        return masked

    fused, visible, infrared = (contrast(image) for image in images)
    weights = visible**2, infrared**2
    kept = sum(
        weight * np.minimum(source, fused) / np.maximum(source, fused)
        for weight, source in zip(weights, (visible, infrared), strict=True)
    )
    return float((kept / (weights[0] + weights[1] + 1e-10)).mean())


def test_the_value_is_that_of_a_plain_formulation(scene: Scene) -> None:
    assert measure(*scene) == pytest.approx(chen_blum(*scene), rel=1e-9)


@settings(max_examples=30)
@given(st.floats(0.2, 1.0), st.integers(0, 50))
def test_the_chen_blum_quality_does_not_see_a_stretch_of_the_levels(share: float, offset: int) -> None:
    levels = np.random.default_rng(2).integers(0, 2, (3, 20, 24))
    low, high = offset, offset + round(200 * share)
    images = (np.where(level, high, low).astype(np.uint8) for level in levels)
    black_and_white = ((255 * level).astype(np.uint8) for level in levels)
    assert measure(*images) == pytest.approx(measure(*black_and_white), rel=1e-9)


def test_constant_images_have_no_contrast_that_could_be_kept(scene: Scene) -> None:
    fused, visible, infrared = scene
    flat = np.full_like(fused, 90)
    assert measure(flat, visible, infrared) == 0
    assert measure(fused, flat, flat) == 0
    assert 0 < measure(fused, flat, infrared) < 1
