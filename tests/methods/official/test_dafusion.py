"""DAFusion gives its authors' output."""

from __future__ import annotations

import pytest
import torch

from fusionbench_methods.dafusion import DAFusion, DAFusionNet
from fusionbench_methods.luma_chroma import split_luma_chroma


def test_the_authors_output_comes_out(reference):
    theirs = reference("dafusion")
    method = DAFusion(theirs.weights)
    luma = split_luma_chroma(theirs.visible).luma
    ours = 255 * method.fuse_plane(luma, theirs.infrared.astype("float32") / 255)
    assert theirs.largest_raw_difference(ours) < 1e-4
    assert theirs.largest_difference(method.official(theirs.visible, theirs.infrared)) <= 1


def test_it_has_the_weights_on_its_card():
    assert sum(weight.numel() for weight in DAFusionNet().parameters()) == DAFusion.card.parameters


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (33, 48)], ids=str)
def test_any_size_is_fused(size):
    fused = DAFusionNet()(torch.rand(2, 1, *size), torch.rand(2, 1, *size))
    assert fused.shape == (2, 1, *size)
    assert torch.isfinite(fused).all()


@torch.no_grad()
def test_images_of_a_batch_do_not_change_one_another():
    network, images = DAFusionNet(), (torch.rand(2, 1, 12, 20), torch.rand(2, 1, 12, 20) ** 3)
    alone = [network(*(image[index : index + 1] for image in images)) for index in range(2)]
    torch.testing.assert_close(network(*images), torch.cat(alone))


def test_it_says_that_it_is_made_for_damaged_images():
    assert DAFusion.card.degradation_aware
