"""What `fixed` learns from, against other implementations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from piq import vif_p
from skimage.metrics import structural_similarity

from fusionbench_methods.sgafusion.fixed.losses import (
    LossWeights,
    fixed_loss_terms,
    signed_gradients,
    ssim,
    visual_fidelity,
)
from tests.conftest import make_pair


def grey(seed):
    return torch.from_numpy(make_pair(seed, 60, 80)[1].astype(np.float64) / 255)[None, None]


def test_ssim_is_that_of_scikit_image():
    first, second = grey(0), grey(1)
    _, whole = structural_similarity(
        first[0, 0].numpy(),
        second[0, 0].numpy(),
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=1.0,
        full=True,
    )
    assert float(ssim(first, second)) == pytest.approx(whole[5:-5, 5:-5].mean(), abs=1e-9)


def test_fidelity_is_high_for_the_image_itself_and_falls_with_noise_as_piqs_does():
    image = grey(0).float()
    noisy = [
        image + sigma * torch.randn(image.shape, generator=torch.Generator().manual_seed(1))
        for sigma in (0.01, 0.03, 0.1)
    ]
    ours = [float(visual_fidelity(image, each)) for each in (image, *noisy)]
    piqs = [float(vif_p(each.clamp(0, 1), image, data_range=1.0)) for each in (image, *noisy)]
    assert ours[0] == pytest.approx(1.0, abs=1e-3)
    assert ours == sorted(ours, reverse=True) and piqs == sorted(piqs, reverse=True)


def test_a_ramp_has_its_slope_as_gradient():
    ramp = (torch.arange(20.0) / 50).expand(1, 1, 12, 20)
    along, across = signed_gradients(ramp)[0]
    assert torch.allclose(along, torch.full_like(along, 1 / 50)) and across.abs().max() < 1e-6


def test_the_total_is_the_weighted_sum():
    visible = torch.rand(2, 3, 32, 32)
    infrared, fused, restored = torch.rand(2, 1, 32, 32), torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32)
    weights = LossWeights(1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
    terms = fixed_loss_terms(visible, infrared, fused, restored, weights)
    expected = sum(getattr(weights, name) * float(terms[name]) for name in terms if name != "total")
    assert float(terms["total"]) == pytest.approx(expected, rel=1e-5)


def test_vif_is_not_trained_on_by_default():
    image = torch.rand(1, 3, 32, 32)
    assert "fidelity" not in fixed_loss_terms(image, image[:, :1], image, image)


def test_a_perfect_restoration_costs_nothing():
    visible = torch.rand(1, 3, 32, 32)
    terms = fixed_loss_terms(visible, visible[:, :1], visible, visible)
    assert float(terms["restoration"]) == pytest.approx(0.0, abs=1e-5)
    assert float(terms["colour"]) == pytest.approx(0.0, abs=1e-6)
