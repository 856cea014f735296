"""Downloading against a server on this machine that cuts, lies and forgets."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fusionbench.datasets import fetch
from fusionbench.datasets.archives import ArchiveError
from fusionbench.datasets.fetch import fetch_zip
from fusionbench.errors import InputError

CONTENT = b"PK\x03\x04" + random.Random(0).randbytes(300_000)


@pytest.fixture
def get(server: Any, tmp_path: Path) -> Callable[[], Path]:
    """Fetch the server's archive without waiting between attempts."""
    server.content = CONTENT

    def run() -> Path:
        target = tmp_path / "a.zip"
        fetch_zip(server.url, target, lambda done, total: None, pause=lambda seconds: None)
        return target

    return run


def left(tmp_path: Path) -> set[str]:
    return {path.name for path in tmp_path.iterdir()}


def test_a_file_arrives_whole_and_leaves_nothing_beside_it(get: Callable[[], Path], tmp_path: Path) -> None:
    assert get().read_bytes() == CONTENT
    assert left(tmp_path) == {"a.zip"}


def test_a_transfer_cut_in_the_middle_resumes_where_it_stopped(get: Callable[[], Path], server: Any) -> None:
    server.cuts = [100_000, 50_000]
    assert get().read_bytes() == CONTENT
    assert [request.get("Range") for request in server.seen] == [None, "bytes=100000-", "bytes=150000-"]
    assert server.seen[1]["If-Range"] == '"one"'


def test_a_later_run_resumes_what_an_earlier_one_left(
    get: Callable[[], Path], server: Any, tmp_path: Path
) -> None:
    server.cuts = [100_000] + [0] * 10
    with pytest.raises(
        InputError, match=r"broke off \(100000 of 300004 bytes arrived\); run it again to resume"
    ):
        get()
    assert left(tmp_path) == {"a.zip.part", "a.zip.part.json"}
    assert (tmp_path / "a.zip.part").read_bytes() == CONTENT[:100_000]
    server.cuts, server.seen = [], []
    assert get().read_bytes() == CONTENT
    assert [request.get("Range") for request in server.seen] == ["bytes=100000-"]


def test_a_server_without_ranges_sends_it_all_again(get: Callable[[], Path], server: Any) -> None:
    server.ranges, server.cuts = False, [100_000]
    assert get().read_bytes() == CONTENT
    assert len(server.seen) == 2


def test_a_file_that_changed_meanwhile_is_not_patched_together(
    get: Callable[[], Path], server: Any, tmp_path: Path
) -> None:
    server.cuts = [100_000] + [0] * 10
    with pytest.raises(InputError):
        get()
    server.cuts, server.tag, server.content = [], '"two"', b"PK\x03\x04" + bytes(200_000)
    assert get().read_bytes() == server.content


@pytest.mark.parametrize("tag", [None, 'W/"weak"'])
def test_without_a_strong_validator_nothing_is_resumed(
    get: Callable[[], Path], server: Any, tag: str | None
) -> None:
    server.tag, server.cuts = tag, [100_000]
    assert get().read_bytes() == CONTENT
    assert [request.get("Range") for request in server.seen] == [None, None]


def test_a_range_beyond_the_end_starts_over(get: Callable[[], Path], server: Any, tmp_path: Path) -> None:
    (tmp_path / "a.zip.part").write_bytes(CONTENT + b"too much")
    (tmp_path / "a.zip.part.json").write_text(f'{{"url": "{server.url}", "validator": "\\"one\\""}}')
    assert get().read_bytes() == CONTENT
    assert [request.get("Range") for request in server.seen] == ["bytes=300012-", None]


def test_a_part_of_another_address_is_not_continued(
    get: Callable[[], Path], server: Any, tmp_path: Path
) -> None:
    (tmp_path / "a.zip.part").write_bytes(b"PK\x03\x04other")
    (tmp_path / "a.zip.part.json").write_text('{"url": "http://elsewhere/", "validator": "\\"one\\""}')
    assert get().read_bytes() == CONTENT


def test_a_length_that_is_not_told_is_no_hindrance(get: Callable[[], Path], server: Any) -> None:
    server.length = False
    assert get().read_bytes() == CONTENT


def test_a_passing_error_is_tried_again(get: Callable[[], Path], server: Any) -> None:
    server.statuses = [503, 429]
    assert get().read_bytes() == CONTENT
    assert len(server.seen) == 3


def test_attempts_end(get: Callable[[], Path], server: Any) -> None:
    server.statuses = [503] * 20
    with pytest.raises(InputError, match="answered 503"):
        get()
    assert len(server.seen) == 5


def test_a_server_that_always_cuts_without_ranges_does_not_go_on_forever(
    get: Callable[[], Path], server: Any
) -> None:
    server.ranges, server.cuts = False, [1000] * 50
    with pytest.raises(InputError, match="broke off"):
        get()
    assert len(server.seen) <= 7


def test_a_missing_file_is_not_tried_again(get: Callable[[], Path], server: Any, tmp_path: Path) -> None:
    server.statuses = [404]
    with pytest.raises(InputError, match="answered 404 Not Found; give a mirror with --url"):
        get()
    assert len(server.seen) == 1
    assert left(tmp_path) == set()


def test_a_web_page_in_place_of_the_archive_is_called_one(
    get: Callable[[], Path], server: Any, tmp_path: Path
) -> None:
    server.content = b"<!DOCTYPE html><title>Google Drive - Virus scan warning</title>"
    with pytest.raises(ArchiveError, match="is a web page, not the file; open the link in a browser"):
        get()
    assert left(tmp_path) == set()


def test_an_empty_answer_is_refused(get: Callable[[], Path], server: Any, tmp_path: Path) -> None:
    server.content = b""
    with pytest.raises(ArchiveError, match="empty"):
        get()
    assert left(tmp_path) == set()


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/a.zip", "data:,x", "a.zip", "/a.zip"])
def test_other_schemes_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(InputError, match="only http and https"):
        fetch_zip(url, tmp_path / "a.zip", lambda done, total: None)
    assert left(tmp_path) == set()


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/a.zip"])
def test_a_redirect_to_another_scheme_is_refused(
    get: Callable[[], Path], server: Any, tmp_path: Path, location: str
) -> None:
    server.location = location
    with pytest.raises(InputError):
        get()
    assert left(tmp_path) == set()


def test_a_server_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="broke off"):
        fetch_zip(
            "http://127.0.0.1:9/a.zip", tmp_path / "a.zip", lambda done, total: None, lambda seconds: None
        )


def test_pauses_grow_between_attempts(server: Any, tmp_path: Path) -> None:
    server.statuses = [503] * 20
    pauses: list[float] = []
    with pytest.raises(InputError):
        fetch_zip(server.url, tmp_path / "a.zip", lambda done, total: None, pauses.append)
    assert pauses == [1.0, 2.0, 4.0, 8.0]


def test_a_full_disk_is_said_before_anything_is_written(
    get: Callable[[], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: Path, needed: int) -> None:
        assert needed == len(CONTENT)
        raise InputError("0.0 GB free")

    monkeypatch.setattr(fetch, "require_space", full)
    with pytest.raises(InputError, match=r"0\.0 GB free"):
        get()
    assert left(tmp_path) == set()


def test_a_place_that_cannot_be_written_is_named_and_not_tried_again(
    get: Callable[[], Path], server: Any, tmp_path: Path
) -> None:
    (tmp_path / "a.zip.part").mkdir()
    with pytest.raises(InputError, match=r"a\.zip\.part: cannot be written"):
        get()
    assert len(server.seen) == 1


def test_progress_counts_what_was_there_already(get: Callable[[], Path], server: Any, tmp_path: Path) -> None:
    server.content = CONTENT
    server.cuts = [100_000]
    told: list[tuple[int, int | None]] = []
    fetch_zip(server.url, tmp_path / "b.zip", lambda d, t: told.append((d, t)), lambda seconds: None)
    assert told[-1] == (300_004, 300_004)
    assert [done for done, _ in told] == sorted({done for done, _ in told})
