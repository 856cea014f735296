from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from fusionbench.contracts import ImagePair
from fusionbench.errors import InputError
from fusionbench.images import to_grey
from fusionbench_degradations.depth import FARTHEST, relative_depth


def depth_of(pair: ImagePair) -> np.ndarray:
    return relative_depth(pair, to_grey(pair.visible)).depth


def test_the_sky_is_where_it_is_bright_flat_bluish_and_cold(street: ImagePair) -> None:
    sky = relative_depth(street, to_grey(street.visible)).sky
    assert sky[:30, :40].min() > 0.95
    assert sky[46:].max() < 0.1


def test_the_sky_is_as_far_as_depth_goes(street: ImagePair) -> None:
    np.testing.assert_allclose(depth_of(street)[:25, :40], FARTHEST, rtol=1e-6)


def test_a_warm_ceiling_is_no_sky(street: ImagePair) -> None:
    warm = replace(street, infrared=(255 - street.infrared).astype(np.uint8))
    assert relative_depth(warm, to_grey(warm.visible)).sky.max() < 0.5


def test_a_reddish_ceiling_is_no_sky(street: ImagePair) -> None:
    red = replace(street, visible=np.ascontiguousarray(street.visible[..., ::-1]))
    assert relative_depth(red, to_grey(red.visible)).sky.max() < 0.5


def test_the_prior_on_a_blank_pair_is_its_closed_form() -> None:
    blank = ImagePair("blank", np.full((240, 320, 3), 90, np.uint8), np.full((240, 320), 90, np.uint8))
    y, x = (np.arange(240) + 0.5) / 240, (np.arange(320) + 0.5 - 160) / 240
    disparity = np.add.outer(np.maximum(y - 0.45, 0) + 0.05, 0.10 * np.abs(x))
    # On a blank guide the guided filter is two box filters of its window.
    smooth = ndimage.uniform_filter(ndimage.uniform_filter(np.log(disparity), 33), 33)
    expected, found = np.exp(-smooth), depth_of(blank)
    assert np.percentile(found, 95) == pytest.approx(1.0, rel=1e-3)
    inside = (slice(32, -32), slice(32, -32))
    ratio = found[inside] / expected[inside]
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=0.003)


def test_the_ground_recedes_towards_the_horizon(street: ImagePair) -> None:
    column = depth_of(street)[65:, 80]
    assert column[0] > 2 * column[-1]


def test_a_lower_horizon_moves_the_far_away_down(street: ImagePair) -> None:
    assert depth_of(replace(street, horizon=0.6))[75, 20] > depth_of(street)[75, 20]


def test_metric_depth_is_used_where_there_is_some(street: ImagePair) -> None:
    metres = np.linspace(2, 100, 121 * 161, dtype=np.float32).reshape(121, 161)
    found = relative_depth(replace(street, depth=metres), to_grey(street.visible))
    assert found.source == "dataset"
    np.testing.assert_allclose(found.depth, metres / np.percentile(metres, 95), rtol=1e-3)


def test_infinite_depth_is_sky_at_the_farthest(street: ImagePair) -> None:
    metres = np.full(street.size, 20.0, np.float32)
    metres[:40] = np.inf
    found = relative_depth(replace(street, depth=metres), to_grey(street.visible))
    np.testing.assert_array_equal(found.depth[:40], FARTHEST)
    np.testing.assert_array_equal(found.depth[40:], 1.0)
    np.testing.assert_array_equal(found.sky[:, 0] == 1, np.arange(121) < 40)


def test_nothing_but_sky_is_at_the_farthest(street: ImagePair) -> None:
    everywhere = replace(street, depth=np.full(street.size, np.inf, np.float32))
    np.testing.assert_array_equal(depth_of(everywhere), FARTHEST)


@pytest.mark.parametrize("bad", [np.nan, 0.0, -3.0])
def test_depths_that_are_no_distance_are_refused(street: ImagePair, bad: float) -> None:
    metres = np.full(street.size, 20.0, np.float32)
    metres[5, 5] = bad
    with pytest.raises(InputError, match="street: depth"):
        depth_of(replace(street, depth=metres))


def test_depth_of_another_size_is_refused(street: ImagePair) -> None:
    with pytest.raises(InputError, match="resize"):
        depth_of(replace(street, depth=np.ones((3, 3), np.float32)))
