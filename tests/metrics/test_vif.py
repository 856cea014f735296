import math

import numpy as np
import piq
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage, signal

from fusionbench.contracts import MeasuredImage, SourceImages
from fusionbench_metrics.gaussian_window import gaussian_taps
from fusionbench_metrics.vif import (
    MINIMUM_SIZE,
    PIXEL_DOMAIN,
    Scales,
    measured_fidelity,
    visual_information_fidelity,
)

TEXTURE = np.random.default_rng(8).integers(64, 160, (60, 72), dtype=np.uint8)


def plain_fidelity(source, fused):
    """VIFp with full two-dimensional windows by scipy, at every position, one expression a quantity."""
    source, fused = source.astype(np.float64), fused.astype(np.float64)
    passed = contained = 0.0
    for scale in range(4):
        size = 2 ** (4 - scale) + 1
        impulse = np.zeros((size, size))
        impulse[size // 2, size // 2] = 1
        window = ndimage.gaussian_filter(impulse, size / 5, radius=size // 2, mode="constant")
        window /= window.sum()

        def mean(image, window=window):
            return signal.convolve2d(image, window, mode="valid")

        if scale > 0:
            source, fused = mean(source)[::2, ::2], mean(fused)[::2, ::2]
        source_variance = np.maximum(mean(source**2) - mean(source) ** 2, 0)
        fused_variance = np.maximum(mean(fused**2) - mean(fused) ** 2, 0)
        gain = (mean(source * fused) - mean(source) * mean(fused)) / (source_variance + 1e-10)
        distortion = fused_variance - gain * gain * (source_variance + 1e-10)
        gain[source_variance < 1e-10] = 0
        gain[fused_variance < 1e-10] = 0
        gain = np.maximum(gain, 0)
        passed += np.sum(np.log10(1 + gain**2 * source_variance / (np.maximum(distortion, 1e-10) + 2)))
        contained += np.sum(np.log10(1 + source_variance / 2))
    return passed / contained


def test_fidelity_is_that_of_a_plain_two_dimensional_formulation(scene):
    fused, visible, infrared = scene
    expected = plain_fidelity(visible, fused) + plain_fidelity(infrared, fused)
    assert visual_information_fidelity(fused, visible, infrared) == pytest.approx(expected, rel=1e-9)


def test_fidelity_of_an_image_in_many_bands_is_that_of_a_plain_formulation():
    random = np.random.default_rng(9)
    source = ndimage.uniform_filter(random.integers(0, 256, (150, 900)), 5).astype(np.uint8)
    fused = np.clip(source + random.normal(0, 4, source.shape), 0, 255).astype(np.uint8)
    ours = visual_information_fidelity(fused, source, source)
    assert ours == pytest.approx(2 * plain_fidelity(source, fused), rel=1e-9)


def test_fidelity_is_that_of_piq_up_to_its_other_epsilon(scene):
    fused, visible, infrared = (torch.from_numpy(image)[None, None].double() for image in scene)
    expected = sum(
        float(piq.vif_p(fused, source, data_range=255, sigma_n_sq=2.0)) for source in (visible, infrared)
    )
    assert visual_information_fidelity(*scene) == pytest.approx(expected, rel=1e-4)


@settings(max_examples=20)
@given(st.integers(MINIMUM_SIZE, 70), st.integers(MINIMUM_SIZE, 70), st.integers(0, 2**32 - 1))
def test_three_equal_images_have_fidelity_two(height, width, seed):
    image = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    assert visual_information_fidelity(image, image, image) == pytest.approx(2.0, abs=1e-9)


@settings(max_examples=20)
@given(*[arrays(np.uint8, (43, 48), fill=st.just(90))] * 3)
def test_swapping_the_sources_changes_nothing(fused, visible, infrared):
    swapped = visual_information_fidelity(fused, infrared, visible)
    assert swapped == pytest.approx(visual_information_fidelity(fused, visible, infrared), rel=1e-14)


def test_transposing_or_inverting_all_images_changes_nothing(scene):
    expected = visual_information_fidelity(*scene)
    assert visual_information_fidelity(*(image.T for image in scene)) == pytest.approx(expected, rel=1e-10)
    assert visual_information_fidelity(*(255 - image for image in scene)) == pytest.approx(expected, rel=1e-8)


def test_brightness_alone_loses_nothing():
    brighter = TEXTURE + np.uint8(60)
    assert visual_information_fidelity(brighter, TEXTURE, TEXTURE) == pytest.approx(2.0, abs=1e-8)


def test_more_contrast_than_the_sources_gives_more_than_two():
    doubled = 2 * (TEXTURE - np.uint8(64))
    assert visual_information_fidelity(doubled, TEXTURE, TEXTURE) > 2.1


def test_a_constant_fused_image_passes_nothing():
    assert visual_information_fidelity(np.full_like(TEXTURE, 90), TEXTURE, TEXTURE) == 0.0


def test_the_negative_of_a_texture_passes_nothing():
    assert visual_information_fidelity(255 - TEXTURE, TEXTURE, TEXTURE) == pytest.approx(0.0, abs=1e-3)


def test_a_constant_source_counts_as_one_at_every_level():
    alone = visual_information_fidelity(TEXTURE, TEXTURE, TEXTURE) / 2
    for level in range(256):
        flat = np.full_like(TEXTURE, level)
        assert visual_information_fidelity(TEXTURE, TEXTURE, flat) == alone + 1.0


def test_two_constant_sources_count_as_two():
    flat = np.full_like(TEXTURE, 255)
    assert visual_information_fidelity(TEXTURE, flat, flat) == 2.0


def test_the_minimum_size_is_what_four_scales_of_whole_windows_need():
    def windows_left(side):
        for scale, size in enumerate((17, 9, 5, 3)):
            if scale > 0:
                side = math.ceil((side - size + 1) / 2)
            if side < size:
                return 0
        return side - 2

    assert windows_left(MINIMUM_SIZE) == 1
    assert windows_left(MINIMUM_SIZE - 1) == 0


def test_windows_over_the_border_see_zeros_there_at_every_scale():
    taps = (np.array([0.25, 0.45, 0.3]), gaussian_taps(3, 0.6))
    source, fused = TEXTURE[:13, :16].astype(np.float64), TEXTURE[5:18, 3:19].astype(np.float64)
    passed = contained = 0.0
    for scale, each in enumerate(taps):
        window = np.outer(each, each)

        def mean(image, window=window):
            return signal.correlate2d(image, window, mode="same")

        if scale > 0:
            source, fused = mean(source)[::2, ::2], mean(fused)[::2, ::2]
        variance = mean(source**2) - mean(source) ** 2
        covariance = np.maximum(mean(source * fused) - mean(source) * mean(fused), 0)
        distortion = mean(fused**2) - mean(fused) ** 2 - covariance**2 / variance
        passed += np.sum(np.log(1 + covariance**2 / variance / (distortion + 2)))
        contained += np.sum(np.log(1 + variance / 2))
    images = (TEXTURE[5:18, 3:19], TEXTURE[:13, :16], TEXTURE[:13, :16])
    ours = visual_information_fidelity(*images, Scales(taps, "zero"))
    assert ours == pytest.approx(2 * passed / contained, rel=1e-9)


def test_logarithms_of_products_are_sums_of_logarithms_however_strong_the_signal():
    stripes = np.tile(np.array([0, 0, 255, 255], np.uint8), (300, 20))
    assert visual_information_fidelity(stripes, stripes, stripes) == pytest.approx(2.0, abs=1e-9)
    plain = plain_fidelity(stripes, np.roll(stripes, 1, axis=1))
    ours = visual_information_fidelity(np.roll(stripes, 1, axis=1), stripes, stripes)
    assert ours == pytest.approx(2 * plain, rel=1e-9)


def test_other_scales_do_not_disturb_what_is_kept(scene):
    fused, visible, infrared = scene
    image = MeasuredImage(fused, fused)
    sources = SourceImages(MeasuredImage(visible, visible), MeasuredImage(infrared, infrared))
    over_the_border = Scales(PIXEL_DOMAIN.taps, "zero")
    other = measured_fidelity(image, sources, over_the_border)
    assert measured_fidelity(image, sources) == visual_information_fidelity(*scene) != other
