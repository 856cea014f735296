import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from fusionbench.contracts import MeasuredImage, SourceImages
from fusionbench_metrics.edge_shares import edge_shares
from fusionbench_metrics.labf import FusionLoss
from fusionbench_metrics.nabf import FusionArtifacts, fusion_artifacts

images = arrays(np.uint8, (9, 14))


def edge(height):
    image = np.zeros((20, 20), np.uint8)
    image[:, 10:] = height
    return image


def test_artifacts_are_the_added_share(scene):
    assert fusion_artifacts(*scene) == edge_shares(*scene).added


def test_an_edge_of_twice_the_height_differs_by_what_half_the_strength_is_not_worth():
    # Sobel / 8 of a step of 100 is 50 in two columns of 20 pixels; elsewhere 18 columns weigh 0.001.
    quality = math.sqrt(0.9999 / 2 * 0.9995 / (1 + math.exp(-11)))
    weight = 40 * 50**1.5
    expected = weight * (1 - quality) / (weight + 360 * 0.001)
    assert fusion_artifacts(edge(200), edge(100), edge(100)) == pytest.approx(expected, rel=1e-12)


def test_an_edge_of_half_the_height_is_no_artifact():
    assert fusion_artifacts(edge(100), edge(200), edge(200)) == 0.0


def test_an_edge_in_one_source_of_the_same_strength_is_no_artifact():
    assert fusion_artifacts(edge(200), edge(200), edge(10)) == 0.0


@given(images, images)
def test_a_copy_of_a_source_has_no_artifacts(visible, infrared):
    assert fusion_artifacts(visible, visible, infrared) == 0.0
    assert fusion_artifacts(infrared, visible, infrared) == 0.0


@given(images, images)
def test_a_constant_fused_image_has_no_artifacts(visible, infrared):
    assert fusion_artifacts(np.full_like(visible, 7), visible, infrared) == 0.0


@given(images, images)
def test_the_mean_of_two_sources_is_nowhere_steeper_than_both(visible, infrared):
    # Even levels, whose mean is not rounded.
    visible, infrared = visible // 2 * 2, infrared // 2 * 2
    assert fusion_artifacts(visible // 2 + infrared // 2, visible, infrared) == 0.0


def test_every_texture_over_two_constant_sources_is_an_artifact():
    flat = np.full((20, 20), 90, np.uint8)
    texture = np.random.default_rng(32).integers(0, 256, flat.shape, dtype=np.uint8)
    assert fusion_artifacts(texture, flat, flat) > 0.95


def test_nabf_and_labf_of_one_measured_image_are_those_measured_alone(scene):
    fused, visible, infrared = (MeasuredImage(image, image) for image in scene)
    sources = SourceImages(visible, infrared)
    shares = edge_shares(*scene)
    assert FusionLoss().measure(fused, sources) == shares.lost
    assert FusionArtifacts().measure(fused, sources) == shares.added


def test_other_sources_give_another_value_for_the_same_measured_image(scene):
    fused, visible, infrared = (MeasuredImage(image, image) for image in scene)
    first = FusionArtifacts().measure(fused, SourceImages(visible, infrared))
    second = FusionArtifacts().measure(fused, SourceImages(visible, visible))
    assert first != second
    assert second == fusion_artifacts(scene[0], scene[1], scene[1])
