import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays

from fusionbench_metrics.sd import standard_deviation

images = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=24))


@given(images)
def test_deviation_is_that_of_numpy_in_float64(image):
    assert standard_deviation(image) == pytest.approx(image.astype(np.float64).std(), rel=1e-12, abs=1e-12)


def test_half_black_half_white_has_127_and_a_half_levels():
    assert standard_deviation(np.array([[0, 255], [255, 0]], np.uint8)) == 127.5


@pytest.mark.parametrize("level", [0, 99, 255])
def test_a_constant_image_has_exactly_none(level):
    assert standard_deviation(np.full((7, 3), level, np.uint8)) == 0.0


@given(images)
def test_the_negative_has_the_same_deviation(image):
    assert standard_deviation(255 - image) == standard_deviation(image)


@given(arrays(np.uint8, (6, 8), elements={"max_value": 127}))
def test_twice_the_levels_have_twice_the_deviation(image):
    assert standard_deviation(2 * image) == pytest.approx(2 * standard_deviation(image), rel=1e-14)
