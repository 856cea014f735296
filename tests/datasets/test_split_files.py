from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionbench.contracts import Dataset
from fusionbench.datasets import open_dataset
from fusionbench.datasets.split_files import Split, Thresholds, make_split, write_split
from fusionbench.datasets.splits import read_list
from fusionbench.errors import InputError

SHARES = {"train": 60.0, "val": 20.0, "test": 20.0}
USUAL = Thresholds(10, 10, 4)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Twelve scenes of three frames each under an M3FD layout, without annotations."""
    for number in range(36):
        generator = np.random.default_rng(number // 3)
        for name in ("Vis", "Ir"):
            levels = generator.integers(0, 240, (8, 9)) + number % 3
            image = np.kron(levels, np.ones((6, 6))).astype(np.uint8)
            path = tmp_path / f"data/M3FD_Detection/{name}/{number:05}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path)
    return tmp_path / "data"


def opened(root: Path) -> Dataset:
    return open_dataset("m3fd", root)


def made(root: Path, seed: int = 0) -> Split:
    return make_split(opened(root), SHARES, seed, USUAL, lambda: None)


def test_frames_of_one_scene_are_one_group_in_one_part(root: Path) -> None:
    split = made(root)
    assert [item.group for item in split.items] == [number // 3 for number in range(36)]
    assert len(split.part_of) == 12


def test_the_lists_cover_every_image_once_and_the_reader_takes_them(root: Path, tmp_path: Path) -> None:
    digests = write_split(made(root), tmp_path / "out")
    ids = [sample.id for sample in opened(root).samples]
    lists = [read_list(tmp_path / "out" / name, ids) for name in ("train.txt", "val.txt", "test.txt")]
    assert sorted(name for part in lists for name in part) == ids
    for name, digest in digests.items():
        assert hashlib.sha256((tmp_path / "out" / name).read_bytes()).hexdigest() == digest
    chosen = open_dataset("m3fd", root, None, {"list": str(tmp_path / "out/test.txt")})
    assert tuple(sample.id for sample in chosen.samples) == lists[2]


def test_the_table_of_groups_agrees_with_the_lists(root: Path, tmp_path: Path) -> None:
    write_split(made(root), tmp_path)
    with (tmp_path / "groups.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    for part in SHARES:
        listed = (tmp_path / f"{part}.txt").read_text().split()
        assert listed == [row["id"] for row in rows if row["part"] == part]
    assert len({(row["group"], row["part"]) for row in rows}) == 12


def test_the_description_says_what_the_split_was_made_with(root: Path, tmp_path: Path) -> None:
    digests = write_split(made(root, seed=7), tmp_path)
    found = json.loads((tmp_path / "split.json").read_text())
    assert (found["name"], found["dataset"], found["seed"]) == ("m3fd-60-20-20-seed7", "m3fd", 7)
    assert found["thresholds"] == {"window": 10, "near": 10, "anywhere": 4}
    assert {f"{part}.txt": entry["sha256"] for part, entry in found["parts"].items()} == digests
    assert "no boxes: balanced by the number of images only" in found["remarks"]
    assert found["groups"] == 12


def test_the_same_split_may_be_written_again_and_another_one_not(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    write_split(made(root), folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    write_split(made(root), folder)
    with pytest.raises(
        InputError, match="holds something else, nothing is overwritten; choose another --out"
    ):
        write_split(made(root, seed=1), folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_file_in_the_place_of_the_folder_is_named(root: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(InputError, match="out: cannot be written"):
        write_split(made(root), tmp_path / "out")


def test_an_unreadable_image_is_named(root: Path) -> None:
    (root / "M3FD_Detection/Ir/00004.png").write_bytes(b"")
    (root / "M3FD_Detection/Vis/00009.png").unlink()
    with pytest.raises(
        InputError, match=r"Ir/00004\.png: is not an image.*and 1 other pairs.*data check m3fd"
    ):
        made(root)


def test_boxes_are_counted(root: Path) -> None:
    annotations = root / "M3FD_Detection/Annotation"
    annotations.mkdir()
    edges = "<xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax>"
    box = f"<object><name>Bus</name><bndbox>{edges}</bndbox></object>"
    for number in range(36):
        (annotations / f"{number:05}.xml").write_text(f"<annotation>{box if number % 2 else ''}</annotation>")
    counts = made(root).counts
    assert sum(part.boxes["Bus"] for part in counts.values()) == 18
    assert sum(part.groups_with["Bus"] for part in counts.values()) == 12


def test_a_threshold_out_of_range_is_refused() -> None:
    with pytest.raises(InputError, match="near 99"):
        Thresholds(10, 99, 4)


def test_frames_of_a_real_m3fd_sequence_stay_together(shared: Path) -> None:
    split = make_split(opened(shared / "data"), {"train": 70.0, "test": 30.0}, 0, USUAL, lambda: None)
    group = {item.id: item.group for item in split.items}
    assert len({group[f"0000{n}"] for n in range(1, 6)}) == 1
    others = [name for name in group if name > "00005"]
    assert len({group[name] for name in others}) == len(others)
    assert sum(part.boxes["Car"] for part in split.counts.values()) == 99


def test_real_roadscene_images_are_no_frames_of_each_other(shared: Path) -> None:
    dataset = open_dataset("roadscene", shared / "data")
    split = make_split(dataset, SHARES, 0, USUAL, lambda: None)
    assert len(split.part_of) == len(dataset.samples)
