from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from fusionbench_degradations.convolution import Kernel, convolve, disk_kernel, gaussian_blur, line_kernel

KERNELS: dict[str, Kernel] = {
    "line": line_kernel(11.5, 33),
    "thick-line": line_kernel(7, 100, 2.4),
    "disk": disk_kernel(3.3),
    "lopsided": {(0, 0): 1.0, (2, 1): 0.5, (0, -3): 0.25},
}


def as_array(kernel: Kernel) -> NDArray[np.float64]:
    """The kernel as a dense array, its middle in the centre."""
    reach = max(max(abs(down), abs(right)) for down, right in kernel)
    dense = np.zeros((2 * reach + 1,) * 2)
    for (down, right), weight in kernel.items():
        dense[reach + down, reach + right] = weight
    return dense


@pytest.fixture
def image() -> NDArray[np.float32]:
    return np.random.default_rng(0).random((31, 42), dtype=np.float32)


@pytest.mark.parametrize("name", KERNELS)
def test_convolution_is_that_of_scipy(image: NDArray[np.float32], name: str) -> None:
    dense = as_array(KERNELS[name])
    expected = ndimage.correlate(image.astype(np.float64), dense / dense.sum(), mode="nearest")
    np.testing.assert_allclose(convolve(image, KERNELS[name]), expected, atol=2e-5)


def test_channels_are_blurred_one_by_one(image: NDArray[np.float32]) -> None:
    colours = np.dstack([image, image[::-1], image * 3])
    blurred = convolve(colours, KERNELS["line"])
    for channel in range(3):
        np.testing.assert_array_equal(blurred[..., channel], convolve(colours[..., channel], KERNELS["line"]))


def test_a_gaussian_is_that_of_scipy(image: NDArray[np.float32]) -> None:
    expected = ndimage.gaussian_filter(image.astype(np.float64), 2.0, mode="nearest", truncate=4)
    np.testing.assert_allclose(gaussian_blur(image, 2.0), expected, atol=2e-5)


@pytest.mark.parametrize("name", KERNELS)
def test_weights_add_up_to_exactly_one(name: str) -> None:
    impulse = np.zeros((65, 65), np.float32)
    impulse[32, 32] = 1
    # Every weight is a multiple of 2^-20, so its sum in double precision has no rounding.
    assert convolve(impulse, KERNELS[name]).astype(np.float64).sum() == 1.0


@pytest.mark.parametrize("name", KERNELS)
def test_an_even_image_stays_as_it_is(name: str) -> None:
    even = np.full((20, 30, 3), 0.37, np.float32)
    np.testing.assert_allclose(convolve(even, KERNELS[name]), even, rtol=3e-6)


@pytest.mark.parametrize("length", [7, 11, 15, 31])
def test_a_level_line_is_a_row_of_equal_weights(length: int) -> None:
    half = length // 2
    assert line_kernel(length, 0) == {(0, right): 1.0 for right in range(-half, half + 1)}
    upright = line_kernel(length, 90)
    assert set(upright) == {(down, 0) for down in range(-half, half + 1)}


def test_angles_turn_counter_clockwise_and_lines_have_no_direction() -> None:
    rising = line_kernel(9, 45)
    assert rising[-2, 2] == pytest.approx(1.0)
    assert (2, 2) not in rising
    turned = line_kernel(9, 225)
    assert set(turned) == set(rising)
    for offset, weight in rising.items():
        assert turned[offset] == pytest.approx(weight)


@pytest.mark.parametrize("angle", [0, 12, 45, 77, 90, 130])
@pytest.mark.parametrize("width", [0.4, 1.0, 2.5])
def test_a_stroke_has_its_length_and_width(angle: float, width: float) -> None:
    kernel = line_kernel(40, angle, width)
    offsets = np.array(list(kernel), dtype=np.float64)
    weights = np.array(list(kernel.values()))
    direction = np.array([-math.sin(math.radians(angle)), math.cos(math.radians(angle))])
    variance = np.average((offsets @ direction) ** 2, weights=weights)
    assert math.sqrt(12 * variance) == pytest.approx(40, rel=0.06)
    assert weights.sum() == pytest.approx(40 * width, rel=0.13)
    assert weights.max() <= 1.0


def test_longer_lines_contain_the_shorter() -> None:
    short, long = line_kernel(10, 63), line_kernel(14.5, 63)
    assert all(long[offset] >= weight for offset, weight in short.items())


@pytest.mark.parametrize("radius", [0.3, 0.5, 0.9, 1.5, 2.5, 3.3, 5, 7, 14.9])
def test_a_disk_covers_its_area(radius: float) -> None:
    assert sum(disk_kernel(radius).values()) == pytest.approx(math.pi * radius**2, rel=1e-9)


def test_a_disk_covers_pixels_as_counted_on_a_fine_grid() -> None:
    fine = (np.arange(-550, 550) + 0.5) / 100
    inside = (fine[:, None] ** 2 + fine**2 <= 3.3**2).reshape(11, 100, 11, 100).mean(axis=(1, 3))
    counted = {(down - 5, right - 5): share for (down, right), share in np.ndenumerate(inside) if share}
    disk = disk_kernel(3.3)
    assert set(counted) <= set(disk)
    for offset, share in disk.items():
        assert share == pytest.approx(counted.get(offset, 0.0), abs=2e-3)


def test_points_leave_an_image_as_it_is(image: NDArray[np.float32]) -> None:
    for kernel in (line_kernel(0.6, 30), line_kernel(1, 30), disk_kernel(0.4)):
        np.testing.assert_array_equal(convolve(image, kernel), image)
