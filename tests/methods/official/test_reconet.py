"""ReCoNet gives its authors' output."""

from __future__ import annotations

import pytest
import torch

from fusionbench_methods.luma_chroma import grey_opencv
from fusionbench_methods.reconet import ReCoNet, ReCoNetFuser


def test_the_authors_output_comes_out(reference):
    theirs = reference("reconet")
    method = ReCoNet(theirs.weights)
    grey = grey_opencv(theirs.visible).astype("float32") / 255
    ours = method.fuse_plane(grey, theirs.infrared.astype("float32") / 255)
    assert theirs.largest_raw_difference(ours) < 1e-4
    assert theirs.largest_difference(method.official(theirs.visible, theirs.infrared)) <= 1


def test_it_has_the_weights_on_its_card():
    assert sum(weight.numel() for weight in ReCoNetFuser().parameters()) == ReCoNet.card.parameters


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (33, 48)], ids=str)
def test_any_size_is_fused(size):
    fused = ReCoNetFuser().eval()(torch.rand(2, 1, *size), torch.rand(2, 1, *size))
    assert fused.shape == (2, 1, *size)
