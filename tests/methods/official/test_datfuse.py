"""DATFuse gives its authors' output."""

from __future__ import annotations

import pytest
import torch

from fusionbench_methods.datfuse import DATFuse, DATFuseNet
from fusionbench_methods.luma_chroma import grey_pillow


def test_the_authors_output_comes_out(reference):
    theirs = reference("datfuse")
    method = DATFuse(theirs.weights)
    planes = (plane.astype("float32") / 255 for plane in (grey_pillow(theirs.visible), theirs.infrared))
    assert theirs.largest_raw_difference(method.fuse_plane(*planes)) < 1e-4
    assert theirs.largest_difference(method.official(theirs.visible, theirs.infrared)) <= 1


def test_it_has_the_weights_on_its_card():
    assert sum(weight.numel() for weight in DATFuseNet().parameters()) == DATFuse.card.parameters


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (33, 48)], ids=str)
def test_any_size_is_fused(size):
    network = DATFuseNet().eval()
    fused = network(torch.rand(2, 1, *size), torch.rand(2, 1, *size))
    assert fused.shape == (2, 1, *size)
    assert torch.isfinite(fused).all()


@torch.no_grad()
def test_an_image_is_fused_alike_alone_and_in_a_batch():
    network = DATFuseNet().eval()
    visible, infrared = torch.rand(2, 1, 7, 11), torch.rand(2, 1, 7, 11)
    together = network(visible, infrared)
    alone = torch.cat([network(visible[i : i + 1], infrared[i : i + 1]) for i in range(2)])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-6)


@torch.no_grad()
def test_the_memory_layout_of_a_batch_changes_nothing():
    network = DATFuseNet().eval()
    visible, infrared = torch.rand(2, 1, 7, 11), torch.rand(2, 1, 7, 11)
    transposed = (image.transpose(2, 3).contiguous().transpose(2, 3) for image in (visible, infrared))
    torch.testing.assert_close(network(*transposed), network(visible, infrared), rtol=0, atol=1e-6)
