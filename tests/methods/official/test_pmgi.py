"""PMGI gives its authors' output."""

from __future__ import annotations

import pytest
import torch

from fusionbench_methods.pmgi import PMGI, PMGINet
from fusionbench_methods.scipy_images import grey_unrounded


def test_the_authors_output_comes_out(reference):
    theirs = reference("pmgi")
    method = PMGI(theirs.weights)
    grey = grey_unrounded(theirs.visible) / 255
    fused = method.fuse_plane(grey, theirs.infrared.astype("float32") / 255)
    # Their network's own range is -1 to 1.
    assert theirs.largest_raw_difference(fused * 2 - 1) < 1e-4
    assert theirs.largest_difference(method.official(theirs.visible, theirs.infrared)) <= 1


def test_it_has_the_weights_on_its_card():
    assert sum(weight.numel() for weight in PMGINet().parameters()) == PMGI.card.parameters


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (33, 48)], ids=str)
def test_any_size_is_fused(size):
    fused = PMGINet()(torch.rand(2, 1, *size), torch.rand(2, 1, *size))
    assert fused.shape == (2, 1, *size)
    assert fused.isfinite().all()


def test_an_image_is_normalised_without_regard_to_the_others_of_its_batch():
    network = PMGINet().eval()
    visible, infrared = torch.rand(3, 1, 12, 17), torch.rand(3, 1, 12, 17)
    together = network(visible, infrared)
    alone = network(visible[1:2], infrared[1:2])
    assert torch.allclose(together[1:2], alone, atol=1e-6)
