"""TarDAL gives its authors' output."""

from __future__ import annotations

import pytest
import torch

from fusionbench_methods.luma_chroma import grey_opencv
from fusionbench_methods.tardal import TarDAL, TarDALNet, TarDALPlus, TarDALPlusPlus


def test_the_authors_output_comes_out(reference):
    theirs = reference("tardal")
    method = TarDALPlusPlus(theirs.weights)
    grey = grey_opencv(theirs.visible).astype("float32") / 255
    ours = method.fuse_plane(grey, theirs.infrared.astype("float32") / 255)
    assert theirs.largest_raw_difference(ours) < 1e-4
    assert theirs.largest_difference(method.official(theirs.visible, theirs.infrared)) <= 1


def test_three_trainings_fuse_differently(reference):
    folder = reference("tardal").weights
    visible, infrared = torch.rand(2, 1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        plain, plus, both = (
            method(folder).fuse(visible, infrared) for method in (TarDAL, TarDALPlus, TarDALPlusPlus)
        )
    assert not torch.allclose(plain, plus, atol=1e-2)
    assert not torch.allclose(plain, both, atol=1e-2)
    assert not torch.allclose(plus, both, atol=1e-2)


def test_subnormal_weights_become_zero_and_others_stay():
    tensors = {"weight": torch.tensor([1e-40, -1e-40, 1e-30, -2.0, 0.0]), "count": torch.tensor(7)}
    kept = TarDAL.renamed(tensors)
    assert torch.equal(kept["weight"], torch.tensor([0.0, 0.0, 1e-30, -2.0, 0.0]))
    assert kept["count"] == 7


@pytest.mark.parametrize("method", [TarDAL, TarDALPlus, TarDALPlusPlus])
def test_each_has_the_weights_on_its_card(method):
    assert sum(weight.numel() for weight in TarDALNet().parameters()) == method.card.parameters


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (33, 48)], ids=str)
def test_any_size_is_fused(size):
    fused = TarDALNet().eval()(torch.rand(2, 1, *size), torch.rand(2, 1, *size))
    assert fused.shape == (2, 1, *size)
