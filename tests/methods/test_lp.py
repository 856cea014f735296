from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusionbench_methods.lp import laplacian_pyramid_fusion

LEVELS = 4
TAPS = np.array([1, 4, 6, 4, 1]) / 16


def blur_matrix(length):
    """The kernel as a matrix; a position beyond the border is the one mirrored about the edge pixel."""
    matrix = np.zeros((length, length))
    for row in range(length):
        for offset, tap in zip(range(-2, 3), TAPS, strict=True):
            position = abs(row + offset)
            if position >= length:
                position = 2 * (length - 1) - position
            matrix[row, abs(position)] += tap
    return matrix


def reduced(image):
    rows, columns = image.shape
    return (blur_matrix(rows) @ image @ blur_matrix(columns).T)[::2, ::2]


def expanded(image):
    rows, columns = 2 * image.shape[0], 2 * image.shape[1]
    # Columns of the blur matrix at the even places are what zeros between the samples leave of it.
    return 4 * blur_matrix(rows)[:, ::2] @ image @ blur_matrix(columns)[:, ::2].T


def chosen(first, second):
    """Choose-max with majority check, one pixel after the other."""
    mirrored = [np.pad(band, 1, mode="reflect") for band in (first, second)]
    active = [np.empty_like(first), np.empty_like(first)]
    for place in np.ndindex(*first.shape):
        window = tuple(slice(index, index + 3) for index in place)
        for activity, band in zip(active, mirrored, strict=True):
            activity[place] = np.abs(band[window]).max()
    votes = np.pad(active[0] > active[1], 1, mode="reflect")
    result = np.empty_like(first)
    for place in np.ndindex(*first.shape):
        window = tuple(slice(index, index + 3) for index in place)
        result[place] = first[place] if votes[window].sum() > 4 else second[place]
    return result


def plain_fusion(first, second, levels=LEVELS):
    """The method by matrices and loops, recursively."""
    if levels == 0:
        return (first + second) / 2
    height, width = first.shape
    first, second = (np.pad(each, ((0, height % 2), (0, width % 2)), mode="edge") for each in (first, second))
    band = chosen(first - expanded(reduced(first)), second - expanded(reduced(second)))
    fused = expanded(plain_fusion(reduced(first), reduced(second), levels - 1)) + band
    return fused[:height, :width]


@pytest.mark.parametrize("size", [(32, 48), (47, 62), (17, 23), (3, 5), (2, 2), (1, 1), (1, 6)], ids=str)
def test_fusion_is_that_of_a_plain_construction_with_matrices(size, textured_pair):
    visible, infrared = (image[: size[0], : size[1]] for image in textured_pair)
    expected = np.clip(plain_fusion(visible, infrared), 0, 1)
    np.testing.assert_allclose(laplacian_pyramid_fusion(visible, infrared), expected, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 2**32 - 1))
def test_two_equal_images_of_any_size_give_that_image(height, width, seed):
    image = np.random.default_rng(seed).random((height, width))
    np.testing.assert_allclose(laplacian_pyramid_fusion(image, image), image, atol=1e-12)


@pytest.mark.parametrize(("first", "second"), [(0.2, 0.6), (0.0, 1.0)])
def test_two_flat_images_give_their_mean_up_to_the_border(first, second):
    fused = laplacian_pyramid_fusion(np.full((21, 34), first), np.full((21, 34), second))
    np.testing.assert_allclose(fused, (first + second) / 2, atol=1e-12)


def test_the_detail_of_the_textured_image_is_kept_whole(textured_pair):
    textured = textured_pair[0]
    fused = laplacian_pyramid_fusion(textured, np.full_like(textured, 0.5))
    assert np.std(np.diff(fused)) == pytest.approx(np.std(np.diff(textured)), rel=0.02)


def test_overshoot_is_cut_off_at_black_and_white():
    squares = (np.indices((40, 40)) // 8).sum(axis=0) % 2
    other = np.roll(squares, 4, axis=1)
    fused = laplacian_pyramid_fusion(squares.astype(float), other.astype(float))
    assert fused.min() == 0.0
    assert fused.max() == 1.0
