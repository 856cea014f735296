"""What scipy.misc made of images."""

from __future__ import annotations

import numpy as np

from fusionbench_methods.scipy_images import grey_unrounded, stretched


def test_grey_keeps_its_fractions():
    colours = np.array([[[1, 0, 0], [0, 1, 0], [0, 0, 1], [255, 255, 255]]], np.uint8)
    assert np.allclose(grey_unrounded(colours), [[0.299, 0.587, 0.114, 255]])


def test_an_image_is_stretched_from_its_minimum_to_its_maximum():
    image = np.array([[-1, 0, 3]], np.float32)
    assert stretched(image).tolist() == [[0, 64, 255]]


def test_it_is_cut_off_where_a_lowest_value_is_given():
    image = np.array([[-1, 1, 2]], np.float32)
    assert stretched(image, low=0.0).tolist() == [[0, 128, 255]]


def test_a_uniform_image_is_black():
    assert not stretched(np.full((2, 3), 0.5, np.float32)).any()
