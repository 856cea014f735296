import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from fusionbench.contracts import MeasuredImage, SourceImages
from fusionbench_metrics.local_similarity import SimilarityIndex
from fusionbench_metrics.qy import YangIndex, yang_index

SIDE = 7
TEXTURE = np.random.default_rng(35).integers(0, 256, (20, 24), dtype=np.uint8)


def gaussian():
    rows, columns = np.mgrid[-3:4, -3:4]
    window = np.exp(-(rows**2 + columns**2) / (2 * 1.5**2))
    return window / window.sum()


def variance(patch, window):
    return 0.0 if np.ptp(patch) == 0 else (window * (patch - (window * patch).sum()) ** 2).sum()


def similarity(first, second, window):
    """Wang and Bovik's index without constants, and what their limit towards zero gives for 0 / 0."""
    means = (window * first).sum(), (window * second).sum()
    variances = variance(first, window), variance(second, window)
    if not any(variances):
        structure = 1.0
    elif not all(variances):
        structure = 0.0
    else:
        structure = 2 * (window * (first - means[0]) * (second - means[1])).sum() / sum(variances)
    luminance = 1.0 if not any(means) else 2 * means[0] * means[1] / (means[0] ** 2 + means[1] ** 2)
    return luminance * structure


def plain_index(fused, visible, infrared):
    window = gaussian()
    qualities = []
    for top, left in itertools.product(*(range(side - SIDE + 1) for side in fused.shape)):
        seen = np.s_[top : top + SIDE, left : left + SIDE]
        patch, first, second = (image[seen].astype(np.float64) for image in (fused, visible, infrared))
        to_first, to_second = similarity(first, patch, window), similarity(second, patch, window)
        variances = variance(first, window), variance(second, window)
        share = variances[0] / sum(variances) if any(variances) else 0.5
        if similarity(first, second, window) >= 0.75:
            qualities.append(share * to_first + (1 - share) * to_second)
        else:
            qualities.append(max(to_first, to_second))
    return np.mean(qualities)


def test_the_index_is_that_of_a_loop_over_windows(scene):
    assert yang_index(*scene) == pytest.approx(plain_index(*scene), rel=1e-9)


def test_the_index_is_that_of_a_loop_over_windows_where_the_sources_agree(scene):
    fused, visible, _ = scene
    similar = (visible // 8 * 8).astype(np.uint8)
    assert yang_index(fused, visible, similar) == pytest.approx(
        plain_index(fused, visible, similar), rel=1e-9
    )


def test_three_equal_images_have_one():
    assert yang_index(TEXTURE, TEXTURE, TEXTURE) == pytest.approx(1.0, abs=1e-12)


def test_swapping_the_sources_changes_nothing(scene):
    fused, visible, infrared = scene
    there = yang_index(fused, visible, infrared)
    assert yang_index(fused, infrared, visible) == pytest.approx(there, rel=1e-12)


@settings(max_examples=30)
@given(arrays(np.uint8, (9, 11)), arrays(np.uint8, (9, 11)))
def test_a_copy_of_either_source_has_at_least_three_quarters(visible, infrared):
    assert yang_index(visible, visible, infrared) >= 0.75 - 1e-12
    assert yang_index(infrared, visible, infrared) >= 0.75 - 1e-12


def test_a_copy_of_a_source_has_one_where_the_sources_are_nowhere_similar():
    assert yang_index(TEXTURE, TEXTURE, 255 - TEXTURE) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("level", [0, 17, 255])
def test_three_equal_constants_have_one(level):
    flat = np.full_like(TEXTURE, level)
    assert yang_index(flat, flat, flat) == 1.0


def test_constants_are_compared_by_luminance():
    dark, bright = np.full_like(TEXTURE, 60), np.full_like(TEXTURE, 180)
    luminance = 2 * 60 * 180 / (60**2 + 180**2)
    assert luminance < 0.75
    assert yang_index(dark, dark, bright) == pytest.approx(1.0, abs=1e-12)
    assert yang_index(dark, bright, bright) == pytest.approx(luminance, rel=1e-12)


def test_similar_constants_count_by_half():
    first, second = np.full_like(TEXTURE, 100), np.full_like(TEXTURE, 110)
    luminance = 2 * 100 * 110 / (100**2 + 110**2)
    assert luminance > 0.75
    assert yang_index(first, first, second) == pytest.approx((1 + luminance) / 2, rel=1e-12)


@pytest.mark.parametrize("level", [1, 3, 99, 251, 254])
def test_a_constant_beside_textures_is_similar_by_nothing(level):
    # Rounding errors of a constant's variance, beside constants of 2e-16, would make this anything.
    assert yang_index(np.full_like(TEXTURE, level), TEXTURE, TEXTURE) == pytest.approx(0.0, abs=1e-12)


def test_other_constants_and_border_count(scene):
    other = SimilarityIndex(size=7, luminance_constant=1e-4, contrast_constant=9e-4, border="zero")
    padded = [np.pad(image, 3) for image in scene]
    inside = SimilarityIndex(size=7, luminance_constant=1e-4, contrast_constant=9e-4)
    assert yang_index(*scene, other) == yang_index(*padded, inside)
    assert yang_index(*scene, other) != yang_index(*scene, inside)


def test_what_another_image_kept_of_the_sources_gives_the_same_value(scene):
    fused, visible, infrared = scene
    sources = SourceImages(MeasuredImage(visible, visible), MeasuredImage(infrared, infrared))
    YangIndex().measure(MeasuredImage(visible, visible), sources)
    value = YangIndex().measure(MeasuredImage(fused, fused), sources)
    assert value == yang_index(*scene)
    assert math.isfinite(value)
