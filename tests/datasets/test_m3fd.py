from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fusionbench.contracts import Box
from fusionbench.datasets import open_dataset
from fusionbench.errors import InputError

Make = Callable[..., Path]


def detection_set(folder: Path, image: Make, voc: Make, names: tuple[str, str, str]) -> None:
    image(folder / names[0] / "00000.png", size=(16, 12))
    image(folder / names[1] / "00000.png", size=(16, 12))
    image(folder / names[0] / "01301.png", size=(22, 13))
    image(folder / names[1] / "01301.png", size=(22, 13))
    voc(folder / names[2] / "00000.xml", ("People", 1, 2, 3, 4), ("Truck", 0, 0, 5, 6))


@pytest.mark.parametrize(
    "names",
    [("Vis", "Ir", "Annotation"), ("vi", "ir", "annotations"), ("Visible", "Infrared", "Annotations")],
)
@pytest.mark.parametrize("place", ["M3FD_Detection", "M3FD", "m3fd", "M3FD/M3FD_Detection", "."])
def test_folder_names_vary_in_case_and_spelling(
    tmp_path: Path, image: Make, voc: Make, names: tuple[str, str, str], place: str
) -> None:
    detection_set(tmp_path / place, image, voc, names)
    dataset = open_dataset("m3fd", tmp_path)
    assert [sample.id for sample in dataset.samples] == ["00000", "01301"]
    assert dataset.labels(dataset.samples[0]).boxes == (Box("People", 1, 2, 3, 4), Box("Truck", 0, 0, 5, 6))


def test_pairs_may_have_different_sizes_from_each_other(tmp_path: Path, image: Make, voc: Make) -> None:
    detection_set(tmp_path, image, voc, ("Vis", "Ir", "Annotation"))
    dataset = open_dataset("m3fd", tmp_path)
    pairs = [dataset.load(sample) for sample in dataset.samples]
    assert [pair.size for pair in pairs] == [(12, 16), (13, 22)]
    assert {pair.horizon for pair in pairs} == {0.45}


def test_a_published_split_is_a_list_of_ids(tmp_path: Path, image: Make, voc: Make) -> None:
    detection_set(tmp_path, image, voc, ("Vis", "Ir", "Annotation"))
    (tmp_path / "test.txt").write_text("01301.png\n")
    dataset = open_dataset("m3fd", tmp_path, options={"list": str(tmp_path / "test.txt")})
    assert [sample.id for sample in dataset.samples] == ["01301"]


def test_there_is_no_official_split_to_ask_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no split 'test'; its splits are all"):
        open_dataset("m3fd", tmp_path, "test")


def test_the_fusion_set_is_another_dataset_without_boxes(tmp_path: Path, image: Make, voc: Make) -> None:
    detection_set(tmp_path / "M3FD_Detection", image, voc, ("Vis", "Ir", "Annotation"))
    image(tmp_path / "M3FD_Fusion/Vis/00007.png")
    image(tmp_path / "M3FD_Fusion/Ir/00007.png")
    fusion = open_dataset("m3fd_fusion", tmp_path)
    assert [sample.id for sample in fusion.samples] == ["00007"]
    assert fusion.labels(fusion.samples[0]).boxes is None
    assert [sample.id for sample in open_dataset("m3fd", tmp_path).samples] == ["00000", "01301"]


@pytest.mark.parametrize("name", ["m3fd", "m3fd_fusion"])
def test_the_working_folder_may_be_the_dataset(
    tmp_path: Path, image: Make, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    image(tmp_path / name / "Vis/00007.png")
    image(tmp_path / name / "Ir/00007.png")
    monkeypatch.chdir(tmp_path / name)
    assert [sample.id for sample in open_dataset(name, Path()).samples] == ["00007"]


def test_the_fusion_set_is_not_taken_for_the_detection_set(tmp_path: Path, image: Make) -> None:
    image(tmp_path / "M3FD_Fusion/Vis/00007.png")
    image(tmp_path / "M3FD_Fusion/Ir/00007.png")
    for root in (tmp_path, tmp_path / "M3FD_Fusion"):
        with pytest.raises(InputError, match="no M3FD detection set there"):
            open_dataset("m3fd", root)


def test_the_detection_set_is_not_taken_for_the_fusion_set(tmp_path: Path, image: Make, voc: Make) -> None:
    detection_set(tmp_path / "M3FD_Detection", image, voc, ("Vis", "Ir", "Annotation"))
    for root in (tmp_path, tmp_path / "M3FD_Detection"):
        with pytest.raises(InputError, match="no M3FD fusion set there"):
            open_dataset("m3fd_fusion", root)
