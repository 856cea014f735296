"""IFCNN gives its authors' output."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fusionbench_methods.ifcnn import IFCNN, IFCNNMean, IFCNNSum


def test_the_authors_output_comes_out(reference):
    theirs = reference("ifcnn")
    method = IFCNN(theirs.weights)
    with torch.no_grad():
        (ours,) = method.fuse(batch_of(theirs.visible.transpose(2, 0, 1)), batch_of(theirs.infrared[None]))
    assert theirs.largest_raw_difference(ours) < 1e-4
    assert theirs.largest_difference(method.official(theirs.visible, theirs.infrared)) <= 1


@pytest.mark.parametrize("method", [IFCNN, IFCNNMean, IFCNNSum])
def test_an_image_fused_with_itself_comes_back(reference, method):
    """With the rule that the weights were trained for; what the authors' networks learnt was to focus."""
    theirs = reference("ifcnn")
    grey = batch_of(theirs.visible[200:280, 200:280, 1][None])
    with torch.no_grad():
        fused = method(theirs.weights).fuse(grey.expand(-1, 3, -1, -1), grey)
    assert (fused - grey).abs().mean() < 0.02


@pytest.mark.parametrize("method", [IFCNN, IFCNNMean, IFCNNSum])
def test_each_has_the_weights_on_its_card(method):
    assert sum(weight.numel() for weight in method.build().parameters()) == method.card.parameters


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (33, 48)], ids=str)
def test_any_size_is_fused(size):
    fused = IFCNN.build().eval()(torch.rand(2, 3, *size), torch.rand(2, 3, *size))
    assert fused.shape == (2, 3, *size)


def batch_of(image):
    """8-bit `(C, H, W)` as a batch of one in [0, 1]."""
    return torch.from_numpy(image.astype(np.float32) / 255)[None]
