from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusionbench_methods.msvd import singular_value_fusion


def plain_fusion(visible, infrared):
    """The method by NumPy's decomposition, on blocks in another order."""
    height, width = visible.shape
    transformed = []
    for image in (visible, infrared):
        even = np.pad(image, ((0, height % 2), (0, width % 2)), mode="edge")
        rows, columns = even.shape
        blocks = even.reshape(rows // 2, 2, columns // 2, 2).transpose(1, 3, 0, 2).reshape(4, -1)
        axes, values, _ = (
            np.linalg.svd(blocks, full_matrices=True)
            if blocks.shape[1] < 4
            else np.linalg.svd(blocks, full_matrices=False)
        )
        transformed.append((axes, axes.T @ blocks))
    (first_axes, first), (second_axes, second) = transformed
    for column in range(4):
        if first_axes[:, column] @ second_axes[:, column] < 0:
            second_axes[:, column] *= -1
            second[column] *= -1
    values = [(first[0] + second[0]) / 2]
    values += [np.where(abs(a) >= abs(b), a, b) for a, b in zip(first[1:], second[1:], strict=True)]
    blocks = (first_axes + second_axes) / 2 @ np.stack(values)
    rows, columns = -(-height // 2), -(-width // 2)
    image = blocks.reshape(2, 2, rows, columns).transpose(2, 0, 3, 1).reshape(2 * rows, 2 * columns)
    return image[:height, :width]


@pytest.mark.parametrize("size", [(32, 48), (47, 62), (17, 23)], ids=str)
def test_fusion_is_that_of_a_plain_construction_with_another_decomposition(size, textured_pair):
    visible, infrared = (image[: size[0], : size[1]] for image in textured_pair)
    expected = np.clip(plain_fusion(visible, infrared), 0, 1)
    np.testing.assert_allclose(singular_value_fusion(visible, infrared), expected, atol=1e-9)


@settings(max_examples=30)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 2**32 - 1))
def test_two_equal_images_of_any_size_give_that_image(height, width, seed):
    image = np.random.default_rng(seed).random((height, width))
    np.testing.assert_allclose(singular_value_fusion(image, image), image, atol=1e-12)


@pytest.mark.parametrize(("first", "second"), [(0.2, 0.6), (0.0, 1.0), (0.0, 0.0)])
def test_two_flat_images_give_their_mean_up_to_the_border(first, second):
    fused = singular_value_fusion(np.full((21, 34), first), np.full((21, 34), second))
    if first:
        np.testing.assert_allclose(fused, (first + second) / 2, atol=1e-12)
    assert np.isfinite(fused).all()


def test_a_black_image_halves_the_other_along_its_first_axis():
    # One pattern of four pixels everywhere: the whole image is along the first axis.
    pattern = np.tile([[0.2, 0.4], [0.6, 0.8]], (5, 6))
    fused = singular_value_fusion(pattern, 0.5 * pattern)
    np.testing.assert_allclose(fused, 0.75 * pattern, atol=1e-12)
