"""Small files in the official formats, for what no real sample shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

MakeImage = Callable[..., Path]


@pytest.fixture(autouse=True)
def own_user_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Caches and configuration of the person who runs the tests are neither read nor written."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("FUSIONBENCH_DATA", raising=False)
    return home


@pytest.fixture
def image() -> MakeImage:
    """Write an image file; parents are made, the content follows from the size and value."""

    def make(path: Path, size: tuple[int, int] = (16, 12), value: int = 90, mode: str = "RGB") -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        grey = (np.add.outer(np.arange(size[1]), np.arange(size[0])) + value).astype(np.uint8)
        Image.fromarray(grey).convert(mode).save(path)
        return path

    return make


@pytest.fixture
def voc() -> Callable[..., Path]:
    """Write a Pascal VOC file with objects `(name, xmin, ymin, xmax, ymax)`."""

    def make(path: Path, *objects: tuple[object, ...]) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        items = "".join(
            f"<object><name>{name}</name><bndbox><xmin>{a}</xmin><ymin>{b}</ymin>"
            f"<xmax>{c}</xmax><ymax>{d}</ymax></bndbox></object>"
            for name, a, b, c, d in objects
        )
        path.write_text(f"<annotation><filename>{path.stem}</filename>{items}</annotation>", encoding="utf-8")
        return path

    return make
