"""Losses against closed forms."""

from __future__ import annotations

import pytest
import torch

from fusionbench_methods.sgafusion import fusion_loss_terms


def constant(red: float, green: float, blue: float) -> torch.Tensor:
    return torch.tensor([red, green, blue]).reshape(1, 3, 1, 1).expand(1, 3, 12, 16)


def test_the_brighter_source_without_its_colour_lost_costs_nothing():
    visible, infrared = constant(0.6, 0.7, 0.8), torch.full((1, 1, 12, 16), 0.3)
    assert all(float(term) == 0 for term in fusion_loss_terms(visible, infrared, visible).values())


def test_each_pixel_is_compared_with_the_source_of_higher_mean():
    visible, infrared = constant(0.2, 0.4, 0.6), torch.full((1, 1, 12, 16), 0.41)
    fused = constant(0.5, 0.5, 0.5)
    assert float(fusion_loss_terms(visible, infrared, fused)["max"]) == pytest.approx(0.09)
    tie = torch.full((1, 1, 12, 16), float(visible.mean(dim=1)[0, 0, 0]))
    assert float(fusion_loss_terms(visible, tie, visible)["max"]) == 0


def test_the_color_term_is_the_error_of_both_colour_differences():
    visible, grey = constant(1.0, 0.0, 0.0), constant(0.5, 0.5, 0.5)
    terms = fusion_loss_terms(visible, torch.zeros(1, 1, 12, 16), grey)
    assert float(terms["color"]) == pytest.approx(0.168736 + 0.5, rel=1e-5)


def test_a_step_of_one_has_a_gradient_of_four_on_two_columns():
    step = torch.zeros(1, 1, 12, 16)
    step[..., 8:] = 1
    black = constant(0.0, 0.0, 0.0)
    terms = fusion_loss_terms(black, step, black)
    assert float(terms["gradient"]) == pytest.approx(4 * 2 / 16)


def test_the_total_is_the_weighted_sum():
    visible, infrared, fused = torch.rand(2, 3, 9, 9), torch.rand(2, 1, 9, 9), torch.rand(2, 3, 9, 9)
    terms = fusion_loss_terms(visible, infrared, fused)
    expected = 4 * terms["max"] + 12 * terms["color"] + 10 * terms["gradient"]
    torch.testing.assert_close(terms["total"], expected)
