"""Images mirrored at their edges."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fusionbench_methods.reflected_edges import ReflectedConvolution, Rim, reflected


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (3, 2), (9, 8)], ids=str)
def test_rims_are_mirrored_to_and_fro_without_repeating_the_edge(size):
    image = torch.rand(2, 3, *size)
    expected = np.pad(image.numpy(), ((0, 0), (0, 0), (3, 4), (1, 2)), mode="reflect")
    assert torch.equal(reflected(image, 1, 2, 3, 4), torch.from_numpy(expected))
    assert torch.equal(Rim(1, 2, 3, 4)(image), torch.from_numpy(expected))


@pytest.mark.parametrize("size", [(1, 1), (5, 9)], ids=str)
def test_convolutions_keep_the_size(size):
    assert ReflectedConvolution(3, 4)(torch.rand(2, 3, *size)).shape == (2, 4, *size)
