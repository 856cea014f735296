"""Counts against the Poisson distribution of another library."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest, poisson

from fusionbench_degradations.profiles.photon_counts import photon_counts


@pytest.mark.parametrize("peak", [3.0, 25.0, 90.0])
@pytest.mark.parametrize("level", [0.0, 10 / 255, 0.5, 1.0])
def test_counts_are_the_inverse_of_the_distribution(peak: float, level: float) -> None:
    uniform = (np.arange(20_000) + 0.5) / 20_000
    brightness = np.full(uniform.shape, level, np.float32)
    mean = round(level * 1020) / 1020 * peak
    counts = photon_counts(brightness, peak, uniform) * peak
    np.testing.assert_allclose(counts, poisson.ppf(uniform, mean), atol=1e-4)


def test_random_counts_have_mean_and_variance_of_their_brightness() -> None:
    uniform = np.random.default_rng(0).uniform(size=200_000)
    counts = photon_counts(np.full(uniform.shape, 40 / 255, np.float32), 12.0, uniform) * 12
    mean = 12 * 40 / 255
    assert counts.mean() == pytest.approx(mean, rel=0.01)
    assert counts.var() == pytest.approx(mean, rel=0.02)
    spread = np.random.default_rng(1).uniform(size=counts.size)
    smoothed = poisson.cdf(np.round(counts) - 1, mean) + spread * poisson.pmf(np.round(counts), mean)
    assert kstest(smoothed, "uniform").pvalue > 0.01


def test_brightness_and_random_numbers_may_be_broadcast() -> None:
    brightness = np.full((4, 5, 3), 0.5, np.float32)
    counts = photon_counts(brightness, 20.0, np.random.default_rng(2).uniform(size=(4, 5, 1)))
    assert counts.shape == (4, 5, 3)
    assert (counts == counts[..., :1]).all()
