"""What a set of degraded images says of itself cannot be changed unnoticed, and a rerun repairs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fusionbench.datasets import open_dataset
from fusionbench.degrading import parse_condition
from fusionbench.degrading.manifest import MANIFEST_NAME, SEAL_NAME, SETTINGS_NAME
from fusionbench.degrading.writing import degrade_dataset, verify_set
from fusionbench.errors import InputError
from fusionbench.images import read_visible, write_png

CONDITION = parse_condition("haze@3")


def write(folder: Path) -> list[str]:
    scenes = open_dataset("scenes", options={"count": "3", "size": "96x72"})
    return [written.outcome for written in degrade_dataset(scenes, CONDITION, 0, folder)]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    write(tmp_path / "set")
    assert list(verify_set(tmp_path / "set")) == []
    return tmp_path / "set"


def test_an_image_taken_out_with_its_record_is_noticed(written: Path) -> None:
    manifest = written / MANIFEST_NAME
    first, *rest = manifest.read_text().splitlines(keepends=True)
    manifest.write_text("".join(rest))
    for name in json.loads(first)["outputs"]:
        (written / name).unlink()
    assert any(MANIFEST_NAME in line for line in verify_set(written))


def test_a_changed_record_is_noticed(written: Path) -> None:
    manifest = written / MANIFEST_NAME
    manifest.write_text(manifest.read_text().replace('"seed": 0', '"seed": 1', 1))
    assert any(MANIFEST_NAME in line for line in verify_set(written))


def test_changed_settings_are_noticed(written: Path) -> None:
    settings = written / SETTINGS_NAME
    settings.write_text(settings.read_text().replace("haze@3", "haze@4"))
    assert any(SETTINGS_NAME in line for line in verify_set(written))


def test_settings_that_say_nothing_are_an_error(written: Path) -> None:
    (written / SETTINGS_NAME).write_text("{}")
    with pytest.raises(InputError, match=r"set\.json: is damaged"):
        list(verify_set(written))


@pytest.mark.parametrize("line", ["garbage", '{"id": 1}', '{"id": "1", "input": {}, "outputs": []}'])
def test_a_line_that_is_no_record_is_named_by_its_number(written: Path, line: str) -> None:
    with (written / MANIFEST_NAME).open("a") as manifest:
        manifest.write(line + "\n")
    assert any("line 4 is no record" in found for found in verify_set(written))


@pytest.mark.parametrize("place", ["stranger.png", "elsewhere/stranger.txt"])
def test_a_file_that_is_not_recorded_is_noticed_wherever_it_lies(written: Path, place: str) -> None:
    (written / place).parent.mkdir(exist_ok=True)
    (written / place).write_text("x")
    assert any(place in line and "not in the manifest" in line for line in verify_set(written))


def test_a_set_that_was_not_finished_says_so(written: Path) -> None:
    (written / SEAL_NAME).unlink()
    assert any("was not finished" in line for line in verify_set(written))


def test_an_interrupted_run_is_not_finished(tmp_path: Path) -> None:
    scenes = open_dataset("scenes", options={"count": "3", "size": "96x72"})
    run = degrade_dataset(scenes, CONDITION, 0, tmp_path / "set")
    next(run)
    run.close()  # type: ignore[attr-defined]
    assert any("was not finished" in line for line in verify_set(tmp_path / "set"))
    write(tmp_path / "set")
    assert list(verify_set(tmp_path / "set")) == []


def test_the_same_command_writes_damaged_images_again(written: Path) -> None:
    damaged, emptied = sorted(written.rglob("*.png"))[:2]
    original = read_visible(damaged)
    write_png(damaged, 255 - original)
    emptied.write_bytes(b"")
    assert "written" in write(written)
    assert list(verify_set(written)) == []
    assert (read_visible(damaged) == original).all()


def test_a_set_is_not_degraded_again(written: Path, tmp_path: Path) -> None:
    folders = {name: str(written / name) for name in ("visible", "infrared")}
    again = open_dataset("folder", options=folders)
    with pytest.raises(InputError, match=r"degraded already \(haze@3\)"):
        list(degrade_dataset(again, parse_condition("noise@1"), 0, tmp_path / "twice"))


def test_a_set_does_not_go_into_another_set_or_among_the_images(
    written: Path, tmp_path: Path, pair_folders: dict[str, str]
) -> None:
    with pytest.raises(InputError, match="lies in another set"):
        write(written / "inner")
    pairs = open_dataset("folder", options=pair_folders)
    with pytest.raises(InputError, match="among the dataset's own images"):
        list(degrade_dataset(pairs, CONDITION, 0, Path(pair_folders["visible"]) / "degraded"))
