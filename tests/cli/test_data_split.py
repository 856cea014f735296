from __future__ import annotations

import hashlib
import inspect
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fusionbench.cli import data
from fusionbench.datasets import sources
from fusionbench.datasets.near_duplicates import groups_of


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Twelve scenes of two frames each, in RoadScene's layout."""
    for number in range(24):
        generator = np.random.default_rng(number // 2)
        for name in ("crop_LR_visible", "cropinfrared"):
            image = np.kron(generator.integers(0, 240, (8, 9)), np.ones((6, 6))).astype(np.uint8)
            path = tmp_path / f"data/RoadScene/{name}/FLIR_{number:05}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image + np.uint8(number % 2)).save(path)
    return tmp_path / "data"


@pytest.fixture
def split(command: Callable[..., Any], root: Path) -> Callable[..., Any]:
    return lambda *arguments: command(
        "data", "split", "roadscene", "--root", root, "--out", "out", *arguments
    )


@pytest.fixture
def leakage(command: Callable[..., Any], root: Path) -> Callable[..., Any]:
    return lambda train, test, *arguments: command(
        "data", "leakage", "roadscene", "--root", root, "--train", train, "--test", test, *arguments
    )


def test_split_writes_lists_and_shows_what_is_in_them(split: Callable[..., Any], tmp_path: Path) -> None:
    done = split("--shares", "50/25/25")
    assert done.returncode == 0, done.stderr
    for part in ("train (50 %)", "12 (50.0 %)", "balanced by the number of images only", "out/test.txt"):
        assert part in done.stdout
    names = ["groups.csv", "split.json", "test.txt", "train.txt", "val.txt"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names


def test_split_prints_json(split: Callable[..., Any], tmp_path: Path) -> None:
    found = json.loads(split("--json", "--seed", 3).stdout)
    assert found == json.loads((tmp_path / "out/split.json").read_text())
    assert (found["groups"], found["seed"]) == (12, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--shares", "70/20"), "sum to 90"),
        (("--near", "70"), "near 70: expected 0 to 64 bits"),
        (("--anywhere", "64"), "24 images make only 1 groups"),
    ],
)
def test_split_says_in_one_line_what_cannot_be(
    split: Callable[..., Any], tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = split(*arguments)
    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_split_overwrites_nothing_else(split: Callable[..., Any]) -> None:
    assert split().returncode == 0
    assert split().returncode == 0
    assert "nothing is overwritten" in split("--seed", 1).stderr


def test_leakage_passes_what_split_made(split: Callable[..., Any], leakage: Callable[..., Any]) -> None:
    split()
    done = leakage("out/train.txt", "out/test.txt")
    assert done.returncode == 0, done.stderr
    assert "0 of " in done.stdout


def test_leakage_fails_on_a_planted_copy(
    split: Callable[..., Any], leakage: Callable[..., Any], root: Path, tmp_path: Path
) -> None:
    split()
    original = (tmp_path / "out/train.txt").read_text().split()[0]
    for name in ("crop_LR_visible", "cropinfrared"):
        folder = root / "RoadScene" / name
        shutil.copy(folder / f"{original}.png", folder / "FLIR_77777.png")
    with (tmp_path / "out/test.txt").open("a") as stream:
        stream.write("FLIR_77777\n")
    done = leakage("out/train.txt", "out/test.txt")
    assert done.returncode == 1
    assert f"leaks: FLIR_77777 and {original}: 0 bits" in done.stdout
    found = json.loads(leakage("out/train.txt", "out/test.txt", "--json").stdout)
    assert found["leaks"] == 1
    assert found["nearest"][0]["train"] == original


def test_leakage_takes_names_of_splits_and_names_what_is_in_both(leakage: Callable[..., Any]) -> None:
    done = leakage("all", "all")
    assert done.returncode == 1
    assert "FLIR_00000 is in both lists" in done.stdout


def test_leakage_names_a_list_that_is_not_there(leakage: Callable[..., Any]) -> None:
    assert "gone.txt: no such file" in leakage("gone.txt", "all").stderr


def test_the_real_train_and_test_splits_can_be_compared(command: Callable[..., Any], shared: Path) -> None:
    done = command(
        "data", "leakage", "llvip", "--root", shared / "data", "--train", "train", "--test", "test"
    )
    assert done.returncode == 0, done.stderr
    assert "0 of 6 test images leak" in done.stdout


@pytest.mark.parametrize("command_function", [data.split, data.leakage])
def test_thresholds_default_to_those_of_the_library(command_function: Callable[..., None]) -> None:
    parameters = inspect.signature(command_function).parameters
    library = inspect.signature(groups_of).parameters
    for name in ("window", "near", "anywhere"):
        assert parameters[name].default == library[name].default


def test_download_gets_published_lists(
    command: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(url: str, target: Path, progress: Callable[[int, int | None], None]) -> None:
        target.write_text("00002\n00001\n")

    digest = hashlib.sha256(b"00001\n00002\n").hexdigest()
    lists = {"mine/test.txt": sources.PublishedList("https://example.invalid/test.txt", 2, digest)}
    monkeypatch.setattr("fusionbench.datasets.published_lists.fetch_file", fetch)
    monkeypatch.setitem(sources.SOURCES, "m3fd_splits", replace(sources.SOURCES["m3fd_splits"], lists=lists))
    done = command("data", "download", "m3fd_splits", "--root", tmp_path / "data")
    assert done.returncode == 0, done.stderr
    assert "mine/test.txt 2" in done.stdout
    assert (tmp_path / "data/M3FD_splits/mine/test.txt").read_text() == "00001\n00002\n"


def test_download_of_lists_takes_no_archive(command: Callable[..., Any]) -> None:
    done = command("data", "download", "m3fd_splits", "--root", "data", "--from", "a.zip")
    assert "m3fd_splits: has no archive; leave out --url, --from and --sha256" in done.stderr
