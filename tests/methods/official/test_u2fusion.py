"""U2Fusion gives its authors' output."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fusionbench_methods.u2fusion import U2Fusion, U2FusionNet


def test_the_authors_output_comes_out(reference):
    theirs = reference("u2fusion")
    method = U2Fusion(theirs.weights)
    grey = theirs.visible.astype("float32") @ np.array([0.299, 0.587, 0.114], np.float32) / 255
    fused = method.fuse_plane(grey, theirs.infrared.astype("float32") / 255)
    assert theirs.largest_raw_difference(fused) < 1e-4
    assert theirs.largest_difference(method.official(theirs.visible, theirs.infrared)) <= 1


def test_it_has_the_weights_on_its_card():
    assert sum(weight.numel() for weight in U2FusionNet().parameters()) == U2Fusion.card.parameters


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (33, 48)], ids=str)
def test_any_size_is_fused(size):
    fused = U2FusionNet()(torch.rand(2, 1, *size), torch.rand(2, 1, *size))
    assert fused.shape == (2, 1, *size)
    assert fused.isfinite().all()
