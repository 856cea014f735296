import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from fusionbench.contracts import MeasuredImage, SourceImages
from fusionbench_metrics import fmi
from fusionbench_metrics.fmi import (
    FeatureMutualInformationDct,
    FeatureMutualInformationGradient,
    FeatureMutualInformationPixel,
    cosine_transform,
    feature_mutual_information,
    horizontal_derivative,
)

FEATURES = ("pixel", "gradient", "dct")
each_feature = pytest.mark.parametrize("feature", FEATURES)
images = arrays(np.uint8, (6, 7), elements=st.integers(0, 5))


def window(*places):
    """A 3x3 image whose nine levels, read column by column, are these."""
    return np.array(places, np.uint8).reshape(3, 3).T


def both(fused, source):
    return feature_mutual_information(fused, source, source, "pixel")


def plain_feature(image, feature):
    image = image.astype(np.float64)
    if feature == "gradient":
        return np.gradient(image, axis=1)
    if feature == "dct":
        waves = []
        for side in image.shape:
            frequency, place = np.mgrid[:side, :side]
            wave = np.sqrt(2 / side) * np.cos(np.pi * frequency * (2 * place + 1) / (2 * side))
            wave[0] /= math.sqrt(2)
            waves.append(wave)
        return waves[0] @ image @ waves[1].T
    return image


def plain_entropy(probabilities):
    return -sum(p * math.log2(abs(p)) for p in probabilities if abs(p) > 1e-14)


def plain_distribution(values):
    low, high = min(values), max(values)
    scaled = [1.0 if high == low else (value - low) / (high - low) for value in values]
    return [value / sum(scaled) for value in scaled]


def plain_bound(p, q, negative):
    """Joint probabilities of the Frechet bound, by differences of its distribution function."""

    def distribution_function(i, j):
        first, second = sum(p[:i]), sum(q[:j])
        return max(first + second - 1, 0.0) if negative else min(first, second)

    h = [[distribution_function(i, j) for j in range(10)] for i in range(10)]
    return [[h[i + 1][j + 1] - h[i][j + 1] - h[i + 1][j] + h[i][j] for j in range(9)] for i in range(9)]


def plain_moments(joint):
    """Covariance and both standard deviations of the places under joint probabilities."""
    first = [sum(row) for row in joint]
    second = [sum(column) for column in zip(*joint, strict=True)]
    means = [sum(place * p for place, p in enumerate(each)) for each in (first, second)]
    spreads = [
        math.sqrt(max(0.0, sum((place - mean) ** 2 * p for place, p in enumerate(each))))
        for each, mean in zip((first, second), means, strict=True)
    ]
    covariance = sum(
        joint[i][j] * (i - means[0]) * (j - means[1]) for i in range(len(first)) for j in range(len(second))
    )
    return covariance, *spreads


def plain_window(a, f):
    """One window's value, by the definition."""
    if a == f:
        return 1.0
    p, q = plain_distribution(a), plain_distribution(f)
    entropies = plain_entropy(p) + plain_entropy(q)
    if max(a) == min(a) or max(f) == min(f) or entropies < 1e-12:
        return 0.0
    correlation = np.corrcoef(a, f)[0, 1]
    bound = plain_bound(p, q, correlation < 0)
    covariance, first, second = plain_moments(bound)
    share = 0.0 if abs(covariance) < 1e-12 else correlation * first * second / covariance
    joint = [share * bound[i][j] + (1 - share) * p[i] * q[j] for i in range(9) for j in range(9)]
    return 2 * (entropies - plain_entropy(joint)) / entropies


def plain_information(fused, visible, infrared, feature):
    features = [plain_feature(image, feature) for image in (fused, visible, infrared)]
    values = []
    for top in range(fused.shape[0] - 2):
        for left in range(fused.shape[1] - 2):
            f, a, b = (each[top : top + 3, left : left + 3].T.ravel().tolist() for each in features)
            values += [plain_window(a, f), plain_window(b, f)]
    return sum(values) / len(values)


@each_feature
def test_information_is_that_of_the_definition_window_by_window(feature, scene):
    part = [image[12:36, 22:50] for image in scene]  # some of it saturated
    expected = plain_information(*part, feature)
    assert feature_mutual_information(*part, feature) == pytest.approx(expected, rel=1e-9)


def test_information_of_few_levels_is_that_of_the_definition():
    # Many windows that are constant, equal, or all in one place.
    part = np.random.default_rng(61).binomial(2, 0.05, (3, 20, 30)).astype(np.uint8)
    expected = plain_information(*part, "pixel")
    assert feature_mutual_information(*part, "pixel") == pytest.approx(expected, rel=1e-9)


@each_feature
def test_how_many_windows_are_worked_on_together_changes_nothing(feature, scene, monkeypatch):
    expected = feature_mutual_information(*scene, feature)
    monkeypatch.setattr(fmi, "_WINDOWS_AT_ONCE", 200)
    assert feature_mutual_information(*scene, feature) == pytest.approx(expected, rel=1e-12)


def test_half_the_probability_in_either_of_two_places_by_hand():
    # Correlation -2/7 of the nine values; under the lower bound the places 0, 1 and 7, 8 correlate with -1.
    expected = 2 + 2 * (9 / 28 * math.log2(9 / 28) + 5 / 28 * math.log2(5 / 28))
    value = both(window(0, 0, 0, 0, 0, 0, 0, 1, 1), window(1, 1, 0, 0, 0, 0, 0, 0, 0))
    assert value == pytest.approx(expected, rel=1e-12)


def test_a_correlation_no_joint_distribution_can_have_goes_beyond_the_bound_by_hand():
    # The values correlate with sqrt(7/8), the places under the upper bound with sqrt(1/2) only.
    share = math.sqrt(7 / 8) / math.sqrt(1 / 2)
    bound = {(0, 0): 1 / 2, (0, 1): 1 / 6, (1, 0): 0.0, (1, 1): 1 / 3}
    p, q = (2 / 3, 1 / 3), (1 / 2, 1 / 2)
    joint = [share * bound[i, j] + (1 - share) * p[i] * q[j] for i in range(2) for j in range(2)]
    assert min(joint) < 0
    marginals = math.log2(3) - 2 / 3 + 1
    expected = 2 * (marginals + sum(x * math.log2(abs(x)) for x in joint)) / marginals
    value = both(window(2, 1, 0, 0, 0, 0, 0, 0, 0), window(2, 2, 0, 0, 0, 0, 0, 0, 0))
    assert value == pytest.approx(expected, rel=1e-12)


def test_windows_are_read_column_by_column():
    fused, source = [2, 1, 0, 1, 0, 0, 0, 0, 0], [1, 2, 0, 3, 0, 0, 0, 0, 0]
    by_columns = both(window(*fused), window(*source))
    by_rows = both(window(*fused).T, window(*source).T)
    assert by_columns == pytest.approx(plain_window(fused, source), rel=1e-12)
    assert by_columns != pytest.approx(by_rows, rel=1e-3)


@each_feature
@settings(max_examples=25)
@given(image=arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, min_side=3, max_side=12)))
def test_three_equal_images_have_information_one(feature, image):
    assert feature_mutual_information(image, image, image, feature) == 1.0


@each_feature
@settings(max_examples=50)
@given(fused=images, visible=images, infrared=images)
def test_the_order_of_the_sources_does_not_matter(feature, fused, visible, infrared):
    value = feature_mutual_information(fused, visible, infrared, feature)
    swapped = feature_mutual_information(fused, infrared, visible, feature)
    assert swapped == pytest.approx(value, rel=1e-12)


def test_brightness_and_contrast_alone_lose_no_information():
    source = np.random.default_rng(62).integers(0, 100, (12, 15), dtype=np.uint8)
    for feature in ("pixel", "gradient"):
        changed = feature_mutual_information(2 * source + 7, source, source, feature)
        assert changed == pytest.approx(1.0, rel=1e-12)


@each_feature
def test_a_constant_fused_image_shares_nothing_with_a_texture(feature):
    texture = np.random.default_rng(63).integers(0, 256, (40, 52), dtype=np.uint8)
    assert feature_mutual_information(np.full_like(texture, 90), texture, texture, feature) < 1e-3


def test_two_constant_windows_are_the_same_only_at_the_same_level():
    assert both(window(*[4] * 9), window(*[4] * 9)) == 1.0
    assert both(window(*[4] * 9), window(*[5] * 9)) == pytest.approx(0.0, abs=1e-12)


def test_windows_all_in_one_place_are_the_same_only_if_equal():
    peak = window(0, 0, 9, 0, 0, 0, 0, 0, 0)
    assert both(peak, peak) == 1.0
    assert both(peak, window(0, 0, 0, 9, 0, 0, 0, 0, 0)) == 0.0
    assert both(peak, 2 * peak) == 0.0


def test_a_copy_of_a_source_has_half_of_what_the_sources_share_and_a_half(scene):
    _, visible, infrared = scene
    shared = feature_mutual_information(visible, infrared, infrared, "pixel")
    copy = feature_mutual_information(visible, visible, infrared, "pixel")
    assert copy == pytest.approx((1 + shared) / 2, rel=1e-12)


def test_gradients_are_those_of_numpy(scene):
    image = scene[0].astype(np.float64)
    np.testing.assert_array_equal(horizontal_derivative(scene[0]), np.gradient(image, axis=1))


def test_cosine_coefficients_are_those_of_the_matrix_product_and_rounding_errors_are_zero(scene):
    np.testing.assert_allclose(cosine_transform(scene[0]), plain_feature(scene[0], "dct"), atol=1e-9)
    flat = np.full((48, 75), 200, np.uint8)
    assert np.count_nonzero(cosine_transform(flat)) == 1


@pytest.mark.parametrize(
    ("metric", "feature"),
    [
        (FeatureMutualInformationPixel(), "pixel"),
        (FeatureMutualInformationGradient(), "gradient"),
        (FeatureMutualInformationDct(), "dct"),
    ],
)
def test_features_kept_for_another_metric_are_not_mistaken(metric, feature, scene):
    fused, visible, infrared = (MeasuredImage(image, image) for image in scene)
    sources = SourceImages(visible, infrared)
    for other in (
        FeatureMutualInformationGradient(),
        FeatureMutualInformationDct(),
        FeatureMutualInformationPixel(),
    ):
        other.measure(fused, sources)
    assert metric.measure(fused, sources) == feature_mutual_information(*scene, feature)
    assert metric.card.name == f"fmi_{feature}"
