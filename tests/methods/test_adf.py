from __future__ import annotations

import numpy as np
import pytest

from fusionbench_methods.adf import AnisotropicDiffusionFusion, anisotropic_diffusion_fusion, diffused
from tests.methods.vifb_reference import largest_difference


def plain_diffusion(image):
    """Perona and Malik's scheme in grey levels, one pixel after the other."""
    levels = 255 * image
    for _ in range(10):
        surrounded, changed = np.pad(levels, 1), levels.copy()
        for row, column in np.ndindex(*levels.shape):
            for down, across in np.ndindex(3, 3):
                distance = abs(down - 1) + abs(across - 1)
                if distance:
                    difference = surrounded[row + down, column + across] - levels[row, column]
                    changed[row, column] += 0.15 / distance * np.exp(-((difference / 30) ** 2)) * difference
        levels = changed
    return levels / 255


@pytest.mark.parametrize("size", [(17, 23), (3, 5), (1, 4)], ids=str)
def test_diffusion_is_that_of_a_plain_construction_with_loops(size, textured_pair):
    image = textured_pair[1][8 : 8 + size[0], 10 : 10 + size[1]]
    np.testing.assert_allclose(diffused(image), plain_diffusion(image), atol=1e-12)


def test_an_edge_stays_and_noise_goes():
    noise = np.random.default_rng(3).normal(0, 0.02, (40, 40))
    step = np.where(np.arange(40) < 20, 0.3, 0.9) + noise
    smooth = diffused(step)[12:-12, 12:-12]
    assert smooth[:, :8].std() < noise.std() / 3
    assert smooth[:, 8].mean() - smooth[:, 7].mean() > 0.55


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (3, 5), (17, 23)], ids=str)
def test_two_equal_images_give_that_image(size, textured_pair):
    image = textured_pair[0][: size[0], : size[1]]
    np.testing.assert_allclose(anisotropic_diffusion_fusion(image, image), image, atol=1e-12)


def test_two_flat_images_give_their_mean_away_from_the_border():
    fused = anisotropic_diffusion_fusion(np.full((50, 60), 0.2), np.full((50, 60), 0.6))
    np.testing.assert_allclose(fused[10:-10, 10:-10], 0.4, atol=1e-12)


def test_the_output_is_that_of_the_benchmark_vifb_on_a_real_pair(shared):
    assert largest_difference(shared, AnisotropicDiffusionFusion()) < 1e-4
