import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from fusionbench_metrics.mi import mutual_information
from fusionbench_metrics.qncie import INDEPENDENT, correlation_information, nonlinear_correlation

SHAPE = (12, 9)
images = arrays(np.uint8, SHAPE)
few_levels = arrays(np.uint8, SHAPE, elements={"max_value": 3})
FLAT = np.full(SHAPE, 77, np.uint8)
EVERY_LEVEL = np.arange(256, dtype=np.uint8).reshape(16, 16)


def by_characteristic_polynomial(a, b, c):
    """1 minus the entropy, base 256, of the thirds of the roots of det(R - x) for unit diagonal."""
    squares = a * a + b * b + c * c
    roots = np.roots([1, -3, 3 - squares, -(1 + 2 * a * b * c - squares)]).real
    return 1 - stats.entropy(np.maximum(roots, 0), base=256)


def bits_between(first, second):
    return mutual_information(first, second, second) / 2


@given(few_levels, few_levels, images)
def test_value_is_that_of_the_roots_of_the_characteristic_polynomial(fused, visible, infrared):
    couples = ((visible, infrared), (visible, fused), (infrared, fused))
    expected = by_characteristic_polynomial(*(bits_between(*couple) / 8 for couple in couples))
    assert nonlinear_correlation(fused, visible, infrared) == pytest.approx(expected, abs=1e-7)


def test_value_of_a_copy_of_one_source_without_relation_to_the_other():
    # Correlation 1 with one source and 0 with the other: the eigenvalues are 2, 1 and 0.
    flat = np.zeros_like(EVERY_LEVEL)
    expected = 1 - stats.entropy([2, 1], base=256)
    assert nonlinear_correlation(EVERY_LEVEL, EVERY_LEVEL, flat) == pytest.approx(expected, rel=1e-14)


def test_three_equal_images_with_every_level_have_one():
    assert nonlinear_correlation(EVERY_LEVEL, EVERY_LEVEL, EVERY_LEVEL) == pytest.approx(1.0, abs=1e-12)


def test_three_equal_images_of_one_bit_correlate_by_an_eighth():
    image = np.array([[0, 1], [1, 0]], np.uint8)
    assert nonlinear_correlation(image, image, image) == correlation_information(1 / 8, 1 / 8, 1 / 8)


def test_images_that_tell_nothing_about_each_other_have_the_least():
    assert nonlinear_correlation(FLAT, FLAT, FLAT) == INDEPENDENT
    assert pytest.approx(1 - np.log(3) / np.log(256), rel=1e-15) == INDEPENDENT


@given(images, images, images)
def test_the_value_lies_in_the_range_on_the_card(fused, visible, infrared):
    assert INDEPENDENT <= nonlinear_correlation(fused, visible, infrared) <= 1.0


@given(images, images)
def test_a_constant_fused_image_leaves_what_the_sources_share(visible, infrared):
    shared = bits_between(visible, infrared) / 8
    expected = correlation_information(shared, 0.0, 0.0)
    assert nonlinear_correlation(FLAT, visible, infrared) == pytest.approx(expected, rel=1e-14)


@given(few_levels, images, images)
def test_the_order_of_the_three_images_does_not_matter(fused, visible, infrared):
    expected = nonlinear_correlation(fused, visible, infrared)
    assert nonlinear_correlation(fused, infrared, visible) == pytest.approx(expected, rel=1e-14)
    assert nonlinear_correlation(visible, fused, infrared) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("sign", [1, -1])
def test_perfect_linear_correlation_of_either_sign_leaves_no_freedom(sign):
    assert correlation_information(sign, sign, 1.0) == pytest.approx(1.0, abs=1e-12)


@given(st.floats(-1, 1))
def test_one_correlated_couple_has_one_plus_and_one_minus_its_correlation(r):
    expected = 1 - stats.entropy([1 + r, 1 - r, 1], base=256)
    assert correlation_information(r, 0.0, 0.0) == pytest.approx(expected, abs=1e-12)
