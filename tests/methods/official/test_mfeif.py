"""MFEIF gives its authors' output."""

from __future__ import annotations

import pytest
import torch

from fusionbench_methods.mfeif import MFEIF, MFEIFNet, edges

DEEPER = ("a2", "a3", "b2", "b3", "c1", "c2", "c3")
"""Levels of the extractor's branches."""


class Recorded(MFEIF):
    """Keeps what `official` fused, which takes too long to fuse it twice."""

    def fuse_plane(self, visible, infrared):
        self.fused = super().fuse_plane(visible, infrared)
        return self.fused


def test_the_authors_output_comes_out(reference):
    theirs = reference("mfeif")
    method = Recorded(theirs.weights)
    image = method.official(theirs.visible, theirs.infrared)
    assert theirs.largest_raw_difference(method.fused) < 1e-4
    assert theirs.largest_difference(image) <= 1


def test_with_the_authors_weights_only_the_first_level_has_an_effect(reference):
    method = MFEIF(reference("mfeif").weights)
    network = method._network
    visible, infrared = torch.rand(1, 1, 40, 50), torch.rand(1, 1, 40, 50)
    with torch.no_grad():
        whole = network(visible, infrared)
        silenced = [network.att, *(network.ext.get_submodule(f"conv_{unit}") for unit in DEEPER)]
        for weight in (weight for module in silenced for weight in module.parameters()):
            weight.zero_()
        assert torch.allclose(network(visible, infrared), whole, rtol=0, atol=1e-6)
        network.ext.conv_a1.bn.weight.zero_()
        assert not torch.allclose(network(visible, infrared), whole, rtol=0, atol=1e-2)


def test_it_has_the_weights_on_its_card():
    assert sum(weight.numel() for weight in MFEIFNet().parameters()) == MFEIF.card.parameters


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (33, 48)], ids=str)
def test_any_size_is_fused(size):
    fused = MFEIFNet()(torch.rand(2, 1, *size), torch.rand(2, 1, *size))
    assert fused.shape == (2, 1, *size)
    assert fused.isfinite().all()


def test_an_edge_is_seen_from_two_pixels_on_either_side():
    image = torch.zeros(1, 1, 4, 8)
    image[..., 4:] = 1
    assert edges(image)[0, 0, 2].tolist() == [0, 0, 0.5, 0.5, 0.5, 0.5, 0, 0]
