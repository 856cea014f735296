"""LRRNet gives its authors' output."""

from __future__ import annotations

import pytest
import torch

from fusionbench_methods import stripes
from fusionbench_methods.lrrnet import LRRNet, LRRNetwork, shrunk, stretched


def test_the_authors_output_comes_out(reference, monkeypatch):
    theirs = reference("lrrnet")
    method = LRRNet(theirs.weights)
    fuse, fused = method.fuse_plane, []
    monkeypatch.setattr(method, "fuse_plane", lambda *pair: fused.append(fuse(*pair)) or fused[0])
    assert theirs.largest_difference(method.official(theirs.visible, theirs.infrared)) <= 1
    assert theirs.largest_raw_difference(fused[0]) < 1e-3


def test_it_has_the_weights_on_its_card():
    assert sum(weight.numel() for weight in LRRNetwork().parameters()) == LRRNet.card.parameters


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (33, 48)], ids=str)
def test_any_size_is_fused(size):
    fused = LRRNetwork()(torch.rand(2, 1, *size), torch.rand(2, 1, *size))
    assert fused.shape == (2, 1, *size)
    assert torch.isfinite(fused).all()


@torch.no_grad()
def test_stripes_make_no_difference(monkeypatch):
    network, pair = LRRNetwork(), (torch.rand(1, 1, 50, 12), torch.rand(1, 1, 50, 12))
    whole = network(*pair)
    monkeypatch.setattr(stripes, "ROWS", 9)
    torch.testing.assert_close(network(*pair), whole)


def test_images_are_stretched_each_by_itself():
    images = torch.tensor([0.2, 0.4, 0.5, 0.9]).view(2, 1, 1, 2)
    torch.testing.assert_close(stretched(images).flatten(), torch.tensor([0.0, 1.0, 0.0, 1.0]))


def test_a_flat_image_is_stretched_to_black():
    assert (stretched(torch.full((1, 1, 3, 3), 0.7)) == 0).all()


def test_values_shrink_by_their_channels_threshold_and_grow_by_a_negative_one():
    code = torch.tensor([[-3.0, 0.5, 0.0], [-3.0, 0.5, 0.0]])[None, :, None]
    thresholds = torch.tensor([1.0, -1.0])[None, :, None, None]
    expected = torch.tensor([[-2.0, 0.0, 0.0], [-4.0, 1.5, 0.0]])[None, :, None]
    torch.testing.assert_close(shrunk(code, thresholds), expected)
