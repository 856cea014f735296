import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from fusionbench.contracts import MeasuredImage, SourceImages
from fusionbench.images import read_visible, to_grey
from fusionbench_metrics.edge_shares import edge_shares, edge_shares_of, kept_edge_shares
from fusionbench_metrics.qabf import edge_preservation, kept_edges

SHAPE = (9, 14)
images = arrays(np.uint8, SHAPE)


def plain_edges(image):
    horizontal, vertical = (
        ndimage.sobel(image.astype(np.float64), axis=axis, mode="mirror") / 8 for axis in (1, 0)
    )
    return horizontal, vertical


def plain_quality(strength, angle, fused_strength, fused_angle):
    most = max(strength, fused_strength)
    ratio = min(strength, fused_strength) / most if most > 0 else 0.0
    agreement = abs(abs(angle - fused_angle) - math.pi / 2) * 2 / math.pi
    kept_strength = 0.9999 / (1 + math.exp(-19 * (ratio - 0.5)))
    kept_orientation = 0.9995 / (1 + math.exp(-22 * (agreement - 0.5)))
    return math.sqrt(kept_strength * kept_orientation)


def polar(horizontal, vertical):
    angle = math.pi / 2 if horizontal == 0 else math.atan(vertical / horizontal)
    return math.sqrt(horizontal**2 + vertical**2), angle


def plain_shares(fused, first, second):
    """The definition pixel by pixel, with scipy's Sobel gradients."""
    gradients = [plain_edges(image) for image in (fused, first, second)]
    kept = lost = added = total = 0.0
    for place in np.ndindex(*fused.shape):
        edges = [polar(horizontal[place], vertical[place]) for horizontal, vertical in gradients]
        artifact = edges[0][0] > max(edges[1][0], edges[2][0])
        for strength, angle in edges[1:]:
            weight = strength**1.5 if strength >= 2 else 0.001
            quality = plain_quality(strength, angle, *edges[0])
            kept += weight * quality
            added += weight * (1 - quality) * artifact
            lost += weight * (1 - quality) * (not artifact)
            total += weight
    return kept / total, lost / total, added / total


def test_shares_are_those_of_the_definition_pixel_by_pixel(scene):
    assert edge_shares(*scene) == pytest.approx(plain_shares(*scene), rel=1e-12)


def test_shares_of_images_in_many_bands_are_those_of_the_definition():
    fused, first, second = np.random.default_rng(31).integers(0, 256, (3, 70, 900), dtype=np.uint8)
    assert edge_shares(fused, first, second) == pytest.approx(plain_shares(fused, first, second), rel=1e-12)


@given(images, images, images)
def test_the_three_shares_sum_to_one(fused, first, second):
    shares = edge_shares(fused, first, second)
    assert sum(shares) == pytest.approx(1.0, rel=1e-14)
    assert all(0 <= share <= 1 for share in shares)


@given(images, images, images)
def test_swapping_the_sources_changes_nothing(fused, first, second):
    assert edge_shares(fused, second, first) == pytest.approx(edge_shares(fused, first, second), rel=1e-12)


@given(images, images, images)
def test_turning_or_inverting_all_images_changes_nothing(fused, first, second):
    expected = edge_shares(fused, first, second)
    turned = edge_shares(*(np.rot90(image, 2) for image in (fused, first, second)))
    inverted = edge_shares(*(255 - image for image in (fused, first, second)))
    assert turned == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert inverted == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_what_a_pixel_without_an_edge_weighs_can_be_chosen():
    edge = np.zeros((9, 12), np.uint8)
    edge[:, 6:] = 200
    whole = plain_quality(100, 0, 100, 0)
    assert edge_shares(edge, edge, edge, weak_weight=0.0).kept == pytest.approx(whole, rel=1e-14)
    assert edge_shares(edge, edge, edge, weak_weight=100.0).kept < 0.9 * whole


def test_without_any_weight_there_is_no_value():
    flat = np.full(SHAPE, 9, np.uint8)
    assert all(math.isnan(share) for share in edge_shares(flat, flat, flat, weak_weight=0.0))


def test_shared_sobel_edges_give_the_same_shares_and_are_left_alone(scene):
    fused, visible, infrared = (MeasuredImage(image, image) for image in scene)
    before = [part.copy() for image in (fused, visible, infrared) for part in kept_edges(image)]
    assert edge_shares_of(fused, visible, infrared) == edge_shares(*scene)
    assert kept_edge_shares(fused, SourceImages(visible, infrared)) == edge_shares(*scene)
    after = [part for image in (fused, visible, infrared) for part in kept_edges(image)]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


def test_any_of_the_three_images_can_stand_for_the_fused_one(scene):
    fused, visible, infrared = (MeasuredImage(image, image) for image in scene)
    kept_edge_shares(fused, SourceImages(visible, infrared))
    permuted = edge_shares_of(infrared, visible, fused)
    assert permuted == edge_shares(scene[2], scene[1], scene[0])
    assert permuted != edge_shares(*scene)


def test_kept_is_not_qabf(scene):
    assert edge_shares(*scene).kept != pytest.approx(edge_preservation(*scene), rel=0.01)


@pytest.mark.parametrize(
    ("implementation", "name", "order", "share", "weak_weight"),
    [
        ("tang_vectorised_octave", "Nabf_correct_argorder", (0, 1, 2), "added", 0.001),
        ("tang_vectorised_octave", "Labf", (0, 1, 2), "lost", 0.001),
        ("tang_vectorised_octave", "Qabf_petrovic", (0, 1, 2), "kept", 0.001),
        ("tang_vectorised_octave", "Nabf_as_coded_argorder_bug", (2, 1, 0), "added", 0.001),
        ("ivif_zoo", "Nabf", (0, 1, 2), "added", 0.0),
    ],
)
def test_shares_are_those_of_public_implementations(implementation, name, order, share, weak_weight, shared):
    table = pd.read_csv(shared / "oracle" / "metrics.csv", dtype=str)
    rows = table[(table["implementation"] == implementation) & (table["metric"] == name)]
    assert len(rows) == 12
    for dataset, image, value in rows[["dataset", "image", "value"]].itertuples(index=False):
        folder = shared / "reference" / "sgafusion_outputs" / dataset
        scene = [
            to_grey(read_visible(next((folder / part).glob(f"{image}.*")))) for part in ("Ours", "Vis", "Inf")
        ]
        shares = edge_shares(*(scene[index] for index in order), weak_weight)
        assert getattr(shares, share) == pytest.approx(float(value), rel=1e-12)
