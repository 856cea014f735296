import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from fusionbench_metrics.contrast_sensitivity import stretched
from fusionbench_metrics.qcv import MINIMUM_SIZE, chen_varshney

TEXTURE = np.random.default_rng(51).integers(0, 256, (40, 52), dtype=np.uint8)
OTHER = np.random.default_rng(52).integers(0, 256, (40, 52), dtype=np.uint8)


def sensitivity(r):
    return 2.6 * (0.0192 + 0.144 * r) * math.exp(-((0.144 * r) ** 1.1))


def visible_difference(source, fused):
    """The difference filtered by the whole complex spectrum, frequency by frequency."""
    rows, columns = source.shape
    spectrum = np.fft.fft2(source - fused)
    for row, column in np.ndindex(rows, columns):
        cycles = [min(row, rows - row), min(column, columns - column)]
        # -1 to 1 along an axis, times length / 8, is -length / 2 to length / 2 cycles, over 4.
        spectrum[row, column] *= sensitivity(math.hypot(*cycles) / 4)
    return np.real(np.fft.ifft2(spectrum))


def plain_chen_varshney(fused, visible, infrared):
    """The definition region by region."""
    fused, visible, infrared = (stretched(image).astype(float) for image in (fused, visible, infrared))
    numerator = denominator = 0.0
    for source in (visible, infrared):
        edges = np.hypot(*(ndimage.sobel(source, axis=axis, mode="constant") for axis in (0, 1)))
        difference = visible_difference(source, fused)
        for top in range(0, source.shape[0], 16):
            for left in range(0, source.shape[1], 16):
                region = np.s_[top : top + 16, left : left + 16]
                saliency = (edges[region] ** 5).sum()
                numerator += saliency * (difference[region] ** 2).mean()
                denominator += saliency
    return numerator / denominator


@pytest.mark.parametrize(
    "cut",
    [np.s_[:64, :64], np.s_[:, :], np.s_[:16, :16], np.s_[:31, :33], np.s_[:48, :49]],
    ids=["whole", "cut-right", "one", "cut-both", "odd"],
)
def test_quality_is_that_of_the_definition_region_by_region(cut, scene):
    part = [image[cut] for image in scene]
    assert chen_varshney(*part) == pytest.approx(plain_chen_varshney(*part), rel=1e-9)


@settings(max_examples=25)
@given(arrays(np.uint8, st.tuples(st.integers(16, 34), st.integers(16, 34)), fill=st.just(90)))
def test_three_equal_images_do_not_differ(image):
    value = chen_varshney(image, image, image)
    assert math.isnan(value) if np.ptp(image) == 0 else value == 0.0


@settings(max_examples=25)
@given(*[arrays(np.uint8, (18, 23), fill=st.just(90))] * 3)
def test_swapping_the_sources_changes_nothing(fused, visible, infrared):
    there, back = chen_varshney(fused, visible, infrared), chen_varshney(fused, infrared, visible)
    assert there == pytest.approx(back, rel=1e-12, nan_ok=True)


def test_transposing_all_images_changes_nothing(scene):
    transposed = chen_varshney(*(image.T for image in scene))
    assert transposed == pytest.approx(chen_varshney(*scene), rel=1e-9)


def test_stripes_missing_from_the_fused_image_differ_by_their_filtered_power():
    # Of black and white stripes, two pixels each, half the power is in the mean, half in one frequency, 16
    # cycles an image, 4 a degree; a constant fused image counts as black.
    stripes = np.tile(np.array([0, 0, 255, 255], np.uint8), (64, 16))
    expected = 127.5**2 * (sensitivity(0) ** 2 + sensitivity(4) ** 2)
    assert chen_varshney(np.full_like(stripes, 9), stripes, stripes) == pytest.approx(expected, rel=1e-12)


def test_what_happens_where_nothing_is_salient_hardly_counts():
    source = np.full((64, 64), 100, np.uint8)
    source[2:14, 2:14] = TEXTURE[:12, :12]
    in_texture, elsewhere = source.copy(), source.copy()
    in_texture[4:10, 4:10] = 100
    elsewhere[36:42, 36:42] = TEXTURE[2:8, 2:8]
    both = [chen_varshney(image, source, source) for image in (in_texture, elsewhere)]
    assert both[1] < both[0] / 20


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_constant_source_has_no_weight(level):
    flat = np.full_like(TEXTURE, level)
    expected = chen_varshney(OTHER, TEXTURE, TEXTURE)
    assert chen_varshney(OTHER, TEXTURE, flat) == pytest.approx(expected, rel=1e-12)


def test_two_constant_sources_have_no_value():
    flat = np.full_like(TEXTURE, 30)
    assert math.isnan(chen_varshney(TEXTURE, flat, flat))


def test_the_minimum_size_is_one_region():
    image = TEXTURE[:MINIMUM_SIZE, :MINIMUM_SIZE]
    assert chen_varshney(OTHER[:16, :16], image, image) > 0
