"""Downloading published lists from a server on this machine."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fusionbench.datasets.archives import ArchiveError
from fusionbench.datasets.published_lists import install_lists
from fusionbench.datasets.sources import M3FD_LISTS, SOURCES, PublishedList, Source
from fusionbench.errors import InputError

IDS = "00000\n00003\n00009\n"


def published(url: str, text: str = IDS) -> PublishedList:
    return PublishedList(url, len(text.split()), hashlib.sha256(text.encode()).hexdigest())


def source(**lists: PublishedList) -> Source:
    return replace(SOURCES["m3fd_splits"], lists={f"mine/{name}.txt": entry for name, entry in lists.items()})


def install(wanted: Source, root: Path) -> dict[str, int]:
    return install_lists(wanted, root, lambda name: lambda done, total: None).counts


def left(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*"))


def test_a_list_is_written_as_the_option_takes_it(server: Any, tmp_path: Path) -> None:
    server.content = b"00009\r\n00000\r\n00003\r\n"
    assert install(source(test=published(server.url)), tmp_path / "data") == {"mine/test.txt": 3}
    assert (tmp_path / "data/M3FD_splits/mine/test.txt").read_bytes() == IDS.encode()
    assert left(tmp_path) == ["M3FD_splits", "data", "mine", "test.txt"]


def test_a_list_is_taken_from_the_images_of_a_coco_file(server: Any, tmp_path: Path) -> None:
    names = [{"file_name": f"{name}.png"} for name in reversed(IDS.split())]
    server.content = json.dumps({"images": names, "annotations": []}).encode()
    url = server.url.replace("archive.zip", "m3fd-test.json")
    install(source(test=published(url)), tmp_path)
    assert (tmp_path / "M3FD_splits/mine/test.txt").read_text() == IDS


def test_a_list_of_other_images_is_refused_and_nothing_is_left(server: Any, tmp_path: Path) -> None:
    server.content = b"00000\n00003\n"
    with pytest.raises(ArchiveError, match=r"names 2 images .* expected 3 "):
        install(source(test=published(server.url)), tmp_path)
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    "content", [b"{}", b"[1]", b"no json", b"\xff\xfe", b'{"images": [{"file_name": 3}]}']
)
def test_what_is_no_annotation_file_is_refused(server: Any, tmp_path: Path, content: bytes) -> None:
    server.content = content
    with pytest.raises(ArchiveError, match="is no list of images"):
        install(source(test=published(server.url + ".json")), tmp_path)


def test_a_web_page_is_refused(server: Any, tmp_path: Path) -> None:
    server.content = b"<!DOCTYPE html><html>"
    with pytest.raises(InputError, match="is a web page"):
        install(source(test=published(server.url)), tmp_path)
    assert left(tmp_path) == []


def test_what_is_there_is_not_overwritten(server: Any, tmp_path: Path) -> None:
    (tmp_path / "M3FD_splits").mkdir()
    with pytest.raises(InputError, match="exists already, nothing is overwritten"):
        install(source(test=published(server.url)), tmp_path)
    assert server.seen == []


@pytest.mark.parametrize(
    ("name", "column"), [("voc2coco", "voc2coco_split"), ("cddfuse", "cddfuse_811_split")]
)
def test_the_known_checksums_are_those_of_the_reference_index(shared: Path, name: str, column: str) -> None:
    import csv

    with (shared / "data/splits/m3fd_index.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    for part in ("train", "val", "test"):
        ids = sorted(row["file"].removesuffix(".png") for row in rows if row[column] == part)
        entry = M3FD_LISTS[f"{name}/{part}.txt"]
        assert entry == replace(published(entry.url, "".join(f"{i}\n" for i in ids)))
