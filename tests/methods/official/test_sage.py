"""SAGE gives its authors' output."""

from __future__ import annotations

import pytest
import torch

from fusionbench_methods.opencv_luma_chroma import split_opencv
from fusionbench_methods.sage import SAGE, SAGENet


def test_the_authors_output_comes_out(reference):
    theirs = reference("sage")
    method = SAGE(theirs.weights)
    luma = split_opencv(theirs.visible)[..., 0]
    ours = method.fuse_plane(luma.astype("float32") / 255, theirs.infrared.astype("float32") / 255)
    assert theirs.largest_raw_difference(ours) < 1e-4
    assert theirs.largest_difference(method.official(theirs.visible, theirs.infrared)) <= 1


def test_it_has_the_weights_on_its_card():
    assert sum(weight.numel() for weight in SAGENet().parameters()) == SAGE.card.parameters


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (5, 9), (33, 48)], ids=str)
def test_any_size_is_fused(size):
    fused = SAGENet().eval()(torch.rand(2, 1, *size), torch.rand(2, 1, *size))
    assert fused.shape == (2, 1, *size)
