from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from fusionbench.degrading import is_monochrome
from fusionbench.degrading.light import decode_infrared, decode_visible, encode_infrared, encode_visible

LEVELS = np.arange(256, dtype=np.uint8)


def srgb(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse curve of IEC 61966-2-1, which the library itself never evaluates."""
    return np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055
    )


def test_decoding_agrees_with_the_standards_inverse_curve() -> None:
    np.testing.assert_allclose(srgb(decode_visible(LEVELS).astype(np.float64)) * 255, LEVELS, atol=2e-3)


def test_decoding_and_encoding_return_every_level() -> None:
    np.testing.assert_array_equal(encode_visible(decode_visible(LEVELS)), LEVELS)
    np.testing.assert_array_equal(encode_infrared(decode_infrared(LEVELS)), LEVELS)


def test_encoding_rounds_the_standard_curve_half_up() -> None:
    linear = np.linspace(-0.1, 1.1, 1_000_003, dtype=np.float32)
    exact = 255 * srgb(np.clip(linear.astype(np.float64), 0, 1))
    encoded = encode_visible(linear).astype(np.float64)
    # At a threshold itself the two published constants of the curve disagree by some 1e-4 of a level.
    assert np.abs(encoded - exact).max() <= 0.5 + 1e-3


@given(st.floats(-2, 2, width=32), st.floats(-2, 2, width=32))
def test_encoding_is_monotone(first: float, second: float) -> None:
    low, high = encode_visible(np.array(sorted([first, second]), dtype=np.float32))
    assert low <= high


def test_infrared_rounds_half_up_and_clips() -> None:
    values = np.array([-1.0, 0.499 / 255, 0.501 / 255, 254.501 / 255, 3.0], dtype=np.float32)
    np.testing.assert_array_equal(encode_infrared(values), [0, 0, 1, 255, 255])


def test_a_camera_is_monochrome_only_if_all_channels_agree() -> None:
    grey = np.repeat(LEVELS.reshape(16, 16, 1), 3, axis=2)
    coloured = grey.copy()
    coloured[3, 4, 2] ^= 1
    assert is_monochrome(grey)
    assert not is_monochrome(coloured)
