"""Installing whole datasets from archives shaped like the official ones."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fusionbench.datasets import open_dataset
from fusionbench.datasets.archives import ArchiveError
from fusionbench.datasets.download import install
from fusionbench.datasets.sources import SOURCES, Repository, source
from fusionbench.errors import InputError, UnknownNameError

COMMIT = "0123456789abcdef0123456789abcdef01234567"
Zipped = Callable[..., bytes]


def silent(step: str) -> Callable[[int, int | None], None]:
    return lambda done, total: None


def picture() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (4, 4)).save(stream, "JPEG")
    return stream.getvalue()


def roadscene_members(top: str = "RoadScene-abc/", count: int = 3) -> dict[str, bytes]:
    members = {f"{top}crop_LR_visible/Thumbs.db": b"\xd0\xcf"}
    for number in range(count):
        members[f"{top}crop_LR_visible/FLIR_{number}.jpg"] = picture()
        members[f"{top}cropinfrared/FLIR_{number}.jpg"] = picture()
    return members


@pytest.fixture
def roadscene(server: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """RoadScene as a repository of three pairs on the test server."""
    monkeypatch.setattr(Repository, "url", property(lambda repository: server.url))
    return replace(SOURCES["roadscene"], repository=Repository("o", "r", COMMIT), pairs={"all": 3})


def test_a_repository_archive_is_installed_and_opens(
    tmp_path: Path, server: Any, zipped: Zipped, roadscene: Any
) -> None:
    server.content = zipped(roadscene_members(), COMMIT)
    installed = install(roadscene, tmp_path / "new" / "data", silent)
    assert installed.folder == tmp_path / "new/data/RoadScene"
    assert installed.counts == {"all": 3}
    assert len(open_dataset("roadscene", tmp_path / "new/data").samples) == 3
    assert [path.name for path in (tmp_path / "new/data").iterdir()] == ["RoadScene"]


def test_an_archive_cut_in_the_middle_is_resumed_and_installed(
    tmp_path: Path, server: Any, zipped: Zipped, roadscene: Any
) -> None:
    server.content = zipped(roadscene_members(), COMMIT)
    server.cuts = [1000]
    install(roadscene, tmp_path, silent)
    assert server.seen[1]["Range"] == "bytes=1000-"


def test_another_commit_than_the_pinned_one_is_refused(
    tmp_path: Path, server: Any, zipped: Zipped, roadscene: Any
) -> None:
    server.content = zipped(roadscene_members(), "f" * 40)
    with pytest.raises(ArchiveError, match=f"expected commit {COMMIT}"):
        install(roadscene, tmp_path, silent)
    assert list(tmp_path.iterdir()) == []


def test_too_few_pairs_are_refused_and_nothing_stays(
    tmp_path: Path, server: Any, zipped: Zipped, roadscene: Any
) -> None:
    members = roadscene_members()
    del members["RoadScene-abc/cropinfrared/FLIR_1.jpg"]
    server.content = zipped(members, COMMIT)
    with pytest.raises(ArchiveError, match="holds 2 of 3 for all"):
        install(roadscene, tmp_path, silent)
    assert list(tmp_path.iterdir()) == []


def test_an_archive_of_something_else_is_refused(
    tmp_path: Path, server: Any, zipped: Zipped, roadscene: Any
) -> None:
    server.content = zipped({"top/readme.txt": b"hello"}, COMMIT)
    with pytest.raises(ArchiveError, match="does not hold RoadScene"):
        install(roadscene, tmp_path, silent)
    assert list(tmp_path.iterdir()) == []


def test_a_path_traversing_archive_writes_nothing_anywhere(
    tmp_path: Path, server: Any, zipped: Zipped, roadscene: Any
) -> None:
    server.content = zipped({**roadscene_members(), "../../evil.txt": b"x"}, COMMIT)
    root = tmp_path / "deep" / "root"
    with pytest.raises(ArchiveError, match="outside its folder"):
        install(roadscene, root, silent)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_wrong_checksum_is_refused_and_the_file_removed(
    tmp_path: Path, server: Any, zipped: Zipped, roadscene: Any
) -> None:
    server.content = zipped(roadscene_members(), COMMIT)
    with pytest.raises(ArchiveError, match=r"SHA-256 is .*, expected 0000"):
        install(roadscene, tmp_path, silent, sha256="0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_the_right_checksum_passes(tmp_path: Path, server: Any, zipped: Zipped, roadscene: Any) -> None:
    server.content = zipped(roadscene_members(), COMMIT)
    digest = hashlib.sha256(server.content).hexdigest()
    assert install(roadscene, tmp_path, silent, sha256=digest).counts == {"all": 3}


def test_a_web_page_leaves_nothing_behind(tmp_path: Path, server: Any, roadscene: Any) -> None:
    server.content = b"<html>sign in</html>"
    with pytest.raises(ArchiveError, match="web page"):
        install(roadscene, tmp_path, silent)
    assert list(tmp_path.iterdir()) == []


def test_what_exists_is_never_overwritten(tmp_path: Path, server: Any, roadscene: Any) -> None:
    (tmp_path / "RoadScene").mkdir()
    with pytest.raises(InputError, match="RoadScene: exists already, nothing is overwritten"):
        install(roadscene, tmp_path, silent)
    assert server.seen == []


def test_a_mirror_needs_no_commit(tmp_path: Path, server: Any, zipped: Zipped, roadscene: Any) -> None:
    server.content = zipped(roadscene_members("RoadScene/"))
    assert install(roadscene, tmp_path, silent, url=server.url).counts == {"all": 3}


@pytest.mark.parametrize("top", ["M3FD_Detection/", "anything/", ""])
def test_an_archive_from_disk_is_installed_and_left_where_it_is(
    tmp_path: Path, zipped: Zipped, top: str
) -> None:
    members = {
        f"{top}{folder}/{number:05}.{suffix}": content
        for number in range(2)
        for folder, suffix, content in (
            ("Ir", "png", picture()),
            ("Vis", "png", picture()),
            ("Annotation", "xml", b"<annotation/>"),
        )
    }
    archive = tmp_path / "M3FD (1).zip"
    archive.write_bytes(zipped(members))
    installed = install(
        replace(SOURCES["m3fd"], pairs={"all": 2}), tmp_path / "data", silent, archive=archive
    )
    assert installed.folder == tmp_path / "data/M3FD_Detection"
    assert archive.is_file()
    assert len(open_dataset("m3fd", tmp_path / "data").samples) == 2


def test_a_damaged_archive_from_disk_is_left_for_its_owner(tmp_path: Path, zipped: Zipped) -> None:
    archive = tmp_path / "LLVIP.zip"
    archive.write_bytes(zipped({"LLVIP/a": b"content"})[:-10])
    with pytest.raises(ArchiveError, match=r"LLVIP\.zip: is damaged"):
        install(SOURCES["llvip"], tmp_path / "data", silent, archive=archive)
    assert archive.is_file()
    assert list((tmp_path / "data").iterdir()) == []


def test_label_files_are_counted_by_pattern(tmp_path: Path, zipped: Zipped) -> None:
    archive = tmp_path / "labels.zip"
    archive.write_bytes(zipped({f"top/fusion/test/{n}.txt": b"" for n in range(4)}))
    labels = replace(SOURCES["msrs_labels"], files={"fusion/test/*.txt": 4})
    assert install(labels, tmp_path, silent, archive=archive).counts == {"fusion/test/*.txt": 4}
    with pytest.raises(ArchiveError, match="holds 0 of 1083 for fusion/train"):
        install(replace(SOURCES["msrs_labels"], folder="x"), tmp_path, silent, archive=archive)


def test_a_dataset_behind_a_share_link_says_what_a_person_must_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"drive\.google\.com/.*code 14lc.*--from LLVIP\.zip"):
        install(SOURCES["llvip"], tmp_path, silent)


def test_a_mirror_and_a_file_together_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give one of them"):
        install(SOURCES["llvip"], tmp_path, silent, url="https://x/", archive=tmp_path / "a.zip")


def test_a_root_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made"):
        install(SOURCES["roadscene"], tmp_path / "file" / "root", silent)


def test_an_unknown_source_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean roadscene"):
        source("roadscenes")


def test_the_pinned_commits_are_those_the_real_samples_came_from(shared: Path) -> None:
    manifest = (shared / "data/MANIFEST.csv").read_text(encoding="utf-8")
    for name in ("roadscene", "msrs_labels"):
        repository = SOURCES[name].repository
        assert f"{repository.owner}/{repository.name}@{repository.commit}" in manifest
