from __future__ import annotations

import random
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusionbench.contracts import Sample
from fusionbench.datasets.pairing import join, pair_folders
from fusionbench.errors import InputError


def folders(tmp_path: Path, visible: list[str], infrared: list[str]) -> tuple[Path, Path]:
    for folder, names in (("vi", visible), ("ir", infrared)):
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / name).touch()
    return tmp_path / "vi", tmp_path / "ir"


def test_stems_pair_whatever_the_extension(tmp_path: Path) -> None:
    (sample,) = pair_folders(*folders(tmp_path, ["FLIR_1.jpg"], ["FLIR_1.png"]))
    assert (sample.id, sample.problem) == ("FLIR_1", None)
    assert sample.visible == tmp_path / "vi/FLIR_1.jpg"
    assert sample.infrared == tmp_path / "ir/FLIR_1.png"


def test_a_thumbs_db_in_one_folder_shifts_nothing(tmp_path: Path) -> None:
    names = ["A.jpg", "Z.jpg"]
    samples = pair_folders(*folders(tmp_path, [*names, "Thumbs.db", ".DS_Store"], names))
    assert [(s.visible.name, s.infrared.name) for s in samples] == [("A.jpg", "A.jpg"), ("Z.jpg", "Z.jpg")]


def test_a_one_sided_image_is_listed_with_its_problem_and_shifts_nothing(tmp_path: Path) -> None:
    samples = pair_folders(*folders(tmp_path, ["a.png", "b.png"], ["b.png", "c.png"]))
    assert [s.id for s in samples] == ["a", "b", "c"]
    assert "no infrared image 'a'" in samples[0].problem
    assert samples[1].problem is None
    assert "no visible image 'c'" in samples[2].problem


def test_two_files_of_one_stem_are_a_problem_naming_both(tmp_path: Path) -> None:
    (sample,) = pair_folders(*folders(tmp_path, ["a.png", "a.jpg"], ["a.png"]))
    assert "a.jpg" in sample.problem
    assert "a.png" in sample.problem


def test_composed_and_decomposed_accents_are_one_name(tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "nächt.png") for form in ("NFC", "NFD"))
    (sample,) = pair_folders(*folders(tmp_path, [composed], [decomposed]))
    assert sample.problem is None


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    visible, infrared = folders(tmp_path, ["a.png"], [])
    with pytest.raises(InputError, match="nowhere"):
        pair_folders(visible, infrared / "nowhere")


def test_an_id_in_two_parts_becomes_a_problem() -> None:
    twice = (
        [Sample("a", Path("train/a.png"), Path("i/a.png"))],
        [Sample("a", Path("test/a.png"), Path("j/a.png"))],
    )
    (sample,) = join(twice)
    assert "train/a.png and test/a.png" in sample.problem


stems = st.sets(st.text("abc123_", min_size=1, max_size=4), max_size=12)


@given(visible=stems, infrared=stems)
def test_every_stem_appears_once_sorted_and_is_usable_exactly_if_both_have_it(
    tmp_path_factory: pytest.TempPathFactory, visible: set[str], infrared: set[str]
) -> None:
    names = [
        [f"{stem}.png" for stem in random.Random(0).sample(sorted(s), len(s))] for s in (visible, infrared)
    ]
    samples = pair_folders(*folders(tmp_path_factory.mktemp("pairs"), *names))
    assert [s.id for s in samples] == sorted(visible | infrared)
    assert {s.id for s in samples if s.problem is None} == visible & infrared
    assert all(s.visible.stem == s.infrared.stem == s.id for s in samples if s.problem is None)
