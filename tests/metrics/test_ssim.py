import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage
from skimage.metrics import structural_similarity as skimage_similarity

from fusionbench.contracts import MeasuredImage, SourceImages
from fusionbench_metrics.local_similarity import WANG, SimilarityIndex
from fusionbench_metrics.ssim import C1, C2, measured_similarity, structural_similarity

SHAPE = (17, 13)
images = arrays(np.uint8, SHAPE)


def by_skimage(first, second):
    return skimage_similarity(
        first, second, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
    )


def test_similarity_is_that_of_scikit_image(scene):
    fused, visible, infrared = scene
    expected = (by_skimage(visible, fused) + by_skimage(infrared, fused)) / 2
    assert structural_similarity(fused, visible, infrared) == pytest.approx(expected, rel=1e-12)


@settings(max_examples=30)
@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, min_side=11, max_side=30)))
def test_similarity_is_that_of_scikit_image_for_any_size(image):
    mirrored = np.ascontiguousarray(image[:, ::-1])
    ours = structural_similarity(image, mirrored, mirrored)
    assert ours == pytest.approx(by_skimage(image, mirrored), abs=1e-12)


def test_similarity_of_an_image_in_many_bands_is_that_of_scikit_image():
    random = np.random.default_rng(6)
    first, second = random.integers(0, 256, (2, 211, 1203), dtype=np.uint8)
    ours = structural_similarity(first, second, second)
    assert ours == pytest.approx(by_skimage(first, second), abs=1e-12)


@given(images)
def test_three_equal_images_have_similarity_one(image):
    assert structural_similarity(image, image, image) == pytest.approx(1.0, abs=1e-12)


@given(images, images, images)
def test_swapping_the_sources_changes_nothing(fused, visible, infrared):
    swapped = structural_similarity(fused, infrared, visible)
    assert swapped == pytest.approx(structural_similarity(fused, visible, infrared), abs=1e-14)


@given(images, images)
def test_similarity_is_symmetric_in_fused_and_source(first, second):
    there, back = structural_similarity(first, second, second), structural_similarity(second, first, first)
    assert there == pytest.approx(back, abs=1e-12)


@given(images, images, images)
def test_mirroring_or_transposing_all_images_changes_nothing(fused, visible, infrared):
    expected = structural_similarity(fused, visible, infrared)
    for change in (np.flipud, np.fliplr, np.transpose):
        changed = structural_similarity(change(fused), change(visible), change(infrared))
        assert changed == pytest.approx(expected, abs=1e-12)


def test_two_constant_images_differ_by_their_luminance_alone():
    dark, bright = np.full(SHAPE, 50, np.uint8), np.full(SHAPE, 200, np.uint8)
    expected = (2 * 50 * 200 + C1) / (50**2 + 200**2 + C1)
    assert structural_similarity(dark, bright, bright) == pytest.approx(expected, rel=1e-9)


def test_the_negative_of_a_texture_has_negative_similarity():
    texture = np.random.default_rng(7).integers(100, 156, (40, 40), dtype=np.uint8)
    assert structural_similarity(255 - texture, texture, texture) < -0.5


UNIFORM = SimilarityIndex(size=7, sigma=math.inf, sample_variance=True)


@pytest.mark.parametrize("full_range", [1, 2, 255])
def test_plain_windows_with_sample_variances_are_those_scikit_image_takes_by_default(scene, full_range):
    fused, visible, infrared = (image.astype(np.float64) for image in scene)
    expected = sum(skimage_similarity(source, fused, data_range=full_range) for source in (visible, infrared))
    ours = 2 * structural_similarity(*scene, UNIFORM.over_range(full_range))
    assert ours == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(("border", "mode"), [("replicate", "nearest"), ("zero", "constant")])
def test_windows_over_the_border_are_those_of_filters_that_reach_over_it(scene, border, mode):
    def mean(image):
        return ndimage.gaussian_filter(image, 1.5, radius=5, mode=mode)

    def plain(first, second):
        mean_first, mean_second = mean(first), mean(second)
        variances = mean(first**2) - mean_first**2 + mean(second**2) - mean_second**2
        covariance = mean(first * second) - mean_first * mean_second
        luminance = (2 * mean_first * mean_second + C1) / (mean_first**2 + mean_second**2 + C1)
        return np.mean(luminance * (2 * covariance + C2) / (variances + C2))

    fused, visible, infrared = (image.astype(np.float64) for image in scene)
    expected = (plain(fused, visible) + plain(fused, infrared)) / 2
    assert structural_similarity(*scene, replace(WANG, border=border)) == pytest.approx(expected, rel=1e-10)


def test_windows_over_the_border_need_no_minimum_size():
    pixel = np.full((1, 1), 9, np.uint8)
    assert structural_similarity(pixel, pixel, pixel, replace(WANG, border="replicate")) == 1.0


def test_what_another_index_kept_does_not_change_the_value(scene):
    fused, visible, infrared = scene
    image = MeasuredImage(fused, fused)
    sources = SourceImages(MeasuredImage(visible, visible), MeasuredImage(infrared, infrared))
    measured_similarity(image, sources, UNIFORM)
    measured_similarity(image, sources, WANG.over_range(1))
    assert measured_similarity(image, sources) == structural_similarity(*scene)
    assert measured_similarity(image, sources, UNIFORM) == structural_similarity(*scene, UNIFORM)
