import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from fusionbench_metrics.ei import EdgeIntensity, edge_intensity

images = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, min_side=3, max_side=24))


@pytest.mark.parametrize(
    ("border", "mode"), [("replicate", "nearest"), ("reflect", "mirror"), ("zero", "constant")]
)
@given(image=images)
def test_intensity_is_the_mean_sobel_magnitude_of_scipy(border, mode, image):
    plain = image.astype(np.float64)
    expected = np.hypot(*(ndimage.sobel(plain, axis=axis, mode=mode) for axis in (0, 1))).mean()
    assert edge_intensity(image, border) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_edge_pixels_are_repeated_by_default(scene):
    assert edge_intensity(scene[0]) == edge_intensity(scene[0], "replicate")
    assert edge_intensity(scene[0]) != pytest.approx(edge_intensity(scene[0], "reflect"), rel=1e-6)


def test_a_ramp_has_eight_times_its_step_and_half_of_that_at_its_ends():
    ramp = np.tile(3 * np.arange(20, dtype=np.uint8), (5, 1))
    assert edge_intensity(ramp) == (18 * 24 + 2 * 12) / 20


def test_a_reflected_ramp_has_no_edge_at_its_ends():
    ramp = np.tile(3 * np.arange(20, dtype=np.uint8), (5, 1))
    assert edge_intensity(ramp, "reflect") == 18 * 24 / 20


def test_stripes_two_pixels_wide_have_the_largest_horizontal_edge_everywhere():
    stripes = np.tile(np.array([0, 0, 255, 255], np.uint8), (6, 3))[:, 1:-1]
    assert edge_intensity(stripes) == 1020.0


@pytest.mark.parametrize("border", ["replicate", "reflect"])
def test_a_constant_image_has_none(border):
    assert edge_intensity(np.full((9, 4), 200, np.uint8), border) == 0.0


def test_with_zeros_beyond_it_the_border_of_a_constant_image_is_an_edge():
    # Corners see (3, 3), the middles of the sides 4 along one axis, the middle nothing.
    expected = 10 * (4 * 3 * math.sqrt(2) + 4 * 4) / 9
    assert edge_intensity(np.full((3, 3), 10, np.uint8), "zero") == pytest.approx(expected, rel=1e-15)


@given(images)
def test_transposing_mirroring_and_inverting_change_nothing(image):
    expected = edge_intensity(image)
    for other in (image.T, image[::-1], image[:, ::-1], 255 - image):
        assert edge_intensity(other) == pytest.approx(expected, rel=1e-14)


def test_no_window_of_black_and_white_exceeds_the_largest_value_on_the_card():
    windows = (np.arange(512)[:, None] >> np.arange(9)) % 2 * 255
    smooth, slope = np.array([1, 2, 1]), np.array([-1, 0, 1])
    horizontal, vertical = (windows @ np.outer(*axes).ravel() for axes in ((smooth, slope), (slope, smooth)))
    most = np.sqrt(horizontal**2 + vertical**2).max()
    assert EdgeIntensity.card.value_range[1] == pytest.approx(most, rel=1e-15)
