"""The closed form that fusion starts from."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fusionbench_methods.gff import guided_filter as published_guided_filter
from fusionbench_methods.sgafusion.fixed.filters import guided_filter, window_mean
from fusionbench_methods.sgafusion.fixed.fusion_base import (
    BANDS,
    fuse_bands,
    saliency_weights,
    split_into_bands,
)
from tests.conftest import make_pair


def images(seed=0, size=(70, 93)):
    visible, infrared = make_pair(seed, *size)
    return tuple(
        torch.from_numpy(image.astype(np.float32) / 255)[None, None] for image in (visible[..., 0], infrared)
    )


@pytest.mark.parametrize("radius", [1, 7, 20])
def test_the_guided_filter_is_that_of_the_benchmarks_gff(radius):
    guide, image = images()
    ours = guided_filter(guide.double(), image.double(), radius, 1e-3)[0, 0].numpy()
    theirs = published_guided_filter(guide[0, 0].double().numpy(), image[0, 0].double().numpy(), radius, 1e-3)
    assert np.abs(ours - theirs).max() < 1e-10


def test_windows_are_cut_off_at_the_border():
    assert torch.allclose(window_mean(torch.ones(1, 2, 9, 5), 20), torch.ones(1, 2, 9, 5))


def test_bands_sum_to_the_image():
    image, _ = images()
    bands = split_into_bands(image)
    assert len(bands.details) == BANDS
    assert torch.allclose(sum(bands.details) + bands.low, image, atol=1e-6)


def test_two_equal_images_give_themselves():
    image, _ = images()
    corrections = torch.randn(1, BANDS + 1, *image.shape[2:])
    assert torch.allclose(fuse_bands(image, image, corrections), image, atol=1e-6)


@pytest.mark.parametrize(("push", "winner"), [(50.0, 0), (-50.0, 1)])
def test_corrections_can_choose_either_source(push, winner):
    pair = images()
    corrections = torch.full((1, BANDS + 1, *pair[0].shape[2:]), push)
    assert torch.allclose(fuse_bands(*pair, corrections), pair[winner], atol=1e-5)


def test_detail_wins_over_flatness():
    detailed, _ = images()
    flat = torch.full_like(detailed, 0.5)
    for weights in saliency_weights(detailed, flat):
        assert float(weights.mean()) > 0.9
    for weights in saliency_weights(flat, detailed):
        assert float(weights.mean()) < 0.1


def test_weights_are_inside_the_unit_interval():
    for weights in saliency_weights(*images(3)):
        assert 0 < float(weights.min()) <= float(weights.max()) < 1


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (17, 16)], ids=str)
def test_any_size_is_fused(size):
    pair = images(1, size)
    fused = fuse_bands(*pair, torch.zeros(1, BANDS + 1, *size))
    assert fused.shape == pair[0].shape and fused.isfinite().all()
