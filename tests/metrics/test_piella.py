"""The three indices of Piella and Heijmans: Qs, Qw and Qe."""

import itertools

import numpy as np
import pytest
from scipy import ndimage

from fusionbench.contracts import MeasuredImage, SourceImages
from fusionbench_metrics.piella import edges
from fusionbench_metrics.qe import PiellaEdgeIndex, piella_edge_index
from fusionbench_metrics.qs import PiellaIndex, piella_index
from fusionbench_metrics.qw import PiellaWeightedIndex, piella_weighted_index
from fusionbench_metrics.ssim import StructuralSimilarity, structural_similarity

INDICES = (piella_index, piella_weighted_index, piella_edge_index)
TEXTURE = np.random.default_rng(34).integers(0, 256, (20, 24), dtype=np.uint8)
SIDE = 11
C1, C2 = 2.55**2, 7.65**2


def gaussian():
    rows, columns = np.mgrid[-5:6, -5:6]
    window = np.exp(-(rows**2 + columns**2) / (2 * 1.5**2))
    return window / window.sum()


def moments(first, second, window):
    """Means, variances and covariance of two patches."""
    means = (window * first).sum(), (window * second).sum()
    off = first - means[0], second - means[1]
    return (
        *means,
        (window * off[0] ** 2).sum(),
        (window * off[1] ** 2).sum(),
        (window * off[0] * off[1]).sum(),
    )


def similarity(first, second, window):
    mean, other_mean, variance, other_variance, covariance = moments(first, second, window)
    luminance = (2 * mean * other_mean + C1) / (mean**2 + other_mean**2 + C1)
    return luminance * (2 * covariance + C2) / (variance + other_variance + C2)


def plain_indices(fused, visible, infrared):
    """Qs and Qw, window by window. No window of these images is flat in both sources."""
    window = gaussian()
    qualities, weights = [], []
    for top, left in itertools.product(*(range(side - SIDE + 1) for side in fused.shape)):
        seen = np.s_[top : top + SIDE, left : left + SIDE]
        patch, first, second = (image[seen].astype(np.float64) for image in (fused, visible, infrared))
        _, _, saliency, other_saliency, _ = moments(first, second, window)
        share = saliency / (saliency + other_saliency)
        qualities.append(
            share * similarity(first, patch, window) + (1 - share) * similarity(second, patch, window)
        )
        weights.append(max(saliency, other_saliency))
    return np.mean(qualities), np.average(qualities, weights=weights)


def test_both_indices_are_those_of_a_loop_over_windows(scene):
    part = tuple(image[15:40, 22:50] for image in scene)
    plain, weighted = plain_indices(*part)
    assert piella_index(*part) == pytest.approx(plain, rel=1e-10)
    assert piella_weighted_index(*part) == pytest.approx(weighted, rel=1e-10)


def test_edges_are_prewitt_magnitudes_with_zeros_beyond_the_border(scene):
    image = scene[1]
    across, down = (ndimage.prewitt(image.astype(np.float64), axis, mode="constant") for axis in (1, 0))
    np.testing.assert_allclose(edges(MeasuredImage(image, image)), np.hypot(across, down), rtol=1e-12)


def test_the_edge_index_is_the_square_of_the_weighted_index_of_the_edges(scene):
    part = tuple(image[15:40, 22:50] for image in scene)
    of_edges = plain_indices(*(edges(MeasuredImage(image, image)) for image in part))[1]
    assert piella_edge_index(*part) == pytest.approx(of_edges**2, rel=1e-10)


def test_the_edge_index_of_the_paper_multiplies_images_and_edges(scene):
    edges_alone = piella_edge_index(*scene, image_exponent=0, edge_exponent=1)
    expected = piella_weighted_index(*scene) * edges_alone
    assert piella_edge_index(*scene, image_exponent=1, edge_exponent=1) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("index", INDICES)
def test_three_equal_images_have_one(index):
    assert index(TEXTURE, TEXTURE, TEXTURE) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("index", INDICES)
def test_swapping_the_sources_changes_nothing(index, scene):
    fused, visible, infrared = scene
    assert index(fused, infrared, visible) == pytest.approx(index(fused, visible, infrared), rel=1e-12)


@pytest.mark.parametrize("index", INDICES[:2])
def test_a_constant_source_does_not_count(index):
    flat = np.full_like(TEXTURE, 77)
    assert index(TEXTURE, TEXTURE, flat) == pytest.approx(1.0, abs=1e-12)
    assert index(TEXTURE, flat, TEXTURE) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("index", INDICES[:2])
@pytest.mark.parametrize("levels", [(0, 0), (0, 200), (17, 200)])
def test_two_constant_sources_count_by_half_in_every_window(index, levels):
    dark, bright = (np.full_like(TEXTURE, level) for level in levels)
    expected = structural_similarity(TEXTURE, dark, bright)
    assert index(TEXTURE, dark, bright) == pytest.approx(expected, rel=1e-12)


def test_the_edges_of_black_sources_are_nowhere():
    black = np.zeros_like(TEXTURE)
    assert piella_edge_index(black, black, black) == pytest.approx(1.0, abs=1e-12)
    assert piella_edge_index(TEXTURE, black, black) < 0.05


def test_edges_against_those_of_the_sources_count_as_nothing():
    rows, columns = np.mgrid[:24, :24]
    faint = (120 + 8 * ((rows // 4 + columns // 4) % 2)).astype(np.uint8)
    # The magnitude is large just where that of the sources is small.
    strength = edges(MeasuredImage(faint, faint))
    stripes = np.where(strength == 0, 255 * (columns % 4 > 1), 128).astype(np.uint8)
    assert piella_edge_index(stripes, faint, faint, 0, 1) == 0.0


def test_the_window_that_shows_most_weighs_most():
    left = np.full((20, 60), 100, np.uint8)
    left[:, :20] = TEXTURE[:, :20]
    left[:, 40:] = 100 + TEXTURE[:, :20] // 16
    keeps_strong, keeps_faint = np.full_like(left, 100), np.full_like(left, 100)
    keeps_strong[:, :30], keeps_faint[:, 30:] = left[:, :30], left[:, 30:]
    assert piella_weighted_index(keeps_strong, left, left) > 0.95
    assert piella_weighted_index(keeps_faint, left, left) < 0.1


@pytest.mark.parametrize(
    ("metric", "index"),
    [
        (PiellaIndex(), piella_index),
        (PiellaWeightedIndex(), piella_weighted_index),
        (PiellaEdgeIndex(), piella_edge_index),
    ],
    ids=["qs", "qw", "qe"],
)
def test_what_other_metrics_kept_gives_the_same_value(metric, index, scene):
    fused, visible, infrared = scene
    image = MeasuredImage(fused, fused)
    sources = SourceImages(MeasuredImage(visible, visible), MeasuredImage(infrared, infrared))
    for other in (PiellaEdgeIndex(), StructuralSimilarity(), PiellaWeightedIndex(), PiellaIndex()):
        other.measure(image, sources)
    assert metric.measure(image, sources) == index(*scene)
