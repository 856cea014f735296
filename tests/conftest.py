"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real data, weights and reference values; tests that need it skip without it."""
    folder = Path(os.environ.get("FUSIONBENCH_SHARED", REPOSITORY.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"needs the shared reference data ({folder} is not there; set FUSIONBENCH_SHARED)")
    return folder
