"""Variants and ablations are configurations."""

from __future__ import annotations

import json

import pytest
import torch

from fusionbench_methods.sgafusion import SGAFusionConfiguration, SGAFusionNet, configuration_of
from fusionbench_methods.sgafusion.configuration import VARIANTS


def inputs(embedding_width: int = 12) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return torch.rand(2, 3, 21, 17), torch.rand(2, 1, 21, 17), torch.rand(2, embedding_width)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_configuration_survives_a_checkpoints_header(variant):
    configuration = configuration_of(variant, experts=3)
    stored = json.loads(json.dumps(configuration.as_json()))
    assert SGAFusionConfiguration.from_json(stored) == configuration


def test_the_figures_and_the_code_differ_where_the_table_says():
    released, paper = configuration_of("released"), configuration_of("paper")
    assert (released.experts, paper.experts) == (2, 3)
    assert (released.dehaze_kernel, paper.dehaze_kernel) == (1, 3)
    assert (released.base_kernel, paper.base_kernel) == (1, 3)
    assert (released.curve, paper.curve) == ("sigmoid", "tanh")
    assert (released.semantics, paper.semantics) == ("pixels_ask", "embedding_asks")


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    "ablation", [{"segmentation_classes": 0}, {"semantics": "none"}, {"experts": 0}, {"experts": 1}], ids=str
)
def test_an_ablation_is_a_configuration(small_network, variant, ablation):
    network = small_network(variant, **ablation).float()
    fused, segmentation = network(*inputs())
    assert fused.shape == (2, 3, 21, 17)
    assert (segmentation is None) == (ablation == {"segmentation_classes": 0})
    names = [name for name, _ in network.named_parameters()]
    assert any("moe" in name for name in names) == (ablation != {"experts": 0})
    assert any(name.startswith("cross") for name in names) == (ablation != {"semantics": "none"})


def test_without_semantics_no_embedding_is_needed(small_network):
    network = small_network("corrected", semantics="none").float()
    visible, infrared, _ = inputs()
    assert network(visible, infrared)[0].shape == network.fuse(visible, infrared).shape


def test_a_missing_embedding_is_said(small_network):
    network = small_network("corrected").float()
    visible, infrared, _ = inputs()
    for run in (network, network.fuse):
        with pytest.raises(ValueError, match="guided by semantics"):
            run(visible, infrared)


@pytest.mark.parametrize(
    "changes",
    [
        {"widths": (16, 32, 60, 128)},
        {"widths": (16, 32, 64)},
        {"heads": 3},
        {"experts": -1},
        {"reduction": 0},
        {"semantics": "foo"},
        {"curve": "linear"},
    ],
    ids=str,
)
def test_numbers_that_do_not_fit_are_refused(changes):
    with pytest.raises(ValueError, match=r"must be|has four"):
        configuration_of("corrected", **changes)


def test_an_unknown_variant_names_those_there_are():
    with pytest.raises(ValueError, match="released, paper, corrected"):
        SGAFusionNet("original")


@torch.no_grad()
def test_the_curve_brightens_and_darkens_in_corrected_and_only_darkens_in_released():
    changes = {}
    for variant in ("released", "corrected"):
        expert = SGAFusionNet(variant).resnet.moe1.lownet
        features = torch.rand(1, 16, 8, 8)
        for sign in (-1, 1):
            torch.nn.init.zeros_(expert.conv5.weight)
            torch.nn.init.constant_(expert.conv5.bias, 100.0 * sign)
            curved = expert(features) - features
            changes[variant, sign] = float((curved - features).mean())
    assert changes["released", 1] < -0.1
    assert changes["corrected", 1] < -0.1
    assert changes["released", -1] <= 0.01
    # A leaky rectifier leaves a hundredth of -100, which tanh takes to -0.76.
    assert changes["corrected", -1] > 0.1


@torch.no_grad()
def test_the_curve_of_corrected_never_leaves_the_unit_interval():
    expert = SGAFusionNet("corrected").resnet.moe1.lownet
    torch.nn.init.normal_(expert.conv5.weight, std=50)
    features = torch.rand(2, 16, 9, 9)
    curved = expert(features) - features
    assert 0 <= float(curved.min()) <= float(curved.max()) <= 1 + 1e-6


@pytest.mark.parametrize(
    ("visible", "infrared", "embedding"),
    [((1, 3, 20, 9), (1, 1, 25, 9), 1), ((2, 3, 9, 9), (2, 1, 9, 9), 1), ((0, 3, 9, 9), (0, 1, 9, 9), 0)],
    ids=str,
)
def test_shapes_that_do_not_fit_together_are_refused(small_network, visible, infrared, embedding):
    network = small_network("corrected").float()
    given = torch.rand(*visible), torch.rand(*infrared), torch.rand(embedding, 12)
    for run in (network, network.fuse):
        with pytest.raises(ValueError, match="expected"):
            run(*given)
