"""Networks small enough to test, and the released network's reference cases."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fusionbench_methods.sgafusion import SGAFusionNet, configuration_of
from fusionbench_methods.sgafusion.semantics.encoder import SemanticConfiguration, SemanticEncoder
from fusionbench_methods.sgafusion.semantics.preparation import Preparation
from fusionbench_methods.sgafusion.semantics.towers import TowerConfiguration

SMALL = {"widths": (4, 8, 8, 16), "airlight_grid": 4, "airlight_hidden": 8, "embedding_width": 12}

SMALL_TOWER = TowerConfiguration("compact", 32, 8, 32, 2, 16, 24, quick_gelu=True)


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.fixture(scope="session")
def small_network() -> Callable[..., SGAFusionNet]:
    """A narrow network in double precision whose weights, all of them, are large enough to matter."""

    def make(variant: Any = "corrected", **changes: Any) -> SGAFusionNet:
        network = SGAFusionNet(configuration=configuration_of(variant, **{**SMALL, **changes})).double()
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.normal_(0, 1.5 / max(parameter[0].numel(), 4) ** 0.5)
        return network.eval()

    return make


@pytest.fixture
def small_encoder() -> SemanticEncoder:
    classes = ("clean", "haze", "noise")
    return SemanticEncoder(SemanticConfiguration(SMALL_TOWER, Preparation(32), classes, 12)).eval()


@pytest.fixture(scope="session")
def released(shared: Path) -> Path:
    folder = shared / "reference" / "sgafusion_released"
    if not folder.is_dir():
        pytest.skip(f"needs the cases of the released network ({folder} is not there)")
    return folder


@pytest.fixture(scope="session")
def make_state_dict(released: Path) -> Callable[[str], dict[str, torch.Tensor]]:
    """Weights of the released network, drawn by name and salt."""
    spec = importlib.util.spec_from_file_location("make_weights", released / "make_weights.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def make(salt: str) -> dict[str, torch.Tensor]:
        arrays = module.make_state_dict(released / "state_dict_keys.txt", salt)
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    return make


@pytest.fixture(scope="session")
def case(released: Path) -> dict[str, np.ndarray]:
    with np.load(released / "case_public.npz") as stored:
        return dict(stored)
