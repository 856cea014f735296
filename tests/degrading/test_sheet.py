"""The contact sheet shows what `degrade_pair` gives, in its place."""

from __future__ import annotations

import numpy as np
import pytest

import fusionbench
from fusionbench.contracts import ImagePair
from fusionbench.datasets import open_dataset
from fusionbench.degrading import parse_condition
from fusionbench.degrading.sheet import TILE_WIDTH, render_sheet, sample_called
from fusionbench.errors import InputError


def uniform_pair() -> ImagePair:
    visible = np.full((150, TILE_WIDTH, 3), (120, 90, 60), np.uint8)
    return ImagePair("uniform", visible, np.full((150, TILE_WIDTH), 200, np.uint8))


def test_a_row_begins_with_the_clean_image_and_darkens_to_the_right() -> None:
    sheet = render_sheet(uniform_pair(), [parse_condition("physical:low_light")])
    columns = np.array_split(sheet, 6, axis=1)
    middles = [column[100, TILE_WIDTH // 2].astype(int) for column in columns]
    np.testing.assert_array_equal(middles[0], (120, 90, 60))
    brightness = [column[60:160, 60:140].mean() for column in columns]
    assert brightness == sorted(brightness, reverse=True)
    assert len(set(brightness)) == 6


def test_each_condition_adds_one_row() -> None:
    names = ("noise", "low_light", "low_light+noise")
    heights = [
        render_sheet(uniform_pair(), [parse_condition(name) for name in names[:count]]).shape[0]
        for count in (1, 2, 3)
    ]
    assert heights[1] - heights[0] == heights[2] - heights[1] > 150


def test_the_pair_keeps_its_proportions() -> None:
    pair = uniform_pair()
    wide = ImagePair("wide", np.tile(pair.visible, (1, 2, 1)), np.tile(pair.infrared, (1, 2)))
    one, half = (render_sheet(image, [parse_condition("noise")]) for image in (pair, wide))
    assert one.shape[1] == half.shape[1]
    assert one.shape[0] - half.shape[0] == 75


def test_an_unknown_image_suggests_the_nearest() -> None:
    scenes = open_dataset("scenes")
    known = scenes.samples[3].id
    assert sample_called(scenes, known).id == known
    with pytest.raises(InputError, match=f"the nearest: .*{known}"):
        sample_called(scenes, known + "x")


def test_no_condition_is_an_error() -> None:
    with pytest.raises(InputError, match="no degradation is named"):
        render_sheet(uniform_pair(), [])


def test_the_python_interface_draws_the_same_sheet() -> None:
    pair = uniform_pair()
    drawn = fusionbench.contact_sheet(pair.visible, pair.infrared, ["noise"], image_id=pair.id)
    np.testing.assert_array_equal(drawn, render_sheet(pair, [parse_condition("noise")]))


def test_an_infrared_degradation_shows_the_infrared_image() -> None:
    sheet = render_sheet(uniform_pair(), [parse_condition("ir_noise")])
    np.testing.assert_array_equal(sheet[100, TILE_WIDTH // 2], (200, 200, 200))


def test_a_condition_with_its_level_is_drawn_once() -> None:
    sheet = render_sheet(uniform_pair(), [parse_condition("physical:low_light@5")])
    columns = np.array_split(sheet, 6, axis=1)
    assert columns[1][60:160, 60:140].mean() < columns[0][60:160, 60:140].mean() / 2
    assert (columns[2][60:160, 60:140] == 255).all()


def test_a_degradation_of_both_images_has_a_row_for_each() -> None:
    one, two = (render_sheet(uniform_pair(), [parse_condition(name)]) for name in ("noise", "fog"))
    assert two.shape[0] - one.shape[0] == one.shape[0] - 4
    np.testing.assert_array_equal(two[one.shape[0] + 100, TILE_WIDTH // 2], (200, 200, 200))
