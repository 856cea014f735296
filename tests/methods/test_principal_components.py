from __future__ import annotations

import numpy as np
import pytest

from fusionbench_methods.principal_components import component_weights, fuse_layers


@pytest.mark.parametrize("ratio", [0.0, 0.25, 1.0, 3.0])
def test_images_that_vary_together_are_weighted_by_how_much(ratio, textured_pair):
    varying = textured_pair[0]
    weights = component_weights(varying, ratio * varying + 0.1)
    assert weights == pytest.approx((1 / (1 + ratio), ratio / (1 + ratio)))


def test_the_weights_are_the_component_that_a_singular_value_decomposition_finds(textured_pair):
    centred = [image.ravel() - image.mean() for image in textured_pair]
    component = np.linalg.svd(np.stack(centred))[0][:, 0]
    assert component_weights(*textured_pair) == pytest.approx(tuple(component / component.sum()))


def test_an_image_that_varies_against_the_other_has_a_negative_weight(textured_pair):
    weights = component_weights(textured_pair[0], -0.5 * textured_pair[0])
    assert weights == pytest.approx((2.0, -1.0))


def test_flat_images_share_equally():
    assert component_weights(np.full((4, 5), 0.2), np.full((4, 5), 0.9)) == (0.5, 0.5)


def test_images_that_cancel_share_equally(textured_pair):
    assert component_weights(textured_pair[0], -textured_pair[0]) == (0.5, 0.5)


def test_details_that_all_but_cancel_do_not_leave_the_range_the_harness_takes(textured_pair):
    base = np.full_like(textured_pair[0], 0.5)
    fused = fuse_layers(textured_pair[0], 1 - 1.001 * textured_pair[0], base, base)
    assert fused.min() == -1
    assert fused.max() == 2
