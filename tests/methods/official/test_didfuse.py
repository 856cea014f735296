"""DIDFuse gives its authors' output."""

from __future__ import annotations

import pytest
import torch

from fusionbench_methods.didfuse import DIDFuse, DIDFuseNet
from fusionbench_methods.luma_chroma import grey_pillow


def test_the_authors_output_comes_out(reference):
    theirs = reference("didfuse")
    method = DIDFuse(theirs.weights)
    grey = grey_pillow(theirs.visible).astype("float32") / 255
    ours = method.fuse_plane(grey, theirs.infrared.astype("float32") / 255)
    assert theirs.largest_raw_difference(ours) < 1e-4
    assert theirs.largest_difference(method.official(theirs.visible, theirs.infrared)) <= 1


def test_it_has_the_weights_on_its_card():
    assert sum(weight.numel() for weight in DIDFuseNet().parameters()) == DIDFuse.card.parameters


def test_both_images_count_alike():
    network = DIDFuseNet().eval()
    visible, infrared = torch.rand(2, 1, 1, 9, 12)
    assert torch.allclose(network(visible, infrared), network(infrared, visible), atol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (33, 48)], ids=str)
def test_any_size_is_fused(size):
    fused = DIDFuseNet().eval()(torch.rand(2, 1, *size), torch.rand(2, 1, *size))
    assert fused.shape == (2, 1, *size)
