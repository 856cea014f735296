"""Weights are downloaded from a server on this machine, checked, and kept."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from fusionbench.datasets.archives import ArchiveError
from fusionbench.weight_files import download_weights, find_weights
from fusionbench_methods.sgafusion.semantics import towers

CONTENT = b"PK\x03\x04" + bytes(range(256)) * 300
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FUSIONBENCH_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


def test_they_arrive_where_they_are_looked_for_and_are_not_fetched_twice(server: Any, folder: Path) -> None:
    server.content = CONTENT
    path = download_weights(server.url, "w.pt", SHA256)
    assert path == find_weights("w.pt")
    assert path.read_bytes() == CONTENT
    server.content = b""
    assert download_weights(server.url, "w.pt", SHA256) == path
    assert [each.name for each in folder.iterdir()] == ["w.pt"]


def test_another_file_is_refused_and_not_kept(server: Any, folder: Path) -> None:
    server.content = CONTENT + b"!"
    with pytest.raises(ArchiveError, match=r"SHA-256|sha256"):
        download_weights(server.url, "w.pt", SHA256)
    assert list(folder.iterdir()) == []


def test_the_weights_of_clip_are_got_by_one_command(
    server: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server.content = CONTENT
    monkeypatch.setattr(towers, "CLIP_ADDRESS", server.url)
    monkeypatch.setattr(towers, "CLIP_SHA256", SHA256)
    towers.main()
    assert capsys.readouterr().out.strip() == str(folder / towers.CLIP_FILE)
    monkeypatch.setattr(towers, "CLIP_SHA256", "0" * 64)
    with pytest.raises(SystemExit, match=r"error: .*ViT-B-32\.pt"):
        towers.main()
