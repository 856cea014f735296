from __future__ import annotations

import numpy as np
import pytest

from fusionbench_methods.fpde import FourthOrderFusion, fourth_order_fusion, second_derivative, smoothed
from tests.methods.vifb_reference import largest_difference


def test_a_second_derivative_is_a_central_difference_over_two_pixels():
    image = np.random.default_rng(4).random((9, 7))
    inner = (image[4:] - 2 * image[2:-2] + image[:-4]) / 4
    np.testing.assert_allclose(second_derivative(image, 0)[2:-2], inner, atol=1e-15)
    np.testing.assert_allclose(second_derivative(image.T, 1)[:, 2:-2], inner.T, atol=1e-15)


def test_a_plane_has_no_second_derivative_up_to_the_border():
    rows, columns = np.mgrid[:9, :7]
    for axis in (0, 1):
        np.testing.assert_allclose(second_derivative(0.1 * rows - 0.3 * columns, axis), 0, atol=1e-15)


def test_a_plane_is_only_rounded():
    rows, columns = np.mgrid[:20, :30]
    plane = (20.07 + 3.3 * rows + 2.6 * columns) / 255
    np.testing.assert_allclose(255 * smoothed(plane), np.rint(255 * plane), atol=1e-9)


def test_noise_on_a_plane_is_reduced():
    rows, columns = np.mgrid[:40, :50]
    plane = (60 + rows + columns) / 255
    noise = np.random.default_rng(5).normal(0, 2 / 255, plane.shape)
    left = (smoothed(plane + noise) - plane)[4:-4, 4:-4]
    assert left.std() < noise.std() / 1.5


def test_what_float32_leaves_of_8_bits_changes_nothing():
    levels = np.random.default_rng(6).integers(0, 256, (40, 50))
    exact, short = levels / 255, (levels.astype(np.float32) / np.float32(255)).astype(np.float64)
    np.testing.assert_array_equal(smoothed(short), smoothed(exact))


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 2), (3, 5), (17, 23)], ids=str)
def test_two_equal_images_give_that_image(size, textured_pair):
    image = textured_pair[0][: size[0], : size[1]]
    np.testing.assert_allclose(fourth_order_fusion(image, image), image, atol=1e-12)


def test_two_flat_images_give_their_mean():
    fused = fourth_order_fusion(np.full((20, 30), 0.2), np.full((20, 30), 0.6))
    np.testing.assert_allclose(fused, 0.4, atol=1e-12)


def test_the_output_is_that_of_the_benchmark_vifb_on_a_real_pair(shared):
    assert largest_difference(shared, FourthOrderFusion()) < 1e-4
