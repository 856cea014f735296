import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import signal

from fusionbench_metrics.qabf import edge_preservation, sobel_edges

SHAPE = (9, 14)
images = arrays(np.uint8, SHAPE)


def sigmoid(ceiling, slope, midpoint, value):
    return ceiling / (1 + math.exp(slope * (value - midpoint)))


def strength_sigmoid(value):
    return sigmoid(0.9994, -15, 0.5, value)


def orientation_sigmoid(value):
    return sigmoid(0.9879, -22, 0.8, value)


def plain_edges(image):
    sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    horizontal = signal.convolve2d(image.astype(np.float64), sobel, mode="same")
    vertical = signal.convolve2d(image.astype(np.float64), -sobel.T, mode="same")
    return horizontal, vertical


def plain_preservation(fused, visible, infrared):
    """The definition pixel by pixel, with scipy's Sobel gradients."""
    fused_h, fused_v = plain_edges(fused)
    preserved = total = 0.0
    for source in (visible, infrared):
        source_h, source_v = plain_edges(source)
        for place in np.ndindex(*source.shape):
            strength, angle = polar(source_h[place], source_v[place])
            fused_strength, fused_angle = polar(fused_h[place], fused_v[place])
            if strength == fused_strength:
                ratio = fused_strength
            else:
                ratio = min(strength, fused_strength) / max(strength, fused_strength)
            agreement = 1 - abs(angle - fused_angle) / (math.pi / 2)
            preserved += strength * strength_sigmoid(ratio) * orientation_sigmoid(agreement)
            total += strength
    return preserved / total


def polar(horizontal, vertical):
    angle = math.pi / 2 if horizontal == 0 else math.atan(vertical / horizontal)
    return math.sqrt(horizontal**2 + vertical**2), angle


def test_preservation_is_that_of_the_definition_pixel_by_pixel(scene):
    fused, visible, infrared = scene
    expected = plain_preservation(fused, visible, infrared)
    assert edge_preservation(fused, visible, infrared) == pytest.approx(expected, rel=1e-12)


def test_gradients_in_many_bands_are_those_of_scipy():
    image = np.random.default_rng(10).integers(0, 256, (90, 700), dtype=np.uint8)
    edges = sobel_edges(image)
    horizontal, vertical = plain_edges(image)
    np.testing.assert_array_equal(edges.strength, np.sqrt(horizontal**2 + vertical**2))
    expected = [polar(*pair)[1] for pair in zip(horizontal.ravel(), vertical.ravel(), strict=True)]
    np.testing.assert_allclose(edges.orientation.ravel(), expected, rtol=1e-15)


@given(
    arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, min_side=3, max_side=12), elements={"min_value": 1})
)
def test_three_equal_images_have_the_value_of_the_tie_rule(image):
    strength = sobel_edges(image).strength.ravel()
    kept = [strength_sigmoid(value) for value in strength]
    expected = orientation_sigmoid(1.0) * np.dot(kept, strength) / strength.sum()
    assert edge_preservation(image, image, image) == pytest.approx(expected, rel=1e-12)


@given(images, images, images)
def test_swapping_the_sources_changes_nothing(fused, visible, infrared):
    there, back = edge_preservation(fused, visible, infrared), edge_preservation(fused, infrared, visible)
    assert there == pytest.approx(back, rel=1e-12, nan_ok=True)


@given(images, images, images)
def test_turning_all_images_upside_down_changes_nothing(fused, visible, infrared):
    turned = edge_preservation(*(np.rot90(image, 2) for image in (fused, visible, infrared)))
    assert turned == pytest.approx(edge_preservation(fused, visible, infrared), rel=1e-12, nan_ok=True)


@given(images)
def test_a_black_source_has_no_weight(fused):
    edge = np.zeros(SHAPE, np.uint8)
    edge[:, 7:] = 200
    black = np.zeros(SHAPE, np.uint8)
    assert edge_preservation(fused, edge, black) == edge_preservation(fused, edge, edge)


def test_an_edge_of_half_the_height_keeps_the_sigmoid_of_one_half():
    edge = np.zeros((20, 20), np.uint8)
    edge[:, 10:] = 200
    expected = strength_sigmoid(0.5) * orientation_sigmoid(1.0)
    assert edge_preservation(edge // 2, edge, edge) == pytest.approx(expected, rel=1e-12)


def test_an_edge_that_is_gone_keeps_next_to_nothing():
    edge = np.zeros((20, 20), np.uint8)
    edge[5:15, 5:15] = 200
    assert edge_preservation(np.zeros_like(edge), edge, edge) < 1e-3


def test_two_black_sources_have_no_value():
    black = np.zeros(SHAPE, np.uint8)
    assert math.isnan(edge_preservation(black, black, black))


@pytest.mark.parametrize("level", [1, 128, 255])
def test_other_constant_sources_have_an_edge_at_the_border(level):
    flat = np.full(SHAPE, level, np.uint8)
    assert 0.9 < edge_preservation(flat, flat, flat) <= 0.9754
