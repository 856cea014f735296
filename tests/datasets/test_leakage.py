from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageEnhance

from fusionbench.contracts import Dataset
from fusionbench.datasets import open_dataset
from fusionbench.datasets.leakage import LeakageReport, find_leakage, listed_ids
from fusionbench.datasets.split_files import Thresholds, make_split
from fusionbench.errors import InputError

USUAL = Thresholds(10, 10, 4)


def compared(dataset: Dataset, train: list[str], test: list[str]) -> LeakageReport:
    return find_leakage(dataset, train, test, USUAL, lambda: None)


@pytest.fixture
def roadscene(shared: Path, tmp_path: Path) -> Path:
    """Twelve real pairs that are no frames of each other."""
    for folder in ("crop_LR_visible", "cropinfrared"):
        target = tmp_path / "RoadScene" / folder
        target.mkdir(parents=True)
        for path in sorted((shared / "data/RoadScene" / folder).glob("*.jpg"))[:12]:
            shutil.copy(path, target)
    return tmp_path / "RoadScene"


def ids(folder: Path) -> list[str]:
    return [sample.id for sample in open_dataset("roadscene", folder).samples]


def test_different_places_do_not_leak(roadscene: Path) -> None:
    report = compared(open_dataset("roadscene", roadscene), ids(roadscene)[:8], ids(roadscene)[8:])
    assert report.leaks == ()
    assert (report.train_images, report.test_images) == (8, 4)
    assert all(sum(histogram) == 4 for histogram in report.histogram.values())


def test_a_planted_copy_leaks_by_name(roadscene: Path) -> None:
    before = ids(roadscene)
    for folder in ("crop_LR_visible", "cropinfrared"):
        shutil.copy(roadscene / folder / f"{before[3]}.jpg", roadscene / folder / "FLIR_99999.jpg")
    report = compared(open_dataset("roadscene", roadscene), before, ["FLIR_99999"])
    (leak,) = report.leaks
    assert (leak.test, leak.train, leak.distance) == ("FLIR_99999", before[3], 0)
    assert report.histogram["visible"][0] == 1


def test_a_copy_in_one_modality_leaks_even_darkened_and_recoded(roadscene: Path) -> None:
    before = ids(roadscene)
    with Image.open(roadscene / f"cropinfrared/{before[2]}.jpg") as image:
        ImageEnhance.Brightness(image).enhance(0.7).save(roadscene / "cropinfrared/FLIR_99999.png")
        size = image.size
    Image.new("RGB", size).save(roadscene / "crop_LR_visible/FLIR_99999.png")
    report = compared(open_dataset("roadscene", roadscene), before, ["FLIR_99999"])
    (leak,) = report.leaks
    assert (leak.train, leak.modality) == (before[2], "infrared")


def test_an_image_in_both_lists_leaks(roadscene: Path) -> None:
    first, second = ids(roadscene)[:2]
    (leak,) = compared(open_dataset("roadscene", roadscene), [first, second], [first]).leaks
    assert (leak.test, leak.train, leak.apart) == (first, first, 0)


def test_neighbours_of_a_real_sequence_leak(shared: Path) -> None:
    dataset = open_dataset("m3fd", shared / "data")
    report = compared(dataset, ["00001", "00349"], ["00002", "00712"])
    assert [leak.test for leak in report.leaks] == ["00002"]
    assert [pair.test for pair in report.nearest] == ["00002", "00712"]


def test_a_split_made_here_does_not_leak_by_its_own_thresholds(shared: Path) -> None:
    dataset = open_dataset("m3fd", shared / "data")
    split = make_split(dataset, {"train": 50.0, "val": 20.0, "test": 30.0}, 0, USUAL, lambda: None)
    assert compared(dataset, [*split.ids("train"), *split.ids("val")], split.ids("test")).leaks == ()


def test_blocks_change_nothing(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = open_dataset("m3fd", shared / "data")
    names = [sample.id for sample in dataset.samples]
    whole = compared(dataset, names[::2], names[1::2])
    monkeypatch.setattr("fusionbench.datasets.leakage._BLOCK", 1)
    assert compared(dataset, names[::2], names[1::2]) == whole


@pytest.mark.parametrize(("train", "test"), [([], ["FLIR_00006"]), (["FLIR_00006"], ["nowhere"])])
def test_lists_without_images_are_errors(roadscene: Path, train: list[str], test: list[str]) -> None:
    with pytest.raises(InputError, match="has no image; correct the lists"):
        compared(open_dataset("roadscene", roadscene), train, test)


def test_a_list_may_be_the_name_of_a_split(shared: Path, tmp_path: Path) -> None:
    whole = open_dataset("msrs", shared / "data", "all")
    train, test = (listed_ids(whole, name, shared / "data", {}) for name in ("train", "test"))
    assert (len(train), len(test)) == (4, 100)
    (tmp_path / "one.txt").write_text(test[0])
    assert listed_ids(whole, str(tmp_path / "one.txt"), shared / "data", {}) == test[:1]
