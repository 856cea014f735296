"""The variant `released` against outputs of the authors' own network, computed in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fusionbench_methods.sgafusion import SGAFusionNet, fusion_loss_terms
from fusionbench_methods.sgafusion.fast_inference import fuse_in_pieces

TOLERANCE = 2e-5
"""Of the largest value."""


@pytest.fixture(scope="module")
def network(make_state_dict, case):
    network = SGAFusionNet("released")
    network.load_state_dict(make_state_dict(str(case["salt"])))
    return network.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def inputs(case):
    return tuple(torch.from_numpy(case[name]) for name in ("visible", "infrared", "embedding"))


def relative_error(found: torch.Tensor, expected: np.ndarray) -> float:
    return float(np.abs(found.detach().numpy() - expected).max() / np.abs(expected).max())


def test_its_tensors_are_those_of_the_released_checkpoint(released):
    lines = (released / "state_dict_keys.txt").read_text().splitlines()
    expected = {name: tuple(map(int, shape.split(","))) for name, shape in (line.split() for line in lines)}
    network = SGAFusionNet("released")
    assert {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()} == expected
    assert sum(parameter.numel() for parameter in network.parameters()) == 9_211_131


def test_image_and_segmentation_are_the_released_ones(network, inputs, case):
    fused, segmentation = network(*inputs)
    assert relative_error(fused, case["fused"]) < TOLERANCE
    assert relative_error(segmentation, case["segmentation"]) < TOLERANCE


@pytest.mark.parametrize("streaming", [False, True])
def test_the_fast_image_is_the_released_one(network, inputs, case, streaming):
    assert relative_error(network.fuse(*inputs, streaming=streaming), case["fused"]) < TOLERANCE


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 32, 69, 70, 200])
def test_pieces_of_any_height_give_the_released_image(network, inputs, case, rows):
    assert relative_error(fuse_in_pieces(network, *inputs, rows), case["fused"]) < TOLERANCE


def test_an_image_is_fused_alike_alone_and_in_a_batch(network, inputs):
    together = network.fuse(*inputs)
    alone = torch.cat([network.fuse(*(each[index : index + 1] for each in inputs)) for index in range(2)])
    assert (together - alone).abs().max() < TOLERANCE * together.abs().max()


@torch.no_grad()
def test_a_weight_changed_behind_autograds_back_is_seen(network, inputs):
    before = network.fuse(*inputs)
    network.fusion_head.weight.data.mul_(2)
    doubled = network.fuse(*inputs)
    network.fusion_head.weight.data.div_(2)
    bias = network.fusion_head.bias[:, None, None]
    torch.testing.assert_close(doubled - bias, 2 * (before - bias), rtol=1e-4, atol=1e-4)


def test_other_weights_are_folded_anew(network, inputs, case, make_state_dict):
    network.fuse(*inputs)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.load_state_dict(make_state_dict("another"))
    fused = network.fuse(*inputs)
    expected, _ = network(*inputs)
    network.load_state_dict(before)
    assert relative_error(fused, case["fused"]) > 0.1
    torch.testing.assert_close(fused, expected, rtol=0, atol=TOLERANCE * float(expected.abs().max()))


@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
def test_loss_terms_are_the_released_ones(released, precision):
    with np.load(released / "loss_public.npz") as stored:
        case = dict(stored)
    images = (torch.from_numpy(case[name]).to(precision) for name in ("visible", "infrared", "fused"))
    terms = fusion_loss_terms(*images)
    names = {"max": "l_max", "color": "l_color", "gradient": "l_grad", "total": "total"}
    for ours, theirs in names.items():
        assert float(terms[ours]) == pytest.approx(float(case[theirs]), rel=1e-6)
