"""Published weights come from a server on this machine: resumed, checked, converted."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest
import torch

from fusionbench.contracts import MethodCard, WeightsFile
from fusionbench.datasets.archives import ArchiveError
from fusionbench.official_weights import get_official_weights, official_tensors


@pytest.fixture
def published(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MethodCard:
    monkeypatch.setenv("FUSIONBENCH_WEIGHTS", str(tmp_path / "weights"))
    written = io.BytesIO()
    # The format of old checkpoints, which is no zip archive.
    torch.save({"w": torch.arange(5.0)}, written, _use_new_zipfile_serialization=False)
    server.content = written.getvalue()
    digest = hashlib.sha256(server.content).hexdigest()
    file = WeightsFile("Net.pth", len(server.content), digest, licence="MIT", url=server.url)
    return MethodCard(name="net", title="Net", official_weights=(file,))


def test_a_file_is_downloaded_checked_and_converted(published: MethodCard, tmp_path: Path) -> None:
    path = get_official_weights(published)
    assert path == tmp_path / "weights" / "net" / "net.safetensors"
    assert official_tensors(published)["w"].tolist() == [0, 1, 2, 3, 4]


def test_another_file_is_refused_and_leaves_nothing(
    server: Any, published: MethodCard, tmp_path: Path
) -> None:
    server.content += b"!"
    with pytest.raises(ArchiveError, match="SHA-256"):
        get_official_weights(published)
    assert [path for path in (tmp_path / "weights").rglob("*") if path.is_file()] == []


def test_a_web_page_is_recognised(server: Any, published: MethodCard) -> None:
    server.content = b"<!DOCTYPE html><html>Sign in</html>"
    with pytest.raises(ArchiveError, match="is a web page"):
        get_official_weights(published)
