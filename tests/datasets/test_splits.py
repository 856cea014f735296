from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusionbench.contracts import DatasetCard
from fusionbench.datasets.splits import checked_options, chosen_split, chosen_value, list_text, read_list
from fusionbench.errors import InputError

CARD = DatasetCard("toy", "Toy", ("test", "train"), "none", "nowhere", options={"light": "", "list": ""})


def listing(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "ids.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_first_split_is_the_default() -> None:
    assert chosen_split(CARD, None) == "test"


def test_an_unknown_split_names_the_known_ones() -> None:
    with pytest.raises(InputError, match="no split 'val'; its splits are test, train"):
        chosen_split(CARD, "val")


def test_an_unknown_option_suggests_the_nearest() -> None:
    with pytest.raises(InputError, match="no option 'ligth'; did you mean light"):
        checked_options(CARD, {"ligth": "day"})


def test_a_value_that_is_not_allowed_names_those_that_are() -> None:
    with pytest.raises(InputError, match="light='dusk' must be one of day, night"):
        chosen_value(CARD, "light", "dusk", ("day", "night"))


def test_a_list_takes_ids_with_and_without_extension(tmp_path: Path) -> None:
    assert read_list(listing(tmp_path, "\ufeffb.png\r\n\n a \nc.v2\n"), {"a", "b", "c.v2"}) == (
        "a",
        "b",
        "c.v2",
    )


def test_unknown_ids_of_a_list_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ids\.txt: x, y not in this split"):
        read_list(listing(tmp_path, "a\nx\ny\n"), {"a"})


def test_many_unknown_ids_are_cut_short(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="and 7 more"):
        read_list(listing(tmp_path, "\n".join(f"x{n:02}" for n in range(12))), {"a"})


def test_an_id_listed_twice_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lists a more than once"):
        read_list(listing(tmp_path, "a\nb\na.png\n"), {"a", "b"})


def test_an_empty_list_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lists no image"):
        read_list(listing(tmp_path, "\n \n"), {"a"})


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.txt: no such file"):
        read_list(tmp_path / "gone.txt", {"a"})


@given(st.sets(st.sampled_from(["a", "b.v2", "00001", "c.png", "d.PNG.jpg", "é", "x y"]), min_size=1))
def test_a_written_list_is_read_as_the_same_ids(ids: set[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert read_list(listing(Path(folder), list_text(ids)), ids) == tuple(sorted(ids))


@pytest.mark.parametrize("name", ["", " a", "a\nb", "e\u0301"])
def test_an_id_that_a_line_cannot_hold_is_named(name: str) -> None:
    with pytest.raises(InputError, match="cannot stand in a list of ids; rename the file"):
        list_text([name])
