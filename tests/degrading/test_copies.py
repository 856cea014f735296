"""A degraded copy of a dataset is a dataset: its own reader opens it, with the labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fusionbench.contracts import Dataset
from fusionbench.datasets import open_dataset
from fusionbench.degrading import degrade_pair, parse_condition
from fusionbench.degrading.manifest import read_manifest
from fusionbench.degrading.writing import degrade_dataset, verify_set
from fusionbench.errors import InputError
from fusionbench.images import write_png

CONDITION = parse_condition("noise@3")

VOC = """<annotation><object><name>{}</name><bndbox><xmin>3</xmin><ymin>4</ymin><xmax>20</xmax><ymax>15</ymax>
</bndbox></object></annotation>"""

LAYOUTS = {
    "llvip": (
        "LLVIP",
        "visible/test/190001.png",
        "infrared/test/190001.png",
        {"LLVIP/Annotations/190001.xml": VOC.format("person")},
    ),
    "m3fd": (
        "M3FD_Detection",
        "Vis/00003.png",
        "Ir/00003.png",
        {"M3FD_Detection/Annotation/00003.xml": VOC.format("Car")},
    ),
    "m3fd_fusion": ("M3FD_Fusion", "Vis/00003.png", "Ir/00003.png", {}),
    "roadscene": ("RoadScene", "crop_LR_visible/FLIR_1.png", "cropinfrared/FLIR_1.png", {}),
    "msrs": (
        "MSRS",
        "test/vi/00004D.png",
        "test/ir/00004D.png",
        {"MSRS-detection-label/fusion/test/00004D.txt": "0  0.5 0.5 0.25 0.5\n"},
    ),
}


def made(root: Path, name: str) -> Dataset:
    """A dataset of one pair in its official layout."""
    folder, visible, infrared, labels = LAYOUTS[name]
    generator = np.random.default_rng(0)
    write_png(root / folder / visible, generator.integers(0, 256, (24, 31, 3), dtype=np.uint8))
    write_png(root / folder / infrared, generator.integers(0, 256, (24, 31), dtype=np.uint8))
    for path, text in labels.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    if name == "msrs":
        mask = np.zeros((24, 31), np.uint8)
        mask[5:9, 3:8] = 2
        write_png(root / folder / "test/Segmentation_labels/00004D.png", mask)
    return open_dataset(name, root)


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_reader_of_the_source_opens_the_copy(name: str, tmp_path: Path) -> None:
    source = made(tmp_path / "in", name)
    assert [w.outcome for w in degrade_dataset(source, CONDITION, 0, tmp_path / "out")] == ["written"]
    copy = open_dataset(name, tmp_path / "out")
    (original,), (degraded,) = source.samples, copy.samples
    assert degraded.id == original.id
    expected = degrade_pair(source.load(original), CONDITION, 0, name).pair
    np.testing.assert_array_equal(copy.load(degraded).visible, expected.visible)
    np.testing.assert_array_equal(copy.load(degraded).infrared, expected.infrared)
    assert copy.labels(degraded).boxes == source.labels(original).boxes
    for kept, mask in zip([copy.labels(degraded).mask], [source.labels(original).mask], strict=True):
        np.testing.assert_array_equal(kept, mask)


@pytest.mark.parametrize("name", ["m3fd", "msrs"])
def test_a_folder_of_another_name_becomes_one_the_reader_knows(name: str, tmp_path: Path) -> None:
    made(tmp_path / "in", name)
    (tmp_path / "in" / LAYOUTS[name][0]).rename(tmp_path / "in" / "images")
    source = open_dataset(name, tmp_path / "in" / "images")
    list(degrade_dataset(source, CONDITION, 0, tmp_path / "out"))
    assert [sample.id for sample in open_dataset(name, tmp_path / "out").samples] == [source.samples[0].id]


def test_a_damaged_annotation_is_found_and_a_lost_one_is_written_again(tmp_path: Path) -> None:
    source = made(tmp_path / "in", "m3fd")
    list(degrade_dataset(source, CONDITION, 0, tmp_path / "out"))
    path = tmp_path / "out/M3FD_Detection/Annotation/00003.xml"
    path.write_text("changed")
    assert [line.split(":")[0] for line in verify_set(tmp_path / "out")] == [str(path)]
    path.unlink()
    assert [w.outcome for w in degrade_dataset(source, CONDITION, 0, tmp_path / "out")] == ["written"]
    assert list(verify_set(tmp_path / "out")) == []


def test_scenes_are_written_with_boxes_masks_and_depth(tmp_path: Path) -> None:
    scenes = open_dataset("scenes", options={"count": "2", "size": "96x72"})
    list(degrade_dataset(scenes, CONDITION, 0, tmp_path / "out"))
    record = next(iter(read_manifest(tmp_path / "out").values()))
    assert sorted(Path(name).parts[0] for name in record["annotations"]) == ["depth", "labels", "masks"]
    sample = scenes.samples[0]
    depth = np.load(tmp_path / "out/depth" / f"{sample.id}.npy")
    np.testing.assert_array_equal(depth, scenes.load(sample).depth)
    boxes = scenes.labels(sample).boxes
    assert boxes is not None
    lines = (tmp_path / "out/labels" / f"{sample.id}.txt").read_text().splitlines()
    assert len(lines) == len(boxes)


def test_a_copy_of_scenes_opens_as_folders_with_its_depth(tmp_path: Path) -> None:
    scenes = open_dataset("scenes", options={"count": "1", "size": "96x72"})
    list(degrade_dataset(scenes, CONDITION, 0, tmp_path / "out"))
    copy = open_dataset("folder", tmp_path / "out", options={"depth": str(tmp_path / "out/depth")})
    np.testing.assert_array_equal(copy.load(copy.samples[0]).depth, scenes.load(scenes.samples[0]).depth)


def test_real_labels_go_with_a_copy_of_msrs(shared: Path, tmp_path: Path) -> None:
    source = open_dataset("msrs", shared / "data")
    chosen = source.samples[:2]
    list(degrade_dataset(source, CONDITION, 0, tmp_path / "out", samples=chosen))
    copy = open_dataset("msrs", tmp_path / "out")
    assert [sample.id for sample in copy.samples] == [sample.id for sample in chosen]
    for sample, original in zip(copy.samples, chosen, strict=True):
        assert copy.labels(sample).boxes == source.labels(original).boxes
        assert copy.labels(sample).boxes is not None


def test_labels_behind_a_link_go_with_the_copy(tmp_path: Path) -> None:
    made(tmp_path / "in", "msrs")
    (tmp_path / "in/MSRS-detection-label").rename(tmp_path / "elsewhere")
    (tmp_path / "in/MSRS-detection-label").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    source = open_dataset("msrs", tmp_path / "in")
    assert [w.outcome for w in degrade_dataset(source, CONDITION, 0, tmp_path / "out")] == ["written"]
    copy = open_dataset("msrs", tmp_path / "out")
    assert copy.labels(copy.samples[0]).boxes == source.labels(source.samples[0]).boxes


def test_a_set_has_one_source_of_depth(tmp_path: Path, pair_folders: dict[str, str]) -> None:
    (tmp_path / "depth").mkdir()
    with_depth = open_dataset("folder", options={**pair_folders, "depth": str(tmp_path / "depth")})
    list(degrade_dataset(open_dataset("folder", options=pair_folders), CONDITION, 0, tmp_path / "out"))
    with pytest.raises(InputError, match="own_depth_maps is false, asked for true"):
        list(degrade_dataset(with_depth, CONDITION, 0, tmp_path / "out"))
