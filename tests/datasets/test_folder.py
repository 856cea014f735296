from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fusionbench.datasets import open_dataset
from fusionbench.errors import InputError

Make = Callable[..., Path]


@pytest.fixture
def two(tmp_path: Path, image: Make) -> dict[str, str]:
    for name in ("a b", "ü"):
        image(tmp_path / "mine/first light" / f"{name}.png")
        image(tmp_path / "mine/thermal" / f"{name}.bmp", mode="L", value=20)
    return {"visible": str(tmp_path / "mine/first light"), "infrared": str(tmp_path / "mine/thermal")}


def test_any_two_folders_pair_by_stem(two: dict[str, str]) -> None:
    dataset = open_dataset("folder", options=two)
    assert [sample.id for sample in dataset.samples] == ["a b", "ü"]
    pair = dataset.load(dataset.samples[0])
    assert (pair.id, pair.size, pair.horizon) == ("a b", (12, 16), 0.45)


def test_the_horizon_is_an_option(two: dict[str, str]) -> None:
    dataset = open_dataset("folder", options={**two, "horizon": "0.3"})
    assert dataset.load(dataset.samples[0]).horizon == 0.3


@pytest.mark.parametrize("bad", ["high", "2", "nan", ""])
def test_a_horizon_that_is_no_image_height_is_refused(two: dict[str, str], bad: str) -> None:
    with pytest.raises(InputError, match="horizon="):
        open_dataset("folder", options={**two, "horizon": bad})


def test_one_folder_alone_is_refused(two: dict[str, str]) -> None:
    with pytest.raises(InputError, match="no infrared folder is given; add --infrared DIR"):
        open_dataset("folder", options={"visible": two["visible"]})


def test_the_same_folder_twice_is_refused(two: dict[str, str]) -> None:
    with pytest.raises(InputError, match="give two folders"):
        open_dataset("folder", options={"visible": two["visible"], "infrared": f"{two['visible']}/."})


def test_folders_without_images_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    with pytest.raises(InputError, match="no images there"):
        open_dataset("folder", options={"visible": str(tmp_path / "a"), "infrared": str(tmp_path / "b")})


def test_a_missing_folder_is_named(two: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone: no such folder"):
        open_dataset("folder", options={**two, "infrared": str(tmp_path / "gone")})


def test_a_root_with_folders_of_the_usual_names_is_enough(tmp_path: Path, image: Make) -> None:
    image(tmp_path / "VIS/1.png")
    image(tmp_path / "Inf/1.png")
    assert [sample.id for sample in open_dataset("folder", tmp_path).samples] == ["1"]


def test_the_options_win_over_a_configured_root(
    two: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUSIONBENCH_DATA", str(tmp_path / "elsewhere"))
    assert len(open_dataset("folder", options=two).samples) == 2


def test_a_pair_of_different_sizes_is_an_error_naming_both(two: dict[str, str], image: Make) -> None:
    image(Path(two["infrared"]) / "ü.bmp", size=(15, 12), mode="L")
    dataset = open_dataset("folder", options=two)
    with pytest.raises(InputError, match=r"is 16x12 but .*ü\.bmp is 15x12"):
        dataset.load(dataset.samples[1])


def test_a_dataset_travels_to_a_worker_small_and_whole(two: dict[str, str], image: Make) -> None:
    for number in range(200):
        image(Path(two["visible"]) / f"{number}.png")
        image(Path(two["infrared"]) / f"{number}.png")
    dataset = open_dataset("folder", options=two)
    packed = pickle.dumps(dataset)
    copy = pickle.loads(packed)  # noqa: S301
    assert len(packed) < 1000
    assert copy == dataset
    assert copy.samples == dataset.samples
    assert np.array_equal(copy.load(copy.samples[3]).visible, dataset.load(dataset.samples[3]).visible)


def test_the_fingerprint_follows_the_content(two: dict[str, str], image: Make) -> None:
    dataset = open_dataset("folder", options=two)
    before = [dataset.fingerprint(sample) for sample in dataset.samples]
    image(Path(two["infrared"]) / "ü.bmp", mode="L", value=21)
    after = [dataset.fingerprint(sample) for sample in dataset.samples]
    assert (before[0] == after[0], before[1] == after[1]) == (True, False)
