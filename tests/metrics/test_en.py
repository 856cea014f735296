import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import stats

from fusionbench_metrics.en import entropy

images = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=24))


@given(images)
def test_entropy_is_that_of_scipy(image):
    assert entropy(image) == pytest.approx(stats.entropy(np.bincount(image.ravel()), base=2), abs=1e-12)


def test_all_256_levels_equally_often_have_8_bits():
    assert entropy(np.arange(256, dtype=np.uint8).reshape(16, 16)) == 8.0


@pytest.mark.parametrize("levels", [2, 4, 32])
def test_a_power_of_two_of_equal_levels_has_its_logarithm_of_bits(levels):
    image = (np.arange(1024) % levels).astype(np.uint8).reshape(32, 32)
    assert entropy(image) == np.log2(levels)


@pytest.mark.parametrize("level", [0, 7, 255])
def test_a_constant_image_has_no_entropy(level):
    assert entropy(np.full((5, 9), level, np.uint8)) == 0.0


@given(images, st.permutations(range(256)))
def test_renaming_the_grey_levels_changes_nothing(image, names):
    renamed = np.array(names, dtype=np.uint8)[image]
    assert entropy(renamed) == pytest.approx(entropy(image), abs=1e-12)


@given(images, st.randoms(use_true_random=False))
def test_moving_pixels_around_changes_nothing(image, random):
    order = list(range(image.size))
    random.shuffle(order)
    assert entropy(image.ravel()[order].reshape(image.shape)) == entropy(image)
