from __future__ import annotations

import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from fusionbench.datasets import archives
from fusionbench.datasets.archives import ArchiveError, inspect, require_sha256, require_space, unpack
from fusionbench.errors import InputError

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LIMIT = 1 << 20

Zipped = Callable[..., bytes]


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "archive.zip"
    path.write_bytes(content)
    return path


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def unpacked(tmp_path: Path, archive: Path) -> dict[str, bytes]:
    folder = tmp_path / "out"
    folder.mkdir()
    unpack(archive, folder, lambda done, total: None)
    return tree(folder)


def test_an_honest_archive_unpacks_to_its_members(tmp_path: Path, zipped: Zipped) -> None:
    members = {"top/a.png": b"1", "top/deep er/ü.png": b"22"}
    archive = written(tmp_path, zipped(members))
    assert inspect(archive, LIMIT) == 3
    assert unpacked(tmp_path, archive) == members


def test_progress_ends_at_the_total(tmp_path: Path, zipped: Zipped) -> None:
    told: list[tuple[int, int | None]] = []
    (tmp_path / "out").mkdir()
    archive = written(tmp_path, zipped({"a": b"12", "b": b"345"}))
    unpack(archive, tmp_path / "out", lambda done, total: told.append((done, total)))
    assert told == [(2, 5), (5, 5)]


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "a/../../evil",
        "/etc/evil",
        "C:/evil",
        "C:evil",
        "a\\..\\..\\evil",
        "..",
        "//server/evil",
        "./",
    ],
)
def test_a_member_that_leaves_the_folder_is_refused(tmp_path: Path, zipped: Zipped, name: str) -> None:
    with pytest.raises(ArchiveError, match="outside its folder; not unpacked"):
        inspect(written(tmp_path, zipped({"ok": b"", name: b"x"})), LIMIT)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(tmp_path: Path, kind: int) -> None:
    path = tmp_path / "archive.zip"
    with zipfile.ZipFile(path, "w") as archive:
        member = zipfile.ZipInfo("innocent.png")
        member.external_attr = (kind | 0o777) << 16
        archive.writestr(member, "/etc/passwd")
    with pytest.raises(ArchiveError, match=r"'innocent\.png' is a link or device"):
        inspect(path, LIMIT)


def test_a_repeated_member_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "archive.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", "1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a", "2")
    with pytest.raises(ArchiveError, match="'a' twice"):
        inspect(path, LIMIT)


def test_a_bomb_is_refused_by_what_it_declares(tmp_path: Path) -> None:
    path = tmp_path / "archive.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(LIMIT + 1))
    assert path.stat().st_size < LIMIT / 100
    with pytest.raises(ArchiveError, match=f"declares {LIMIT + 1} bytes"):
        inspect(path, LIMIT)


def test_a_bomb_that_lies_about_its_size_writes_no_more_than_declared(tmp_path: Path) -> None:
    path = tmp_path / "archive.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(LIMIT))
    honest = LIMIT.to_bytes(4, "little")
    assert path.read_bytes().count(honest) == 2
    path.write_bytes(path.read_bytes().replace(honest, (10).to_bytes(4, "little")))
    assert inspect(path, LIMIT) == 10
    (tmp_path / "out").mkdir()
    with pytest.raises(ArchiveError, match="'zeros' is damaged"):
        unpack(path, tmp_path / "out", lambda done, total: None)
    assert (tmp_path / "out/zeros").stat().st_size <= 10


def test_too_many_members_are_refused(
    tmp_path: Path, zipped: Zipped, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "_MAXIMUM_MEMBERS", 2)
    with pytest.raises(ArchiveError, match="holds 3 files"):
        inspect(written(tmp_path, zipped({"a": b"", "b": b"", "c": b""})), LIMIT)


def test_the_commit_in_the_comment_is_checked(tmp_path: Path, zipped: Zipped) -> None:
    assert inspect(written(tmp_path, zipped({"a": b"x"}, COMMIT)), LIMIT, COMMIT) == 1
    with pytest.raises(ArchiveError, match=f"is of {'f' * 40}, expected commit {COMMIT}"):
        inspect(written(tmp_path, zipped({"a": b"x"}, "f" * 40)), LIMIT, COMMIT)
    with pytest.raises(ArchiveError, match="is of no commit"):
        inspect(written(tmp_path, zipped({"a": b"x"})), LIMIT, COMMIT)


def test_a_flipped_bit_in_a_member_is_noticed(tmp_path: Path, zipped: Zipped) -> None:
    damaged = zipped({"a.png": b"payload"}).replace(b"payload", b"paylpad")
    with pytest.raises(ArchiveError, match=r"'a\.png' is damaged .*CRC"):
        unpacked(tmp_path, written(tmp_path, damaged))


def test_an_archive_cut_short_is_noticed(tmp_path: Path, zipped: Zipped) -> None:
    whole = zipped({"a.png": bytes(5000)})
    with pytest.raises(ArchiveError, match="damaged or incomplete"):
        inspect(written(tmp_path, whole[:-30]), LIMIT)


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><p>Google Drive", b"\xef\xbb\xbf\r\n  <HTML><head>"])
def test_a_web_page_is_called_one(tmp_path: Path, page: bytes) -> None:
    with pytest.raises(ArchiveError, match=r"archive\.zip: is a web page, not the file"):
        inspect(written(tmp_path, page), LIMIT)


@pytest.mark.parametrize("content", [b"", b"Rar!\x1a\x07", b"\x1f\x8b\x08"])
def test_anything_else_is_no_zip_archive(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ArchiveError, match="is not a zip archive"):
        inspect(written(tmp_path, content), LIMIT)


def test_a_missing_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.zip: cannot be read"):
        inspect(tmp_path / "gone.zip", LIMIT)


def test_resource_forks_of_macos_are_left_out(tmp_path: Path, zipped: Zipped) -> None:
    archive = written(tmp_path, zipped({"top/a": b"1", "__MACOSX/top/._a": b"fork"}))
    assert unpacked(tmp_path, archive) == {"top/a": b"1"}


def test_the_checksum_is_sha256_in_any_case(tmp_path: Path) -> None:
    # SHA-256 of "abc", FIPS 180-4 example.
    expected = "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"
    require_sha256(written(tmp_path, b"abc"), expected)
    with pytest.raises(ArchiveError, match=r"SHA-256 is .*, expected BA78"):
        require_sha256(written(tmp_path, b"abd"), expected)


def test_a_disk_that_is_too_full_is_said_beforehand(tmp_path: Path) -> None:
    require_space(tmp_path, 1)
    with pytest.raises(InputError, match=r"GB free, 1000000000\.0 GB needed"):
        require_space(tmp_path, 10**18)
