"""Finished cells are immutable and checked; unfinished ones keep their images."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet
import pytest

from fusionbench.degrading import parse_condition
from fusionbench.errors import InputError
from fusionbench.evaluation.plan import Cell, MethodRequest
from fusionbench.evaluation.store import ImageResult, Journal, Store, StoreError, require_writable
from fusionbench.measuring import Measurement

CELL = Cell(
    dataset="folder",
    split="all",
    condition=parse_condition("haze@3"),
    degradation="haze",
    severity=3.0,
    seed=0,
    method=MethodRequest("mein Verfahren/ä", "average"),
    samples=(),
    identity={"pipeline": 1, "dataset": {}, "condition": {}, "method": {}, "metrics": {}},
    display={},
)
RESULTS = [
    ImageResult("a", (Measurement("en", "none", 7.25, ""), Measurement("vif", "clean", 0.1 + 0.2, ""))),
    ImageResult("b", (Measurement("en", "none", None, "too small"), Measurement("vif", "clean", 1e-300, ""))),
]


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "results")


def finish(store: Store, cell: Cell = CELL) -> Path:
    store.finish(cell, RESULTS, {"device": "cpu"})
    return store.rows_path(cell)


def test_a_finished_cell_is_done_and_its_values_come_back_exactly(store):
    rows = pyarrow.parquet.read_table(finish(store)).to_pylist()
    assert store.is_done(CELL)
    assert [row["value"] for row in rows] == [7.25, 0.1 + 0.2, None, 1e-300]
    assert [row["reason"] for row in rows] == ["", "", "too small", ""]


def test_the_stamp_counts_failed_images(store):
    finish(store)
    assert store.stamp(CELL)["failed_images"] == 1


def test_writing_a_cell_twice_gives_the_same_bytes(store):
    first = finish(store).read_bytes()
    assert finish(store).read_bytes() == first


def test_a_cell_with_another_identity_is_not_done(store):
    finish(store)
    assert not store.is_done(replace(CELL, identity={**CELL.identity, "pipeline": 2}))


def test_a_damaged_rows_file_is_not_done(store):
    path = finish(store)
    path.write_bytes(path.read_bytes()[:-10])
    assert not store.is_done(CELL)


def test_rows_without_a_stamp_are_not_done(store):
    finish(store)
    store.stamp_path(CELL).unlink()
    assert not store.is_done(CELL)


def test_a_damaged_stamp_is_not_done(store):
    finish(store)
    store.stamp_path(CELL).write_text('{"format": 1, "key"')
    assert not store.is_done(CELL)


def test_journals_of_several_runs_are_read_together(store):
    for result in RESULTS:
        journal = store.open_journal(CELL)
        journal.add(result)
        journal.close()
    assert store.journalled(CELL) == {"a": RESULTS[0], "b": RESULTS[1]}


def test_a_torn_last_line_of_a_journal_is_ignored(store):
    journal = store.open_journal(CELL)
    for result in RESULTS:
        journal.add(result)
    journal.close()
    journal.path.write_bytes(journal.path.read_bytes()[:-20])
    assert store.journalled(CELL) == {"a": RESULTS[0]}


def test_a_success_in_one_journal_wins_over_a_failure_in_another(store):
    good = replace(RESULTS[1], measurements=RESULTS[0].measurements)
    for result in (good, RESULTS[1]):
        journal = store.open_journal(CELL)
        journal.add(result)
        journal.close()
    assert store.journalled(CELL)["b"] == good


def test_finishing_removes_the_journals(store):
    journal = store.open_journal(CELL)
    journal.add(RESULTS[0])
    journal.close()
    finish(store)
    assert [path.name for path in store.rows_path(CELL).parent.iterdir() if "partial" in path.name] == []


def test_a_full_disk_while_journalling_is_one_error_that_names_the_folder(store, monkeypatch):
    journal = store.open_journal(CELL)

    def no_space(self, *arguments, **more):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", no_space)
    with pytest.raises(StoreError, match=r"haze@3.*No space left.*--results"):
        journal.add(RESULTS[0])


def test_a_full_disk_while_finishing_keeps_the_journal_and_leaves_no_half_file(store, monkeypatch):
    journal = store.open_journal(CELL)
    journal.add(RESULTS[0])
    journal.close()

    def no_space(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", no_space)
        with pytest.raises(StoreError, match="No space left"):
            finish(store)
    assert store.journalled(CELL) == {"a": RESULTS[0]}
    assert [path.name for path in store.rows_path(CELL).parent.iterdir()] == [journal.path.name]


def test_what_a_killed_process_was_writing_is_no_result_and_is_removed_in_time(store):
    path = store.rows_path(CELL)
    path.parent.mkdir(parents=True)
    names = [f".{path.name}-1-aaaaaa.writing", f".{path.name}-2-bbbbbb.writing"]
    for name in names:
        path.with_name(name).write_bytes(b"PAR1 half")
    os.utime(path.with_name(names[0]), (0, 0))
    finish(store)
    assert list(store.folder.rglob("*.parquet")) == [path]
    assert not path.with_name(names[0]).exists()
    assert path.with_name(names[1]).exists()


def test_a_folder_that_cannot_be_written_is_refused_at_once(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(InputError, match=r"file.*--results"):
        require_writable(blocked / "results")


def test_a_journal_that_got_no_line_leaves_no_file(tmp_path):
    journal = Journal(tmp_path / "never.jsonl")
    journal.close()
    assert not journal.path.exists()
