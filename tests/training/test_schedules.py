"""Learning rates by step."""

from __future__ import annotations

import pytest
import torch

from fusionbench.training.schedules import rate_factor
from fusionbench.training.settings import OptimisationSettings


def settings(schedule, steps=100, epoch=1, warm_up=0):
    return OptimisationSettings(
        steps=steps, batch=1, learning_rate=1.0, schedule=schedule, epoch=epoch, warm_up=warm_up
    )


# What the released code's schedule was measured to give, and what it means to give (specification, flaw 5).
COMPOUNDED = [(50, 30, 1e-3, 5.2e-4), (50, 33, 1e-3, 1.9e-4), (50, 45, 1e-3, 2.8e-9), (50, 49, 1e-3, 1.7e-13)]
MEANT = [(50, 30, 1e-3, 8e-4), (50, 33, 1e-3, 6.8e-4), (20, 19, 1e-4, 1e-5)]


@pytest.mark.parametrize(("epochs", "epoch", "rate", "expected"), [*COMPOUNDED, (20, 19, 1e-4, 3.6e-8)])
def test_the_released_schedule_compounds(epochs, epoch, rate, expected):
    chosen = settings("half_then_compounding", steps=epochs * 7, epoch=7)
    assert rate * rate_factor(chosen, epoch * 7 + 3) == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize(("epochs", "epoch", "rate", "expected"), MEANT)
def test_the_schedule_it_means_is_linear(epochs, epoch, rate, expected):
    chosen = settings("half_then_linear", steps=epochs * 7, epoch=7)
    assert rate * rate_factor(chosen, epoch * 7 + 6) == pytest.approx(expected)


@pytest.mark.parametrize("schedule", ["half_then_linear", "half_then_compounding"])
def test_both_are_flat_for_half_of_the_epochs(schedule):
    assert {rate_factor(settings(schedule), step) for step in range(50)} == {1.0}


def test_one_cycle_is_torchs():
    weight = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([weight], lr=1.0)
    torchs = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=1.0, total_steps=101, pct_start=0.3, div_factor=25, final_div_factor=1e5 / 25
    )
    # Torch reaches the top at step 0.3 * 101 - 1, ours at 30 % of the way: compared with the same top.
    ours, theirs = [], []
    for step in range(101):
        theirs.append(optimiser.param_groups[0]["lr"])
        ours.append(rate_factor(settings("one_cycle", steps=101), step))
        optimiser.step()
        torchs.step()
    assert ours[0] == pytest.approx(theirs[0]) == pytest.approx(0.04)
    assert max(ours) == pytest.approx(1.0, abs=1e-3)
    assert max(abs(a - b) for a, b in zip(ours, theirs, strict=True)) < 0.06
    assert ours[-1] == pytest.approx(theirs[-1], abs=1e-4)


def test_cosine_is_torchs_after_the_warm_up():
    chosen = settings("cosine", steps=120, warm_up=20)
    assert [rate_factor(chosen, step) for step in range(20)] == pytest.approx([n / 20 for n in range(1, 21)])
    weight = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([weight], lr=1.0)
    torchs = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=100, eta_min=0.02)
    for step in range(20, 120):
        assert rate_factor(chosen, step) == pytest.approx(optimiser.param_groups[0]["lr"], abs=1e-12)
        optimiser.step()
        torchs.step()


def test_a_constant_rate_is_constant():
    assert {rate_factor(settings("constant"), step) for step in range(100)} == {1.0}
