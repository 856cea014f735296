"""U2Fusion gives its authors' output."""

from __future__ import annotations

import pytest
import torch

from fusionbench_methods.u2fusion import U2Fusion, U2FusionNet


class Recorded(U2Fusion):
    """Keeps what `official` fused, which takes too long to fuse it twice."""

    def fuse_plane(self, visible, infrared):
        self.fused = super().fuse_plane(visible, infrared)
        return self.fused


def test_the_authors_output_comes_out(reference):
    theirs = reference("u2fusion")
    method = Recorded(theirs.weights)
    image = method.official(theirs.visible, theirs.infrared)
    assert theirs.largest_raw_difference(method.fused) < 1e-4
    assert theirs.largest_difference(image) <= 1


def test_it_has_the_weights_on_its_card():
    assert sum(weight.numel() for weight in U2FusionNet().parameters()) == U2Fusion.card.parameters


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (33, 48)], ids=str)
def test_any_size_is_fused(size):
    fused = U2FusionNet()(torch.rand(2, 1, *size), torch.rand(2, 1, *size))
    assert fused.shape == (2, 1, *size)
    assert fused.isfinite().all()
