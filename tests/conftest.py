"""Fixtures every test may use."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

if TYPE_CHECKING:
    from tests.toy_recipe import Toy

# Tests that run side by side (`-n 2`) would wait for each other's threads.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# Times say nothing on a busy machine: a property is about values.
settings.register_profile("fusionbench", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("fusionbench")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real data, weights and reference values; tests that need it skip without it."""
    folder = Path(os.environ.get("FUSIONBENCH_SHARED", REPOSITORY.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"needs the shared reference data ({folder} is not there; set FUSIONBENCH_SHARED)")
    return folder


def make_pair(seed: int, height: int = 48, width: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """A visible and an infrared image with smooth structure and some noise, uint8."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    phase = generator.uniform(0, 6.3, size=(4, 1, 1))
    waves = [np.sin(rows / (3 + i) + columns / (9 - i) + phase[i]) for i in range(4)]
    noise = generator.normal(0, 8, size=(4, height, width))
    levels = [np.clip(128 + 60 * wave + part, 0, 255) for wave, part in zip(waves, noise, strict=True)]
    return np.stack(levels[:3], axis=2).astype(np.uint8), levels[3].astype(np.uint8)


@pytest.fixture
def pair_folders(tmp_path: Path) -> dict[str, str]:
    """Two folders of three small pairs, as the options of the `folder` dataset."""
    for index in range(3):
        visible, infrared = make_pair(index)
        for name, image in (("visible", visible), ("infrared", infrared)):
            path = tmp_path / "data" / name / f"pair {index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path)
    return {name: str(tmp_path / "data" / name) for name in ("visible", "infrared")}


@pytest.fixture
def write_method(tmp_path: Path) -> Callable[..., str]:
    """Write a method into a Python file; returns what `--method` takes."""

    def write(body: str, name: str = "Mine", file_name: str = "mine.py") -> str:
        indented = textwrap.indent(textwrap.dedent(body).strip(), " " * 8)
        text = f"import torch\n\n\nclass {name}:\n    def fuse(self, visible, infrared):\n{indented}\n"
        path = tmp_path / file_name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return f"{path}:{name}"

    return write


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    """A method with a small recipe, and pairs for it."""
    from tests.toy_recipe import write_toy

    return write_toy(tmp_path)
