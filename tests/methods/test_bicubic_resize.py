from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from fusionbench_methods.bicubic_resize import interpolation, keys_cubic, resized


def pillow(image, height, width):
    resample = Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(image.astype(np.float32)).resize((width, height), resample), np.float64)


def test_enlarging_is_pillows_away_from_the_border(textured_pair):
    ours, theirs = resized(textured_pair[0], 70, 75), pillow(textured_pair[0], 70, 75)
    np.testing.assert_allclose(ours[4:-4, 4:-4], theirs[4:-4, 4:-4], atol=1e-6)


def test_shrinking_is_pillows_but_for_weights_that_do_not_add_up(textured_pair):
    image, height, width = textured_pair[0], 30, 41
    sums = [interpolation(*lengths).sum(axis=1) for lengths in zip(image.shape, (height, width), strict=True)]
    ours = resized(image, height, width) / np.outer(*sums)
    np.testing.assert_allclose(ours[4:-4, 4:-4], pillow(image, height, width)[4:-4, 4:-4], atol=1e-6)


def test_the_kernel_interpolates_and_its_shifts_add_up_to_one():
    np.testing.assert_array_equal(keys_cubic(np.arange(-3.0, 4.0)), [0, 0, 0, 1, 0, 0, 0])
    shifts = np.linspace(0, 1, 11)[:, None] + np.arange(-2, 3)
    np.testing.assert_allclose(keys_cubic(shifts).sum(axis=1), 1, atol=1e-12)


def test_the_same_size_changes_nothing(textured_pair):
    image = textured_pair[0]
    np.testing.assert_allclose(resized(image, *image.shape), image, atol=1e-12)


def test_half_the_size_takes_eight_pixels_and_mirrors_at_the_border():
    # Keys' kernel stretched twofold, at 1/4, 3/4, 5/4 and 7/4 of a sample.
    right = np.array([0.8671875, 0.2265625, -0.0703125, -0.0234375]) / 2
    expected = np.zeros(8)
    for place, weight in zip((0, 1, 2, 3), right, strict=True):
        expected[1 + place] += weight
    for place, weight in zip((0, -1, -2, -3), right, strict=True):
        expected[max(place, -1 - place)] += weight
    np.testing.assert_allclose(interpolation(8, 4)[0], expected, atol=1e-12)


@pytest.mark.parametrize("size", [(1, 1), (1, 512), (512, 1), (3, 700)], ids=str)
def test_a_flat_image_of_any_size_stays_flat(size):
    np.testing.assert_allclose(resized(np.full(size, 0.7), 512, 5), 0.7, rtol=0.02)
