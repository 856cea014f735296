"""OpenCV's 8-bit luminance and chroma."""

from __future__ import annotations

import numpy as np
import pytest

from fusionbench_methods.opencv_luma_chroma import join_opencv, split_opencv

COLOURS = np.array([[[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255], [13, 200, 77]]], np.uint8)


def test_known_colours_come_out_as_opencv_has_them():
    split, joined = split_opencv(COLOURS), join_opencv(split_opencv(COLOURS))
    assert split[0].tolist() == [[0, 128, 128], [76, 255, 85], [150, 21, 43], [29, 107, 255], [130, 45, 98]]
    assert joined[0].tolist() == [[0, 0, 0], [254, 0, 0], [0, 255, 0], [0, 0, 254], [14, 200, 77]]


def test_both_conversions_are_opencvs_to_the_bit():
    opencv = pytest.importorskip("cv2")
    image = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    assert np.array_equal(split_opencv(image), opencv.cvtColor(image, opencv.COLOR_RGB2YCrCb))
    assert np.array_equal(join_opencv(image), opencv.cvtColor(image, opencv.COLOR_YCrCb2RGB))
