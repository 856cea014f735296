from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionbench.datasets.check import INCOMPLETE, DatasetReport, check_dataset, datasets_under
from fusionbench.errors import InputError

Make = Callable[..., Path]


def checked(name: str, root: Path, split: str | None = None) -> DatasetReport:
    return check_dataset(name, root, split, {}, lambda name, total: lambda: None)


@pytest.fixture
def msrs(tmp_path: Path, image: Make) -> Path:
    for name in ("00001D", "00002N"):
        image(tmp_path / f"MSRS/test/vi/{name}.png")
        image(tmp_path / f"MSRS/test/ir/{name}.png", mode="L")
        (tmp_path / "MSRS/test/Segmentation_labels").mkdir(exist_ok=True)
        ids = np.full((12, 16), 1 if name == "00001D" else 0, np.uint8)
        Image.fromarray(ids).save(tmp_path / f"MSRS/test/Segmentation_labels/{name}.png")
        labels = tmp_path / f"MSRS-detection-label/fusion/test/{name}.txt"
        labels.parent.mkdir(parents=True, exist_ok=True)
        labels.write_text("0 .5 .5 1 1\n2 1 .5 .5 .5\n" if name == "00001D" else "")
    return tmp_path


def test_a_sound_sample_has_no_problem_and_is_called_incomplete(msrs: Path) -> None:
    report = checked("msrs", msrs)
    (split,) = report.splits
    assert report.problems == ()
    assert report.missing_splits == ("train",)
    assert (split.pairs, split.documented, split.state) == (2, 361, INCOMPLETE)
    assert split.sizes == {"16x12": 2}
    assert split.boxes == {"person": 1, "car": 1}
    assert (split.pairs_with_boxes, split.pairs_with_masks) == (2, 2)
    assert set(split.notes) == {
        "1 boxes leave their image",
        "1 pairs annotated as without object",
        "1 masks are background only",
    }


def only_problem(report: DatasetReport) -> str:
    (problem,) = report.problems
    return problem


def test_an_orphan_is_a_problem(msrs: Path) -> None:
    (msrs / "MSRS/test/ir/00002N.png").unlink()
    assert "no infrared image '00002N'" in only_problem(checked("msrs", msrs))


def test_a_damaged_file_is_a_problem(msrs: Path) -> None:
    path = msrs / "MSRS/test/vi/00002N.png"
    path.write_bytes(path.read_bytes()[:-40])
    assert "vi/00002N.png: is not an image (or damaged)" in only_problem(checked("msrs", msrs))


def test_both_files_of_a_pair_are_looked_at(msrs: Path) -> None:
    for folder in ("vi", "ir"):
        (msrs / f"MSRS/test/{folder}/00002N.png").write_bytes(b"")
    assert len(checked("msrs", msrs).problems) == 2


def test_a_pair_of_two_sizes_is_a_problem(msrs: Path, image: Make) -> None:
    image(msrs / "MSRS/test/ir/00002N.png", size=(15, 12), mode="L")
    assert "differ in size" in only_problem(checked("msrs", msrs))


def test_a_sixteen_bit_file_is_a_problem(msrs: Path) -> None:
    Image.fromarray(np.zeros((12, 16), np.uint16)).save(msrs / "MSRS/test/ir/00002N.png")
    assert "16 bits" in only_problem(checked("msrs", msrs))


def test_a_mask_of_another_size_is_a_problem(msrs: Path) -> None:
    Image.fromarray(np.zeros((6, 8), np.uint8)).save(msrs / "MSRS/test/Segmentation_labels/00002N.png")
    assert "its mask is 8x6" in only_problem(checked("msrs", msrs))


def test_a_label_that_makes_no_sense_is_a_problem(msrs: Path) -> None:
    (msrs / "MSRS-detection-label/fusion/test/00002N.txt").write_text("7 .5 .5 .1 .1")
    assert "00002N.txt, line 1: class id '7'" in only_problem(checked("msrs", msrs))


def test_missing_annotations_are_a_note(msrs: Path) -> None:
    (msrs / "MSRS-detection-label/fusion/test/00002N.txt").unlink()
    (msrs / "MSRS/test/Segmentation_labels/00002N.png").unlink()
    (split,) = checked("msrs", msrs).splits
    assert {"1 pairs without box annotation", "1 pairs without mask"} <= set(split.notes)
    assert split.problems == ()


def test_options_are_checked_on_the_default_split(msrs: Path) -> None:
    (msrs / "ids.txt").write_text("00001D\n")
    options = {"list": str(msrs / "ids.txt")}
    report = check_dataset("msrs", msrs, None, options, lambda name, total: lambda: None)
    assert [(split.split, split.pairs, split.documented) for split in report.splits] == [("test", 1, None)]
    assert report.missing_splits == ()


def test_a_joined_split_expects_the_sum_of_its_parts(shared: Path) -> None:
    (split,) = checked("msrs", shared / "data", "all").splits
    assert (split.pairs, split.documented) == (104, 1444)


def test_datasets_under_a_root_are_found_by_their_layout(msrs: Path, image: Make) -> None:
    image(msrs / "RoadScene/crop_LR_visible/a.jpg")
    image(msrs / "RoadScene/cropinfrared/a.jpg")
    (msrs / "LLVIP").mkdir()
    assert datasets_under(msrs) == ["msrs", "roadscene"]


def test_a_dataset_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no LLVIP there"):
        checked("llvip", tmp_path)


def test_every_real_sample_passes_the_check(shared: Path) -> None:
    assert datasets_under(shared / "data") == ["llvip", "m3fd", "msrs", "roadscene"]
    report = checked("m3fd", shared / "data")
    (split,) = report.splits
    assert report.problems == ()
    assert (split.pairs, split.pairs_with_boxes, split.documented) == (13, 13, 4200)
    assert not [note for note in split.notes if "leave" in note]
