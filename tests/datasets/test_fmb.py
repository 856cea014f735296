"""FMB's layout and its label images, whose id 0 is no class."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionbench.contracts import UNLABELLED
from fusionbench.datasets import open_dataset
from fusionbench.datasets.check import check_split
from fusionbench.errors import InputError

NAMES = {"train": ("00001", "00003"), "test": ("00002",)}


def mask(path: Path, ids: list[int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.resize(np.array(ids, np.uint8), (12, 16))).save(path)


@pytest.fixture
def root(tmp_path: Path, image: Callable[..., Path]) -> Path:
    for split, names in NAMES.items():
        for name in names:
            image(tmp_path / f"FMB/{split}/Visible/{name}.png")
            image(tmp_path / f"FMB/{split}/Infrared/{name}.png", mode="L")
            image(tmp_path / f"FMB/{split}/color/{name}.png")
            mask(tmp_path / f"FMB/{split}/Label/{name}.png", [0, 1, 9, 14])
    return tmp_path


@pytest.mark.parametrize(
    ("split", "ids"),
    [(None, ["00002"]), ("train", ["00001", "00003"]), ("all", ["00001", "00002", "00003"])],
)
def test_splits_are_the_folders(root: Path, split: str | None, ids: list[str]) -> None:
    assert [sample.id for sample in open_dataset("fmb", root, split).samples] == ids
    assert [sample.id for sample in open_dataset("fmb", root / "FMB", split).samples] == ids


def test_ids_1_to_14_are_the_classes_and_0_is_none(root: Path) -> None:
    dataset = open_dataset("fmb", root)
    found = dataset.labels(dataset.samples[0]).mask
    assert (dataset.card.mask_classes[0], dataset.card.mask_classes[8]) == ("road", "car")
    assert found[0, :4].tolist() == [UNLABELLED, 0, 8, 13]


def test_an_id_beyond_14_is_an_error(root: Path) -> None:
    mask(root / "FMB/test/Label/00002.png", [15])
    dataset = open_dataset("fmb", root)
    with pytest.raises(InputError, match=r"00002\.png: has class id 15, expected 0 to 14"):
        dataset.labels(dataset.samples[0])


def test_the_colour_rendering_is_no_label(root: Path) -> None:
    (root / "FMB/test/Label/00002.png").unlink()
    dataset = open_dataset("fmb", root)
    assert dataset.labels(dataset.samples[0]).mask is None


def test_a_mask_of_road_alone_is_not_empty(root: Path) -> None:
    mask(root / "FMB/train/Label/00001.png", [1])
    mask(root / "FMB/train/Label/00003.png", [0])
    report = check_split(open_dataset("fmb", root, "train"), lambda: None)
    assert "1 masks are background only" in report.notes
