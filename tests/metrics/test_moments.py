from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis.extra.numpy import array_shapes, arrays

from fusionbench.contracts import MeasuredImage
from fusionbench_metrics.histogram import histogram, joint_histogram
from fusionbench_metrics.moments import correlation, joint_moments, kept_joint_moments, moments

images = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=12))
pairs = arrays(np.uint8, array_shapes(min_dims=3, max_dims=3, max_side=12).map(lambda s: (2, *s[1:])))


@given(images)
def test_power_sums_are_those_of_a_loop_over_the_pixels(image):
    levels = image.ravel().tolist()
    assert moments(histogram(image)) == (len(levels), sum(levels), sum(level**2 for level in levels))


@given(pairs)
def test_joint_power_sums_are_those_of_a_loop_over_the_pixels(pair):
    first, second = pair
    found = joint_moments(joint_histogram(first, second))
    assert found.first == moments(histogram(first))
    assert found.second == moments(histogram(second))
    couples = list(zip(first.ravel().tolist(), second.ravel().tolist(), strict=True))
    assert found.products == sum(a * b for a, b in couples)
    assert found.squared_error == sum((a - b) ** 2 for a, b in couples)


@given(pairs)
def test_scatter_over_the_squared_pixel_count_is_the_covariance(pair):
    found = joint_moments(joint_histogram(*pair))
    scatter = np.array([[found.first.scatter, found.scatter], [found.scatter, found.second.scatter]])
    expected = np.cov(pair.reshape(2, -1), ddof=0)
    np.testing.assert_allclose(scatter / found.first.pixels**2, expected, rtol=1e-9, atol=1e-9)


def test_sums_of_a_4k_image_are_exact():
    joint = np.zeros((256, 256), np.int64)
    joint[255, 255], joint[255, 254] = 3840 * 2160 - 1, 1
    found = joint_moments(joint.ravel())
    assert found.first.squares == 3840 * 2160 * 255**2
    assert found.products == (3840 * 2160 - 1) * 255**2 + 255 * 254
    assert found.squared_error == 1
    assert found.first.scatter == found.scatter == 0
    assert found.second.scatter == 3840 * 2160 - 1


def test_power_sums_are_computed_once_for_two_images():
    first, second = (MeasuredImage(image, image) for image in np.zeros((2, 3, 4), np.uint8))
    assert kept_joint_moments(first, second) is kept_joint_moments(first, second)


def test_power_sums_of_different_sources_are_kept_apart():
    dark, bright, other = (MeasuredImage(image, image) for image in np.full((3, 2, 2), 7, np.uint8))
    bright.grey[:] = 9
    assert kept_joint_moments(dark, other).first.total == 28
    assert kept_joint_moments(bright, other).first.total == 36


@pytest.mark.parametrize(("first", "second"), [(0, 5), (5, 0), (0, 0)])
def test_nothing_correlates_with_a_constant(first, second):
    assert correlation(0, first, second) == 0.0


@given(images)
def test_an_image_that_is_not_constant_correlates_perfectly_with_itself_and_its_negative(image):
    assume(image.size > 1)
    image.flat[0], image.flat[-1] = 0, 255
    for other, expected in ((image, 1.0), (255 - image, -1.0)):
        found = joint_moments(joint_histogram(image, other))
        value = correlation(found.scatter, found.first.scatter, found.second.scatter)
        assert value == pytest.approx(expected, abs=1e-15)
        assert -1.0 <= value <= 1.0


def test_the_correlation_of_two_almost_constant_bright_images_keeps_all_digits():
    first = np.full((1000, 1000), 255, np.uint8)
    second = first.copy()
    first[0, :2] = 254
    second[0, 1:3] = 254
    # Both have two dark pixels and share one: covariance 1 / n - 4 / n^2, variances 2 / n - 4 / n^2.
    expected = Fraction(10**6 - 4, 2 * 10**6 - 4)
    found = joint_moments(joint_histogram(first, second))
    value = correlation(found.scatter, found.first.scatter, found.second.scatter)
    assert value == pytest.approx(float(expected), rel=1e-15)
