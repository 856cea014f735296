from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fusionbench.datasets import open_dataset
from fusionbench.errors import InputError

Make = Callable[..., Path]


@pytest.fixture
def root(tmp_path: Path, image: Make) -> Path:
    folder = tmp_path / "RoadScene-master"
    for name, size in (("FLIR_00006", (17, 11)), ("FLIR_00211", (14, 9))):
        image(folder / f"crop_LR_visible/{name}.jpg", size)
        image(folder / f"cropinfrared/{name}.jpg", size, mode="L")
        image(folder / f"crop_HR_visible/{name}.jpg", (40, 30))
        image(folder / f"infrared/{name}.png", (64, 51), mode="L")
    for shown in ("crop_LR_visible", "crop_HR_visible"):
        (folder / shown / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")
    return tmp_path


def test_the_pair_of_equal_size_is_taken_and_thumbs_db_is_not(root: Path) -> None:
    dataset = open_dataset("roadscene", root)
    assert [sample.id for sample in dataset.samples] == ["FLIR_00006", "FLIR_00211"]
    assert [dataset.load(sample).size for sample in dataset.samples] == [(11, 17), (9, 14)]


def test_an_orphan_is_listed_and_raises_its_problem_when_loaded(root: Path) -> None:
    (root / "RoadScene-master/cropinfrared/FLIR_00211.jpg").unlink()
    dataset = open_dataset("roadscene", root)
    assert [sample.problem is None for sample in dataset.samples] == [True, False]
    for use in (dataset.load, dataset.labels, dataset.fingerprint):
        with pytest.raises(InputError, match="no infrared image 'FLIR_00211'"):
            use(dataset.samples[1])


def test_a_folder_without_the_layout_says_what_was_looked_for_and_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "ROAD_packed").mkdir()
    with pytest.raises(InputError) as raised:
        open_dataset("roadscene", tmp_path)
    for part in (str(tmp_path), "crop_LR_visible/", "ROAD_packed", "fusionbench data download roadscene"):
        assert part in str(raised.value)


def test_a_root_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such folder"):
        open_dataset("roadscene", tmp_path / "nowhere")


def test_without_any_root_the_three_ways_to_give_one_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"--root.*FUSIONBENCH_DATA.*data download roadscene"):
        open_dataset("roadscene")


def test_the_environment_gives_the_root(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSIONBENCH_DATA", str(root))
    assert len(open_dataset("roadscene").samples) == 2
