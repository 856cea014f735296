from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from pathlib import Path

import pytest

from fusionbench.datasets import fingerprint
from fusionbench.datasets.fingerprint import cache_file, content_digest, pair_fingerprint
from fusionbench.errors import InputError

LONG_AGO = 1_600_000_000


def old_file(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files count as old at once: the time of change of a file cannot be set back."""
    monkeypatch.setattr(fingerprint, "_SETTLED_SECONDS", -3600.0)


def test_the_hash_is_blake2b_of_the_content(tmp_path: Path) -> None:
    content = bytes(range(256)) * 9000
    expected = hashlib.blake2b(content, digest_size=20).hexdigest()
    path = old_file(tmp_path / "a", content)
    assert [content_digest(path), content_digest(path)] == [expected, expected]


@pytest.mark.usefixtures("settled")
def test_a_remembered_file_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = old_file(tmp_path / "a", b"content")
    first = content_digest(path)
    monkeypatch.setattr(fingerprint, "_digest", lambda path: pytest.fail("was read again"))
    assert content_digest(path) == first


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("change", ["size", "time", "nothing but content"])
def test_a_changed_file_is_read_again(tmp_path: Path, change: str) -> None:
    path = old_file(tmp_path / "a", b"content")
    before = content_digest(path)
    if change == "size":
        old_file(path, b"other content")
    else:
        time.sleep(0.05)
        path.write_bytes(b"CONTENT")
        later = LONG_AGO + (change == "time")
        os.utime(path, (later, later))
    assert content_digest(path) != before


def test_a_file_written_just_now_is_not_remembered(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    moment = path.stat()
    before = content_digest(path)
    path.write_bytes(b"two")
    os.utime(path, ns=(moment.st_atime_ns, moment.st_mtime_ns))
    assert content_digest(path) != before


def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    cache_file().parent.parent.mkdir(parents=True, exist_ok=True)
    cache_file().parent.write_text("a file where the folder should be")
    assert content_digest(old_file(tmp_path / "a", b"x")) == hashlib.blake2b(b"x", digest_size=20).hexdigest()


def test_a_damaged_cache_does_no_harm(tmp_path: Path) -> None:
    cache_file().parent.mkdir(parents=True)
    cache_file().write_bytes(b"no database" * 500)
    assert content_digest(old_file(tmp_path / "a", b"x")) == hashlib.blake2b(b"x", digest_size=20).hexdigest()


@pytest.mark.usefixtures("settled")
def test_the_cache_holds_one_row_a_file(tmp_path: Path) -> None:
    for content in (b"1", b"22"):
        content_digest(old_file(tmp_path / "a", content))
    with sqlite3.connect(cache_file()) as database:
        assert database.execute("SELECT count(*) FROM file_hashes").fetchone() == (1,)
    database.close()


def test_the_two_files_of_a_pair_are_not_interchangeable(tmp_path: Path) -> None:
    a, b = old_file(tmp_path / "a", b"a"), old_file(tmp_path / "b", b"b")
    assert len({pair_fingerprint(a, b), pair_fingerprint(b, a), pair_fingerprint(a, a)}) == 3


def test_the_name_of_a_file_does_not_matter(tmp_path: Path) -> None:
    a, b, c = (old_file(tmp_path / name, name[:1].encode()) for name in ("a", "b", "a2"))
    assert pair_fingerprint(a, b) == pair_fingerprint(c, b)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone"):
        content_digest(tmp_path / "gone")
