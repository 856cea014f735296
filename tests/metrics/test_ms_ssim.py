import numpy as np
import piq
import pytest
import torch

from fusionbench.contracts import MeasuredImage, SourceImages
from fusionbench_metrics.local_similarity import WANG
from fusionbench_metrics.ms_ssim import (
    MINIMUM_SIZE,
    MultiScaleSimilarity,
    measured_multi_scale_similarity,
    multi_scale_similarity,
)
from fusionbench_metrics.ssim import C1, StructuralSimilarity

TEXTURE = np.random.default_rng(30).integers(60, 200, (170, 180), dtype=np.uint8)


def enlarged(scene, height, width):
    """The scene, mirrored on to a size."""
    return tuple(
        np.pad(image, ((0, height - image.shape[0]), (0, width - image.shape[1])), "symmetric")
        for image in scene
    )


def by_piq(fused, source):
    first, second = (torch.from_numpy(image.copy())[None, None].double() for image in (fused, source))
    return float(piq.multi_scale_ssim(first, second, data_range=255))


@pytest.mark.parametrize(("height", "width"), [(192, 208), (176, 320)])
def test_similarity_is_that_of_piq(scene, height, width):
    fused, visible, infrared = enlarged(scene, height, width)
    expected = (by_piq(fused, visible) + by_piq(fused, infrared)) / 2
    assert multi_scale_similarity(fused, visible, infrared) == pytest.approx(expected, rel=1e-12)


def test_odd_sizes_repeat_the_last_row_and_column_where_piq_repeats_the_first(scene):
    fused, visible, infrared = enlarged(scene, 161, 161)
    expected = (
        by_piq(fused[::-1, ::-1], visible[::-1, ::-1]) + by_piq(fused[::-1, ::-1], infrared[::-1, ::-1])
    ) / 2
    assert multi_scale_similarity(fused, visible, infrared) == pytest.approx(expected, rel=1e-12)


def test_three_equal_images_have_similarity_one():
    assert multi_scale_similarity(TEXTURE, TEXTURE, TEXTURE) == pytest.approx(1.0, abs=1e-12)


def test_swapping_the_sources_changes_nothing(scene):
    fused, visible, infrared = enlarged(scene, 161, 170)
    there = multi_scale_similarity(fused, visible, infrared)
    assert multi_scale_similarity(fused, infrared, visible) == pytest.approx(there, rel=1e-14)


def test_constant_images_differ_by_luminance_at_the_last_scale_alone():
    dark, bright = np.full((161, 161), 50, np.uint8), np.full((161, 161), 200, np.uint8)
    luminance = (2 * 50 * 200 + C1) / (50**2 + 200**2 + C1)
    assert multi_scale_similarity(dark, bright, bright) == pytest.approx(luminance**0.1333, rel=1e-9)


def test_the_negative_of_a_texture_counts_as_nothing():
    assert multi_scale_similarity(255 - TEXTURE, TEXTURE, TEXTURE) == 0.0


def test_the_coarse_scales_count(scene):
    visible = enlarged(scene, 192, 192)[1]
    ramp = np.linspace(-60, 60, 192)[:, None]
    tilted = np.clip(visible + ramp, 0, 255).astype(np.uint8)
    assert multi_scale_similarity(tilted, visible, visible) < 0.99
    assert multi_scale_similarity(visible, visible, visible) > multi_scale_similarity(
        tilted, visible, visible
    )


def test_another_range_changes_the_constants(scene):
    fused, visible, infrared = enlarged(scene, 176, 176)
    sources = SourceImages(MeasuredImage(visible, visible), MeasuredImage(infrared, infrared))
    image = MeasuredImage(fused, fused)
    unit_range = measured_multi_scale_similarity(image, sources, WANG.over_range(1))
    assert unit_range < measured_multi_scale_similarity(image, sources)


def test_what_ssim_kept_gives_the_same_value(scene):
    fused, visible, infrared = enlarged(scene, 161, 170)
    image = MeasuredImage(fused, fused)
    sources = SourceImages(MeasuredImage(visible, visible), MeasuredImage(infrared, infrared))
    StructuralSimilarity().measure(image, sources)
    shared = MultiScaleSimilarity().measure(image, sources)
    assert shared == multi_scale_similarity(fused, visible, infrared)


def test_the_minimum_size_is_the_first_above_160():
    assert MINIMUM_SIZE == 161
