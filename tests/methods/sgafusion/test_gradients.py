"""Which weights learn: all of them in `paper` and `corrected`; in `released` all but the known dead ones."""

from __future__ import annotations

import pytest
import torch

DEAD_IN_RELEASED = {
    "cross.cross_attention.in_proj_weight[query]",
    "cross.cross_attention.in_proj_weight[key]",
    "cross.cross_attention.in_proj_bias[query]",
    "cross.cross_attention.in_proj_bias[key]",
}
"""Over one key a softmax is 1, whatever query and key are."""


def dead_tensors(network) -> set[str]:
    """Parameters without a gradient, torch's joint projection taken apart."""
    visible, infrared = torch.rand(2, 3, 32, 36), torch.rand(2, 1, 32, 36)
    embedding = torch.rand(2, network.configuration.embedding_width)
    fused, segmentation = network.float().train()(visible, infrared, embedding)
    (fused.square().mean() + segmentation.square().mean()).backward()
    dead = set()
    for name, parameter in network.named_parameters():
        parts = {name: parameter.grad}
        if "in_proj" in name:
            rows = parameter.grad.chunk(3)
            parts = {f"{name}[{kind}]": rows[i] for i, kind in enumerate(("query", "key", "value"))}
        dead |= {part for part, gradient in parts.items() if gradient is None or not gradient.any()}
    return dead


@pytest.mark.parametrize("experts", [1, 2, 3])
@pytest.mark.parametrize("variant", ["paper", "corrected"])
def test_every_tensor_of_paper_and_corrected_receives_a_gradient(small_network, variant, experts):
    dead = dead_tensors(small_network(variant, experts=experts))
    gates = {name for name in dead if "gating_network" in name}
    assert dead - gates == set()
    # The gate of a single expert decides nothing; that of the shallow mixture has three.
    assert len(gates) == (2 * 5 if experts == 1 else 0)
    assert not any("moe1" in name for name in gates)


def test_exactly_the_known_tensors_of_released_are_dead(small_network):
    assert dead_tensors(small_network("released")) == DEAD_IN_RELEASED


def test_the_airlight_of_corrected_starts_in_the_middle_and_that_of_released_anywhere():
    from fusionbench_methods.sgafusion import SGAFusionNet

    features = torch.rand(3, 32, 8, 8)
    airlight = SGAFusionNet("corrected").resnet.moe1.dehazenet.airlight(features)
    torch.testing.assert_close(airlight, torch.full((3, 1, 1, 1), 0.5))


def test_the_airlight_of_released_collapses_and_that_of_corrected_does_not():
    """A fall from about 0.45 to below 0.01 within ten steps was measured on the released code."""
    from fusionbench_methods.sgafusion import SGAFusionNet

    fallen = {}
    for variant in ("released", "paper", "corrected"):
        expert = SGAFusionNet(variant).resnet.moe1.dehazenet
        optimiser = torch.optim.Adam(expert.parameters(), 1e-3)
        cells = torch.rand(4, 32, expert.grid, expert.grid)
        for _ in range(10):
            optimiser.zero_grad()
            expert.airlight(cells).sum().backward()
            optimiser.step()
        fallen[variant] = float(expert.airlight(cells).detach().mean())
    assert fallen["released"] < 0.01
    assert min(fallen["corrected"], fallen["paper"]) > 0.3
