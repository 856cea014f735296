import math

import numpy as np
import pytest

from fusionbench_metrics.mef_ms_ssim import multi_exposure_similarity

TEXTURE = np.random.default_rng(31).integers(60, 200, (48, 52), dtype=np.uint8)
SIDE, CONSTANT = 11, (0.03 * 255) ** 2


def gaussian():
    rows, columns = np.mgrid[-5:6, -5:6]
    window = np.exp(-(rows**2 + columns**2) / (2 * 1.5**2))
    return window / window.sum()


def wanted_patch(patches):
    """The patch itself, pixel by pixel, from the definitions of strength, structure and agreement."""
    centred = [patch - patch.mean() for patch in patches]
    norms = [np.linalg.norm(patch) for patch in centred]
    if sum(norms) < 1e-9:
        return np.zeros((SIDE, SIDE))
    agreement = np.linalg.norm(sum(centred)) / sum(norms)
    exponent = 10.0 if agreement > 0.99 else min(10.0, math.tan(math.pi / 2 * agreement))
    strengths = [norm + 0.001 for norm in norms]
    weights = np.array([strength**exponent for strength in strengths])
    weights /= weights.sum()
    joint = sum(
        weight * patch / strength for weight, patch, strength in zip(weights, centred, strengths, strict=True)
    )
    return joint / np.linalg.norm(joint) * max(strengths)


def plain_scale(fused, sources):
    window = gaussian()
    qualities = []
    for top in range(fused.shape[0] - SIDE + 1):
        for left in range(fused.shape[1] - SIDE + 1):
            seen = np.s_[top : top + SIDE, left : left + SIDE]
            wanted, patch = wanted_patch([source[seen] for source in sources]), fused[seen]
            wanted_off, off = wanted - (window * wanted).sum(), patch - (window * patch).sum()
            covariance = (window * wanted_off * off).sum()
            variances = (window * wanted_off**2).sum() + (window * off**2).sum()
            qualities.append((2 * covariance + CONSTANT) / (variances + CONSTANT))
    return np.mean(qualities)


def half(image):
    return np.array(
        [
            [image[row : row + 2, column : column + 2].mean() for column in range(0, image.shape[1], 2)]
            for row in range(0, image.shape[0], 2)
        ]
    )


def plain_similarity(fused, *sources):
    """Patch by patch, in loops."""
    exponents = np.array([0.0448, 0.2856, 0.3001])
    images = [image.astype(np.float64) for image in (fused, *sources)]
    value = 1.0
    for exponent in exponents / exponents.sum():
        value *= plain_scale(images[0], images[1:]) ** exponent
        images = [half(image) for image in images]
    return value


def test_the_closed_form_is_the_loop_over_patches(scene):
    fused, visible, infrared = (image[10:58, 15:65] for image in scene)
    expected = plain_similarity(fused, visible, infrared)
    assert multi_exposure_similarity(fused, visible, infrared) == pytest.approx(expected, rel=1e-12)


def test_the_closed_form_is_the_loop_over_patches_of_an_odd_size_without_flat_parts():
    random = np.random.default_rng(32)
    fused, visible, infrared = random.integers(0, 256, (3, 41, 43), dtype=np.uint8)
    # A window over the last row of an odd size sees that row once: the loop averages what is there.
    expected = plain_similarity(fused, visible, infrared)
    assert multi_exposure_similarity(fused, visible, infrared) == pytest.approx(expected, rel=1e-12)


def test_three_equal_images_have_similarity_one():
    assert multi_exposure_similarity(TEXTURE, TEXTURE, TEXTURE) == pytest.approx(1.0, abs=1e-8)


def test_swapping_the_sources_changes_nothing(scene):
    fused, visible, infrared = scene
    there = multi_exposure_similarity(fused, visible, infrared)
    assert multi_exposure_similarity(fused, infrared, visible) == pytest.approx(there, rel=1e-9)


def test_brightness_does_not_count(scene):
    dim = [image // 2 for image in scene]
    brighter = dim[0] + np.uint8(100)
    assert multi_exposure_similarity(brighter, *dim[1:]) == pytest.approx(
        multi_exposure_similarity(*dim), rel=1e-9
    )


def test_the_contrast_of_the_stronger_source_is_wanted():
    faint = (TEXTURE // 4) + np.uint8(90)
    assert multi_exposure_similarity(TEXTURE, TEXTURE, faint) > 0.99
    assert multi_exposure_similarity(faint, TEXTURE, faint) < 0.7


def test_constant_sources_want_a_constant_image():
    dark, bright = np.full_like(TEXTURE, 30), np.full_like(TEXTURE, 200)
    assert multi_exposure_similarity(np.full_like(TEXTURE, 99), dark, bright) == pytest.approx(1.0, abs=1e-12)
    assert multi_exposure_similarity(TEXTURE, dark, bright) < 0.5


def test_sources_that_cancel_out_want_a_constant_image():
    flat = np.full_like(TEXTURE, 128)
    assert multi_exposure_similarity(flat, TEXTURE, 255 - TEXTURE) == pytest.approx(1.0, abs=1e-12)


def test_the_negative_of_a_texture_counts_as_nothing():
    assert multi_exposure_similarity(255 - TEXTURE, TEXTURE, TEXTURE) == 0.0
