from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionbench.contracts import Box
from fusionbench.datasets import open_dataset
from fusionbench.errors import InputError

Make = Callable[..., Path]

NAMES = {"train": ("00001D", "00002N"), "test": ("00004N", "00055D")}


def mask(path: Path, ids: list[int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.resize(np.array(ids, np.uint8), (12, 16))).save(path)


@pytest.fixture
def current(tmp_path: Path, image: Make) -> Path:
    for split, names in NAMES.items():
        for name in names:
            image(tmp_path / f"MSRS/{split}/vi/{name}.png")
            image(tmp_path / f"MSRS/{split}/ir/{name}.png", mode="L")
            mask(tmp_path / f"MSRS/{split}/Segmentation_labels/{name}.png", [0, 3, 8])
            image(tmp_path / f"MSRS/{split}/Segmentation_visualize/{name}.png")
    return tmp_path


@pytest.fixture
def old(tmp_path: Path, image: Make) -> Path:
    for split, names in NAMES.items():
        for name in names:
            image(tmp_path / f"MSRS/Visible/{split}/MSRS/{name}.png")
            image(tmp_path / f"MSRS/Infrared/{split}/MSRS/{name}.png", mode="L")
            mask(tmp_path / f"MSRS/Label/{split}/MSRS/{name}.png", [0, 3, 8])
    return tmp_path


def detection_labels(folder: Path) -> None:
    for number, kind in enumerate(("fusion", "visible", "infrared")):
        for split, names in NAMES.items():
            for name in names:
                path = folder / kind / split / f"{name}.txt"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f"{number}  0.5  0.5  0.5  0.5  \n")


@pytest.mark.parametrize("layout", ["current", "old"])
@pytest.mark.parametrize(
    ("split", "ids"),
    [
        (None, ["00004N", "00055D"]),
        ("train", ["00001D", "00002N"]),
        ("all", ["00001D", "00002N", "00004N", "00055D"]),
    ],
)
def test_both_layouts_have_the_same_splits(
    request: pytest.FixtureRequest, layout: str, split: str | None, ids: list[str]
) -> None:
    root = request.getfixturevalue(layout)
    assert [sample.id for sample in open_dataset("msrs", root, split).samples] == ids
    assert [sample.id for sample in open_dataset("msrs", root / "MSRS", split).samples] == ids


@pytest.mark.parametrize("layout", ["current", "old"])
def test_masks_are_found_in_both_layouts_for_every_split(request: pytest.FixtureRequest, layout: str) -> None:
    dataset = open_dataset("msrs", request.getfixturevalue(layout), "all")
    for sample in dataset.samples:
        found = dataset.labels(sample).mask
        assert set(np.unique(found)) == {0, 3, 8}
        assert dataset.card.mask_classes[3] == "bike"


def test_a_mask_value_beyond_8_is_an_error(current: Path) -> None:
    mask(current / "MSRS/test/Segmentation_labels/00004N.png", [0, 9])
    dataset = open_dataset("msrs", current)
    with pytest.raises(InputError, match=r"00004N\.png: has class id 9"):
        dataset.labels(dataset.samples[0])


def test_without_label_folders_there_are_no_labels(tmp_path: Path, image: Make) -> None:
    image(tmp_path / "test/vi/00004N.png")
    image(tmp_path / "test/ir/00004N.png")
    dataset = open_dataset("msrs", tmp_path)
    labels = dataset.labels(dataset.samples[0])
    assert (labels.boxes, labels.mask) == (None, None)


@pytest.mark.parametrize(("light", "ids"), [("day", ["00001D", "00055D"]), ("night", ["00002N", "00004N"])])
def test_day_and_night_come_from_the_name(current: Path, light: str, ids: list[str]) -> None:
    dataset = open_dataset("msrs", current, "all", {"light": light})
    assert [sample.id for sample in dataset.samples] == ids


def test_a_name_that_does_not_say_day_or_night_is_an_error_for_that_option(
    current: Path, image: Make
) -> None:
    image(current / "MSRS/test/vi/00099.png")
    image(current / "MSRS/test/ir/00099.png")
    assert len(open_dataset("msrs", current).samples) == 3
    with pytest.raises(InputError, match="'00099' ends neither in D"):
        open_dataset("msrs", current, options={"light": "day"})


def test_light_and_list_combine(current: Path, tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text("00004N\n00001D\n")
    options = {"light": "night", "list": str(tmp_path / "ids.txt")}
    assert [s.id for s in open_dataset("msrs", current, "all", options).samples] == ["00004N"]


@pytest.mark.parametrize(
    "place", ["MSRS-detection-label", "MSRS/MSRS-detection-label", "MSRS-detection-label-main"]
)
@pytest.mark.parametrize(
    ("options", "label"),
    [
        ({}, "person"),
        ({"labels": "fusion"}, "person"),
        ({"labels": "visible"}, "bicycle"),
        ({"labels": "infrared"}, "car"),
    ],
)
def test_the_three_label_sets_are_told_apart(
    current: Path, place: str, options: dict[str, str], label: str
) -> None:
    detection_labels(current / place)
    dataset = open_dataset("msrs", current, "all", options)
    expected = (Box(label, 4.0, 3.0, 12.0, 9.0),)
    assert [dataset.labels(sample).boxes for sample in dataset.samples] == [expected] * 4


def test_detection_labels_serve_the_old_layout_too(old: Path) -> None:
    detection_labels(old / "MSRS-detection-label")
    dataset = open_dataset("msrs", old)
    assert [len(dataset.labels(sample).boxes) for sample in dataset.samples] == [1, 1]


def test_an_empty_label_file_means_no_object(current: Path) -> None:
    detection_labels(current / "MSRS-detection-label")
    (current / "MSRS-detection-label/fusion/test/00004N.txt").write_text("")
    dataset = open_dataset("msrs", current)
    assert dataset.labels(dataset.samples[0]).boxes == ()


def test_asking_for_labels_that_are_not_there_says_how_to_get_them(current: Path) -> None:
    with pytest.raises(InputError, match="fusionbench data download msrs_labels"):
        open_dataset("msrs", current, options={"labels": "visible"})


def test_loading_never_reads_annotations(current: Path) -> None:
    (current / "MSRS/test/Segmentation_labels/00004N.png").write_bytes(b"rubbish")
    dataset = open_dataset("msrs", current)
    assert dataset.load(dataset.samples[0]).size == (12, 16)
