import numpy as np
import pytest

from fusionbench.contracts import MeasuredImage
from fusionbench_metrics.half_scales import halved, scale_views, smallest_side


def test_halving_averages_two_by_two_pixels():
    image = np.array([[0, 1, 10, 20], [2, 4, 30, 41]], np.uint8)
    np.testing.assert_array_equal(halved(image), [[7 / 4, 101 / 4]])


def test_bright_pixels_do_not_overflow():
    assert halved(np.full((2, 2), 255, np.uint8)) == 255


def test_the_last_row_and_column_of_an_odd_size_are_averaged_with_themselves():
    image = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]], np.uint8)
    np.testing.assert_array_equal(halved(image), [[3, 4.5], [7.5, 9]])


def test_each_scale_halves_the_one_before():
    image = np.random.default_rng(1).integers(0, 256, (37, 50), dtype=np.uint8)
    measured = MeasuredImage(image, image)
    full, half, quarter = (view(measured) for view in scale_views(3))
    np.testing.assert_array_equal(full, image)
    np.testing.assert_array_equal(half, halved(image))
    np.testing.assert_array_equal(quarter, halved(halved(image)))


def test_a_scale_is_computed_once():
    measured = MeasuredImage(np.zeros((8, 8), np.uint8), np.zeros((8, 8), np.uint8))
    assert scale_views(3)[2](measured) is scale_views(5)[2](measured)


@pytest.mark.parametrize(("at_last_scale", "scales"), [(11, 5), (11, 3), (3, 4), (7, 1)])
def test_the_smallest_side_is_the_first_that_leaves_enough(at_last_scale, scales):
    def left(side):
        for _ in range(scales - 1):
            side = -(-side // 2)
        return side

    smallest = smallest_side(at_last_scale, scales)
    assert left(smallest) == at_last_scale
    assert left(smallest - 1) < at_last_scale
