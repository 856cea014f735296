import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import signal

from fusionbench_metrics.contrast_sensitivity import stretched
from fusionbench_metrics.qcb import chen_blum, masked_contrast

TEXTURE = np.random.default_rng(41).integers(0, 256, (40, 52), dtype=np.uint8)
OTHER = np.random.default_rng(42).integers(0, 256, (40, 52), dtype=np.uint8)


def frequencies(length):
    """From -1, of the Nyquist frequency, to almost 1."""
    return 2 * np.fft.fftshift(np.fft.fftfreq(length))


def plain_contrast(image):
    """Every step as the paper has it, in two dimensions and with the whole complex spectrum."""
    levels = np.floor((image - image.min()) / np.ptp(image) * 255 + 0.5)
    rows, columns = image.shape
    u, v = np.meshgrid(frequencies(columns) * columns / 30, frequencies(rows) * rows / 30)
    r = np.sqrt(u**2 + v**2)
    sensitivity = np.exp(-((r / 15.3870) ** 2)) - 0.7622 * np.exp(-((r / 1.3456) ** 2))
    spectrum = np.fft.fftshift(np.fft.fft2(levels)) * sensitivity
    seen = np.real(np.fft.ifft2(np.fft.ifftshift(spectrum)))
    x, y = np.mgrid[-15:16, -15:16]
    centre, surround = (
        signal.convolve2d(seen, np.exp(-(x**2 + y**2) / (2 * s**2)) / (2 * math.pi * s**2), mode="same")
        for s in (2, 4)
    )
    contrast = np.abs(centre / surround - 1)
    return contrast**3 / (contrast**2 + 1e-4)


def plain_chen_blum(fused, visible, infrared):
    fused, visible, infrared = (plain_contrast(image.astype(float)) for image in (fused, visible, infrared))
    total = 0.0
    for place in np.ndindex(*fused.shape):
        f, a, b = fused[place], visible[place], infrared[place]
        share = a**2 / (a**2 + b**2)
        total += share * min(a, f) / max(a, f) + (1 - share) * min(b, f) / max(b, f)
    return total / fused.size


@pytest.mark.parametrize("cut", [np.s_[:, :], np.s_[:63, :], np.s_[:, :74], np.s_[:45, :47]])
def test_quality_is_that_of_the_paper_step_by_step(cut, scene):
    part = [image[cut] for image in scene]
    assert chen_blum(*part) == pytest.approx(plain_chen_blum(*part), rel=1e-9)


def test_quality_of_an_image_in_many_bands_is_that_of_the_paper():
    part = np.random.default_rng(43).integers(0, 200, (3, 70, 900), dtype=np.uint8)
    assert chen_blum(*part) == pytest.approx(plain_chen_blum(*part), rel=1e-9)


@settings(max_examples=25)
@given(arrays(np.uint8, st.tuples(st.integers(3, 20), st.integers(3, 20))))
def test_three_equal_images_have_quality_one(image):
    assert chen_blum(image, image, image) == pytest.approx(1.0, rel=1e-12)


@settings(max_examples=25)
@given(*[arrays(np.uint8, (18, 23))] * 3)
def test_swapping_the_sources_changes_nothing(fused, visible, infrared):
    swapped = chen_blum(fused, infrared, visible)
    assert swapped == pytest.approx(chen_blum(fused, visible, infrared), rel=1e-12, abs=1e-12)


def test_mirroring_all_images_changes_nothing(scene):
    mirrored = chen_blum(*(image[::-1, ::-1] for image in scene))
    assert mirrored == pytest.approx(chen_blum(*scene), rel=1e-9)


def test_levels_are_stretched_first(scene):
    fused, visible, infrared = scene
    narrow = fused // 4 + 30
    assert chen_blum(narrow, visible, infrared) == chen_blum(stretched(narrow), visible, infrared)


def test_a_constant_fused_image_keeps_nothing():
    assert chen_blum(np.full_like(TEXTURE, 90), TEXTURE, OTHER) == 0.0


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_constant_source_has_no_weight(level):
    flat = np.full_like(TEXTURE, level)
    expected = chen_blum(OTHER, TEXTURE, TEXTURE)
    assert chen_blum(OTHER, TEXTURE, flat) == pytest.approx(expected, rel=1e-12)


def test_of_two_constant_sources_a_constant_fused_image_keeps_everything_and_others_nothing():
    flat, other = np.full_like(TEXTURE, 20), np.full_like(TEXTURE, 30)
    assert chen_blum(flat, flat, other) == 1.0
    assert chen_blum(TEXTURE, flat, other) == 0.0


def test_what_is_black_far_and_wide_has_no_contrast():
    # There the filtered image is nothing but rounding errors.
    image = np.zeros((600, 600), np.uint8)
    image[:8, :8] = 255
    contrast = masked_contrast(image)
    assert contrast[300, 300] == 0.0
    assert contrast[4, 4] > 0


def test_an_image_seen_under_a_wider_angle_has_other_contrast():
    wide = masked_contrast(TEXTURE, 30.0)
    assert not np.allclose(wide, masked_contrast(TEXTURE), rtol=0.01)
