"""SeAFusion gives its authors' output."""

from __future__ import annotations

import pytest
import torch

from fusionbench_methods.luma_chroma import split_luma_chroma
from fusionbench_methods.seafusion import SeAFusion, SeAFusionNet


def test_the_authors_output_comes_out(reference):
    theirs = reference("seafusion")
    method = SeAFusion(theirs.weights)
    luma = split_luma_chroma(theirs.visible).luma
    assert (
        theirs.largest_raw_difference(method.fuse_plane(luma, theirs.infrared.astype("float32") / 255)) < 1e-4
    )
    assert theirs.largest_difference(method.official(theirs.visible, theirs.infrared)) <= 1


def test_it_has_the_weights_on_its_card():
    assert sum(weight.numel() for weight in SeAFusionNet().parameters()) == SeAFusion.card.parameters


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (33, 48)], ids=str)
def test_any_size_is_fused(size):
    fused = SeAFusionNet()(torch.rand(2, 1, *size), torch.rand(2, 1, *size))
    assert fused.shape == (2, 1, *size)
