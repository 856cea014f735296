from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fusionbench.contracts import Box
from fusionbench.datasets import open_dataset
from fusionbench.errors import InputError


@pytest.fixture
def root(tmp_path: Path, image: Callable[..., Path], voc: Callable[..., Path]) -> Path:
    for split, names in (("train", ("010001", "010002")), ("test", ("190001",))):
        for name in names:
            image(tmp_path / f"LLVIP/visible/{split}/{name}.jpg")
            image(tmp_path / f"LLVIP/infrared/{split}/{name}.jpg")
            voc(tmp_path / f"LLVIP/Annotations/{name}.xml", ("person", 1, 2, 3, 4))
    return tmp_path


@pytest.mark.parametrize(
    ("split", "ids"),
    [(None, ["190001"]), ("train", ["010001", "010002"]), ("all", ["010001", "010002", "190001"])],
)
def test_splits_are_the_official_folders(root: Path, split: str | None, ids: list[str]) -> None:
    assert [sample.id for sample in open_dataset("llvip", root, split).samples] == ids


def test_one_annotation_folder_serves_both_splits(root: Path) -> None:
    dataset = open_dataset("llvip", root, "all")
    assert [dataset.labels(sample).boxes for sample in dataset.samples] == [(Box("person", 1, 2, 3, 4),)] * 3


def test_a_pair_without_annotation_file_has_no_boxes_rather_than_none_in_it(root: Path) -> None:
    (root / "LLVIP/Annotations/190001.xml").unlink()
    dataset = open_dataset("llvip", root)
    assert dataset.labels(dataset.samples[0]).boxes is None


def test_three_channel_infrared_becomes_grey_and_the_horizon_is_that_of_a_mast(root: Path) -> None:
    dataset = open_dataset("llvip", root)
    pair = dataset.load(dataset.samples[0])
    assert pair.infrared.shape == (12, 16)
    assert pair.horizon == 0.02


def test_a_missing_split_names_the_one_that_is_there(root: Path, tmp_path: Path) -> None:
    (root / "LLVIP/visible/train").rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="split 'train' needs train, only test is there"):
        open_dataset("llvip", root, "train")


def test_the_subset_of_100_needs_the_complete_test_split(root: Path) -> None:
    with pytest.raises(InputError, match="all 3463 test pairs, found 1"):
        open_dataset("llvip", root, "llvip_100")


def test_the_subset_of_100_is_every_34th_test_image(tmp_path: Path) -> None:
    ids = [f"19{number:04}" for number in range(1, 3464)]
    for kind in ("visible", "infrared"):
        folder = tmp_path / kind / "test"
        folder.mkdir(parents=True)
        for name in ids:
            (folder / f"{name}.jpg").touch()
    dataset = open_dataset("llvip", tmp_path, "llvip_100")
    assert [sample.id for sample in dataset.samples] == [ids[34 * k] for k in range(100)]
