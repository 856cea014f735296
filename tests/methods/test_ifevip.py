from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusionbench_methods.ifevip import (
    Block,
    InfraredFeatureFusion,
    background,
    blocks,
    infrared_feature_fusion,
)
from tests.methods.vifb_reference import our_levels, vifb_levels


def test_the_output_is_that_of_the_benchmark_vifb_on_a_real_pair(shared):
    distance = np.abs(our_levels(shared, InfraredFeatureFusion()) - vifb_levels(shared, "ifevip"))
    assert distance.max() < 0.01


def test_an_even_image_is_one_block():
    assert list(blocks(np.full((512, 512), 40.0))) == [Block(0, 0, 512)]


def test_an_image_is_split_where_it_is_uneven():
    image = np.zeros((512, 512))
    image[10, 300] = 52
    found = list(blocks(image))
    assert Block(0, 288, 32) in found
    assert sum(block.side**2 for block in found) == 512**2
    assert sorted(block.side for block in found) == [32] * 4 + [64] * 3 + [128] * 3 + [256] * 3


def test_a_range_of_a_fifth_of_white_is_even():
    image = np.zeros((512, 512))
    image[10, 300] = 51
    assert len(list(blocks(image))) == 1


def test_the_background_of_a_flat_image_is_that_image_away_from_the_border():
    np.testing.assert_array_equal(background(np.full((480, 512), 90.0))[5:-5, 5:-5], 90)


def test_the_background_passes_below_what_is_small_and_bright():
    image = np.full((512, 512), 40.0)
    image[200:220, 300:310] = 230
    np.testing.assert_array_equal(background(image)[5:-5, 5:-5], 40)


def test_what_is_bright_in_the_infrared_image_alone_is_added():
    visible, infrared = np.full((512, 512), 51 / 255), np.full((512, 512), 40 / 255)
    visible[0] = np.arange(512) % 256 / 255
    infrared[100:120, 200:210] = 111 / 255
    # Entropies of the two images, in bits, by their definition.
    shares = [200 / 512**2, 1 - 200 / 512**2], [2 / 512**2] * 255 + [1 - 2 * 255 / 512**2]
    bits = [-np.sum(share * np.log2(share)) for share in map(np.array, shares)]
    # The brightest thousandth of the pixels is not bright enough to lower the strength.
    added = 0.8 * ((111 - 40) + bits[0] / bits[1] * (111 - 51))
    fused = infrared_feature_fusion(visible, infrared)
    np.testing.assert_allclose(255 * fused[102:118, 202:208], np.floor(51 + added + 0.5), atol=1)
    np.testing.assert_array_equal(fused[20:90, 20:-20], visible[20:90, 20:-20])


@settings(max_examples=20)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_no_pixel_of_any_size_gets_darker_than_the_visible_one(height, width, seed):
    visible, infrared = np.random.default_rng(seed).integers(0, 256, (2, height, width)) / 255
    fused = infrared_feature_fusion(visible, infrared)
    assert (fused >= visible - 1e-12).all()
    assert fused.max() <= 1


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (3, 5), (300, 200)], ids=str)
def test_a_black_infrared_image_adds_nothing(size):
    visible = np.random.default_rng(8).integers(0, 256, size) / 255
    np.testing.assert_array_equal(infrared_feature_fusion(visible, np.zeros(size)), visible)


@pytest.mark.parametrize(
    ("visible", "infrared"), [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0), (0.4, 0.6)]
)
def test_flat_images_give_a_finite_one(visible, infrared):
    fused = infrared_feature_fusion(np.full((20, 30), visible), np.full((20, 30), infrared))
    assert np.isfinite(fused).all()
