"""AUIF gives its authors' output."""

from __future__ import annotations

import pytest
import torch

from fusionbench_methods.auif import AUIF, AUIFNet, blurred, laplacian


class Recorded(AUIF):
    """Keeps what `official` fused, which takes too long to fuse it twice."""

    def fuse_plane(self, visible, infrared):
        self.fused = super().fuse_plane(visible, infrared)
        return self.fused


def test_the_authors_output_comes_out(reference):
    theirs = reference("auif")
    method = Recorded(theirs.weights)
    image = method.official(theirs.visible, theirs.infrared)
    assert theirs.largest_raw_difference(method.fused) < 1e-4
    assert theirs.largest_difference(image) <= 1


def test_it_has_the_weights_on_its_card():
    assert sum(weight.numel() for weight in AUIFNet().parameters()) == AUIF.card.parameters


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (33, 48)], ids=str)
def test_any_size_is_fused(size):
    fused = AUIFNet()(torch.rand(2, 1, *size), torch.rand(2, 1, *size))
    assert fused.shape == (2, 1, *size)
    assert fused.isfinite().all()


def test_a_uniform_image_is_its_own_base_and_has_no_detail():
    uniform = torch.full((1, 1, 30, 25), 0.25)
    assert torch.allclose(blurred(uniform), uniform)
    assert laplacian(uniform).abs().max() < 1e-6


def test_a_dark_pixel_is_a_positive_detail():
    image = torch.ones(1, 1, 41, 41)
    image[..., 20, 20] = 0
    # 360 neighbours over a sum of absolute weights of 720.
    assert laplacian(image)[0, 0, 20, 20].item() == pytest.approx(0.5, abs=1e-5)
