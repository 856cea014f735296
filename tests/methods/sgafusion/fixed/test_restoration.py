"""Haze and darkness undone: the inverse of what the synthesizer does."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fusionbench.datasets import open_dataset
from fusionbench.degrading import decode_visible, parse_condition
from fusionbench.degrading.compose import degrade_pair
from fusionbench_methods.sgafusion.fixed.frame_experts import FrameEstimate
from fusionbench_methods.sgafusion.fixed.light import to_display, to_linear
from fusionbench_methods.sgafusion.fixed.restoration import restore, transmission_of_image


def tensor(image):
    return torch.from_numpy(image.astype(np.float32) / 255).permute(2, 0, 1)[None]


def estimate(haze=0.0, low_light=0.0, exposure=0.0, airlight=(1.0, 1.0, 1.0), transmission=None):
    shown = torch.ones(1, 1, 1, 1) if transmission is None else torch.from_numpy(transmission)[None, None]
    return FrameEstimate(
        torch.tensor([[haze, low_light, 1.0]]), torch.tensor([exposure]), torch.tensor([airlight]), shown
    )


@pytest.fixture(scope="module")
def scene():
    scenes = open_dataset("scenes")
    return scenes.load(scenes.samples[0])


def test_light_is_that_of_the_synthesizer():
    levels = np.arange(256, dtype=np.uint8).reshape(1, 256, 1).repeat(3, axis=2)
    ours = to_linear(tensor(levels))[0].permute(1, 2, 0).numpy()
    assert np.allclose(ours, decode_visible(levels), atol=1e-6)


def test_display_is_the_inverse_of_light():
    values = torch.linspace(0, 1, 1001)[None, None]
    assert torch.allclose(to_display(to_linear(values)), values, atol=1e-5)


def test_light_outside_its_range_is_cut_off():
    assert to_display(torch.tensor([-0.5, 1.5])).tolist() == pytest.approx([0.0, 1.0])


def test_slopes_are_finite_at_black():
    values = torch.zeros(4, requires_grad=True)
    to_display(to_linear(values)).sum().backward()
    assert values.grad.isfinite().all()


@pytest.mark.parametrize("condition", ["haze@2", "low_light@3", "haze+low_light@2"])
def test_the_truth_gives_the_clean_image_back(scene, condition):
    made = degrade_pair(scene, parse_condition(condition), 0, "scenes")
    truth = estimate(
        haze=float("haze" in condition),
        low_light=float("low_light" in condition),
        exposure=-float(np.log2(made.maps.get("exposure", 1.0))),
        airlight=tuple(float(value) for value in made.maps.get("airlight", (1, 1, 1))),
        transmission=made.maps.get("transmission"),
    )
    restored = restore(tensor(made.pair.visible), truth)
    before = np.abs(made.pair.visible.astype(float) - scene.visible).mean()
    after = float((restored.visible - tensor(scene.visible)).abs().mean()) * 255
    # What is left is 8 bits, sensor noise, and places too hazy for the floor.
    assert after < 0.2 * before


def test_closed_gates_leave_the_image_as_it_is(scene):
    visible = tensor(scene.visible)
    restored = restore(visible, estimate(exposure=3.0, airlight=(0.8, 0.8, 0.8)))
    assert torch.allclose(restored.visible, visible, atol=1e-5)
    assert restored.amplification.abs().max() < 1e-6


def test_half_a_gate_is_half_the_stops():
    visible = torch.full((1, 3, 8, 8), 0.2)
    stops = restore(visible, estimate(low_light=0.5, exposure=2.0)).amplification
    assert torch.allclose(stops, torch.ones(1, 1, 8, 8))


def test_an_impossible_transmission_does_not_blacken(scene):
    # Where the image is darker than airlight allows, the law would make light negative.
    visible = tensor(scene.visible)
    nothing = np.full(scene.infrared.shape, 0.01, np.float32)
    restored = restore(visible, estimate(haze=1.0, transmission=nothing))
    # The floor of transmission may; the boundary holds wherever it is above the floor.
    light = to_linear(visible).amin(dim=1)
    held = (1 - 0.92 * light) > 0.2
    assert float((restored.visible.amax(dim=1)[held] <= 0).float().mean()) == 0.0


def test_transmission_follows_edges():
    visible = torch.zeros(1, 3, 64, 96)
    visible[..., 48:] = 0.9
    coarse = torch.ones(1, 1, 48, 64)
    coarse[..., 30:] = 0.3
    fine = transmission_of_image(coarse, visible)[0, 0, 32]
    step = (fine[1:] - fine[:-1]).abs()
    assert int(step.argmax()) + 1 == 48
