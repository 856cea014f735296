"""Real conditions of images: what names and lists say."""

from __future__ import annotations

import numpy as np
import pytest

from fusionbench.datasets import open_dataset
from fusionbench.datasets.native_marks import M3FD_SEEN, of_m3fd, of_roadscene
from fusionbench.errors import InputError
from fusionbench.images import to_grey, write_png


def native_of(dataset) -> dict[str, str]:
    return {sample.id: sample.native for sample in dataset.samples}


@pytest.fixture
def folders(tmp_path):
    for name in ("a", "b c", "d"):
        write_png(tmp_path / "vi" / f"{name}.png", np.zeros((8, 9, 3), np.uint8))
        write_png(tmp_path / "ir" / f"{name}.png", np.zeros((8, 9), np.uint8))
    return {"visible": f"{tmp_path}/vi", "infrared": f"{tmp_path}/ir"}


def test_scenes_are_by_day_and_night_in_turn():
    assert set(native_of(open_dataset("scenes")).values()) == {"day", "night"}


def test_nobody_has_said_anything_of_a_folder(folders):
    assert set(native_of(open_dataset("folder", options=folders)).values()) == {""}


def test_a_users_list_marks_images(folders, tmp_path):
    (tmp_path / "native.txt").write_text("b c smoke\nd night\n\n")
    dataset = open_dataset("folder", options={**folders, "native": str(tmp_path / "native.txt")})
    assert native_of(dataset) == {"a": "", "b c": "smoke", "d": "night"}


def test_an_id_the_dataset_does_not_have_is_refused(folders, tmp_path):
    (tmp_path / "native.txt").write_text("a\tnight\nz night\n")
    with pytest.raises(InputError, match="'z' is no image of this dataset"):
        open_dataset("folder", options={**folders, "native": str(tmp_path / "native.txt")})


@pytest.mark.parametrize("line", ["a dusk", "night", "a night extra"])
def test_a_line_that_is_no_id_and_condition_is_refused(folders, tmp_path, line):
    (tmp_path / "native.txt").write_text(f"{line}\n")
    with pytest.raises(InputError, match=r"native\.txt, line 1: expected an image id and one of day, night"):
        open_dataset("folder", options={**folders, "native": str(tmp_path / "native.txt")})


def test_a_missing_list_is_refused(folders, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        open_dataset("folder", options={**folders, "native": str(tmp_path / "none.txt")})


def test_the_published_scene_attributes_of_m3fd_are_kept(shared):
    import csv

    meaning = {"overcast": "day", "daytime": "day", "night": "night", "challenge": "", "": ""}
    with (shared / "data/splits/m3fd_index.csv").open() as stream:
        for row in csv.DictReader(stream):
            number = row["file"].removesuffix(".png")
            assert of_m3fd(number) == M3FD_SEEN.get(int(number), meaning[row["scene"]]), number


def test_images_m3fd_does_not_have_are_of_no_condition():
    assert (of_m3fd("04200"), of_m3fd("0000x")) == ("", "")


def test_every_roadscene_image_at_hand_but_those_at_dusk_is_marked(shared):
    marks = native_of(open_dataset("roadscene", shared / "data"))
    unmarked = {image_id for image_id, native in marks.items() if not native}
    assert unmarked == {"FLIR_06325", "FLIR_06407", "FLIR_06430"}
    assert of_roadscene("FLIR_99999") == ""


def test_by_night_the_sky_is_darker_than_the_street(shared):
    # Independent of who looked: at night the upper third of the image is darker than the lower two.
    dataset = open_dataset("roadscene", shared / "data")
    ratio = {"day": [], "night": []}
    for sample in dataset.samples:
        if sample.native:
            grey = to_grey(dataset.load(sample).visible).astype(float)
            third = len(grey) // 3
            ratio[sample.native].append(np.median(grey[:third]) / np.median(grey[third:]))
    assert np.mean(np.array(ratio["night"]) < 1) > 0.8
    assert np.mean(np.array(ratio["day"]) > 1) > 0.8


def test_msrs_names_agree_with_how_dark_the_images_are(shared):
    dataset = open_dataset("msrs", shared / "data")
    day, night = (
        [float(np.mean(to_grey(dataset.load(s).visible))) for s in dataset.samples if s.native == native][:20]
        for native in ("day", "night")
    )
    assert len(day) == len(night) == 20
    assert np.median(day) > 2 * np.median(night)
