"""The Yang index with IVIF_ZOO's window, against two-dimensional windows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from scipy.signal import convolve2d

from fusionbench_metrics.measured_greys import measured_greys
from fusionbench_metrics.profiles.repeated_window import yang_index_of_repeated_window

Image = NDArray[np.uint8]
Array = NDArray[np.float64]
Scene = tuple[Image, Image, Image]


def measure(*scene: Image) -> float:
    return yang_index_of_repeated_window(*measured_greys(*scene))


def yang(fused: Image, visible: Image, infrared: Image) -> float:
    """With a window that repeats the one-dimensional Gaussian in every row."""
    gaussian = np.exp(-(np.arange(-3, 4) ** 2) / (2 * 1.5**2))
    window = np.tile(gaussian / gaussian.sum(), (7, 1))

    def total(image: Array) -> Array:
        summed: Array = convolve2d(image, window, mode="same")
        return summed

    def similarity(first: Image, second: Image) -> tuple[Array, Array]:
        x, y = first.astype(float), second.astype(float)
        m, n = total(x), total(y)
        v, u, c = total(x * x) - m * m, total(y * y) - n * n, total(x * y) - m * n
        return (2 * m * n + 1e-4) * (2 * c + 9e-4) / ((m * m + n * n + 1e-4) * (v + u + 9e-4)), v

    (first, v), (second, u) = similarity(visible, fused), similarity(infrared, fused)
    share = v / (v + u)
    redundant = similarity(visible, infrared)[0] >= 0.75
    return float(np.where(redundant, share * first + (1 - share) * second, np.maximum(first, second)).mean())


def test_the_value_is_that_of_a_plain_formulation(scene: Scene) -> None:
    assert measure(*scene) == pytest.approx(yang(*scene), rel=1e-9)


@settings(max_examples=30)
@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=12)))
def test_three_equal_images_have_a_value_of_one_at_any_size(image: Image) -> None:
    assert measure(image, image, image) == pytest.approx(1, abs=1e-12)


def test_the_value_of_an_image_in_many_bands_is_that_of_a_plain_formulation() -> None:
    random = np.random.default_rng(9)
    images = random.integers(1, 256, (3, 150, 900), dtype=np.uint8)
    assert measure(*images) == pytest.approx(yang(*images), rel=1e-9)


def test_two_black_sources_have_equal_weights_in_the_value(scene: Scene) -> None:
    black = np.zeros_like(scene[0])
    assert measure(black, black, black) == 1
    assert math.isfinite(measure(scene[0], black, black))
