"""Image batches and the methods without weights, as the tests of this folder use them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fusionbench import registry
from fusionbench.contracts import FusionMethod

CLOSED_FORMS = (
    "adf",
    "average",
    "dwt",
    "fpde",
    "gff",
    "ifevip",
    "infrared",
    "lp",
    "max",
    "mgff",
    "msvd",
    "rp",
    "swt",
    "tif",
    "visible",
    "vsmwls",
)


@pytest.fixture(scope="session")
def all_methods() -> dict[str, FusionMethod]:
    """The methods without weights, by name."""
    return {name: registry.method_class(name)() for name in CLOSED_FORMS}


@pytest.fixture(scope="session")
def textured_pair() -> tuple[np.ndarray, np.ndarray]:
    """A visible and an infrared float64 image of 47x62 in [0, 1] that differ in texture and edges."""
    random = np.random.default_rng(30)
    rows, columns = np.mgrid[0:47, 0:62]
    visible = 0.5 + 0.3 * np.sin(columns / 3) + 0.05 * random.standard_normal(rows.shape)
    infrared = rows / 94 + 0.02 * random.standard_normal(rows.shape)
    infrared[10:30, 20:35] = 0.9
    return np.clip(visible, 0, 1), np.clip(infrared, 0, 1)


@pytest.fixture(scope="session")
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Three visible luminances and three infrared images of 33x40 in [0, 1]."""
    generator = torch.Generator().manual_seed(31)
    return torch.rand(3, 1, 33, 40, generator=generator), torch.rand(3, 1, 33, 40, generator=generator)
