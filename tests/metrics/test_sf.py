import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays

from fusionbench_metrics.sf import spatial_frequency, squared_differences

images = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=24))


@given(images)
def test_frequency_is_that_of_numpy_differences(image):
    plain = image.astype(np.float64)
    squares = [np.mean(np.diff(plain, axis=axis) ** 2) for axis in (0, 1)]
    assert spatial_frequency(image) == pytest.approx(math.sqrt(sum(squares)), rel=1e-12, abs=1e-12)


def test_a_checkerboard_of_black_and_white_reaches_the_most_there_is():
    board = (255 * (np.indices((8, 8)).sum(axis=0) % 2)).astype(np.uint8)
    assert spatial_frequency(board) == pytest.approx(255 * math.sqrt(2), rel=1e-15)


def test_a_ramp_of_step_3_has_frequency_3():
    ramp = np.tile(3 * np.arange(20, dtype=np.uint8), (5, 1))
    assert spatial_frequency(ramp) == 3.0


def test_a_constant_image_has_none():
    assert spatial_frequency(np.full((9, 4), 200, np.uint8)) == 0.0


@given(images)
def test_transposing_mirroring_and_inverting_change_nothing(image):
    expected = spatial_frequency(image)
    for other in (image.T, image[::-1], image[:, ::-1], 255 - image):
        assert spatial_frequency(other) == pytest.approx(expected, rel=1e-15)


@given(images)
def test_squared_differences_are_those_of_a_loop_over_neighbours(image):
    rows = image.tolist()
    horizontal = sum((b - a) ** 2 for row in rows for a, b in itertools.pairwise(row))
    vertical = sum((b - a) ** 2 for column in zip(*rows, strict=True) for a, b in itertools.pairwise(column))
    assert squared_differences(image) == (horizontal, vertical)


def test_frequency_of_an_image_in_many_bands_is_that_of_numpy_differences():
    image = np.random.default_rng(36).integers(0, 256, (211, 1203), dtype=np.uint8)
    expected = tuple((np.diff(image.astype(np.int64), axis=axis) ** 2).sum() for axis in (1, 0))
    assert squared_differences(image) == expected
