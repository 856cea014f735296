import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from fusionbench_metrics.edge_shares import edge_shares
from fusionbench_metrics.labf import fusion_loss
from fusionbench_metrics.nabf import fusion_artifacts

images = arrays(np.uint8, (9, 14))


def edge(height):
    image = np.zeros((20, 20), np.uint8)
    image[:, 10:] = height
    return image


def test_loss_is_the_lost_share(scene):
    assert fusion_loss(*scene) == edge_shares(*scene).lost


def test_an_edge_of_half_the_height_loses_what_half_the_strength_is_not_worth():
    # Sobel / 8 of a step of 200 is 100 in two columns of 20 pixels; elsewhere 18 columns weigh 0.001, and
    # nothing of a flat pixel can be kept: its ratio of strengths counts as 0.
    orientation = 0.9995 / (1 + math.exp(-11))
    edge_loss = 1 - math.sqrt(0.9999 / 2 * orientation)
    flat_loss = 1 - math.sqrt(0.9999 / (1 + math.exp(9.5)) * orientation)
    weight, flat_weight = 40 * 100**1.5, 360 * 0.001
    expected = (weight * edge_loss + flat_weight * flat_loss) / (weight + flat_weight)
    assert fusion_loss(edge(100), edge(200), edge(200)) == pytest.approx(expected, rel=1e-12)


def test_a_lost_edge_of_one_source_counts_though_the_other_has_none():
    assert fusion_loss(edge(0), edge(200), edge(0)) > 0.99


def test_loss_includes_pixels_where_the_fused_image_is_between_the_sources():
    assert fusion_loss(edge(100), edge(200), edge(20)) > 0.2


@given(images, images)
def test_a_constant_fused_image_keeps_nearly_nothing(visible, infrared):
    assert fusion_loss(np.full_like(visible, 7), visible, infrared) > 0.98


def test_stripes_steeper_than_both_sources_lose_nothing_wherever_their_edges_are():
    sources = np.random.default_rng(33).integers(0, 100, (2, 40, 60), dtype=np.uint8)
    stripes = np.tile(np.array([0, 0, 255, 255], np.uint8), (40, 15))
    # Only in the outermost columns, where the mirror makes them flat, are they not the steepest.
    assert fusion_loss(stripes, *sources) < 0.05
    assert fusion_artifacts(stripes, *sources) > 0.5


def test_three_constant_images_lose_nearly_everything():
    flat = np.full((9, 14), 128, np.uint8)
    assert 0.98 < fusion_loss(flat, flat, flat) < 1
