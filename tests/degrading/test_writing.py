from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from fusionbench import registry
from fusionbench.contracts import Dataset
from fusionbench.datasets import open_dataset
from fusionbench.degrading import Condition, degrade_pair, parse_condition
from fusionbench.degrading.manifest import MANIFEST_NAME, array_hash, read_manifest
from fusionbench.degrading.writing import degrade_dataset, verify_set
from fusionbench.errors import InputError
from fusionbench.images import read_infrared, read_visible, write_png

HAZE_AND_NOISE = parse_condition("haze+noise@2")
IDS = ("a", "b b", "c", "ü")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    for name in IDS:
        write_png(tmp_path / "in/vi" / f"{name}.png", generator.integers(0, 256, (24, 31, 3), dtype=np.uint8))
        write_png(tmp_path / "in/ir" / f"{name}.png", generator.integers(0, 256, (24, 31), dtype=np.uint8))
    return tmp_path / "in"


@pytest.fixture
def dataset(source: Path) -> Dataset:
    return open_folder(source)


def open_folder(source: Path) -> Dataset:
    return open_dataset("folder", options={"visible": f"{source}/vi", "infrared": f"{source}/ir"})


def write(
    dataset: Dataset, folder: Path, condition: Condition = HAZE_AND_NOISE, *, maps: bool = False
) -> list[str]:
    return [w.outcome for w in degrade_dataset(dataset, condition, 0, folder, maps=maps)]


def test_images_on_disk_are_those_degrade_pair_makes(dataset: Dataset, tmp_path: Path) -> None:
    write(dataset, tmp_path / "out")
    out = tmp_path / "out"
    for sample in dataset.samples:
        pair = degrade_pair(dataset.load(sample), HAZE_AND_NOISE, 0, "folder").pair
        np.testing.assert_array_equal(read_visible(out / f"visible/{sample.id}.png"), pair.visible)
        np.testing.assert_array_equal(read_infrared(out / f"infrared/{sample.id}.png"), pair.infrared)


def test_the_manifest_says_how_each_image_was_made(dataset: Dataset, tmp_path: Path) -> None:
    write(dataset, tmp_path / "out")
    record = read_manifest(tmp_path / "out")["b b"]
    pair = dataset.load(dataset.samples[1])
    made = degrade_pair(pair, HAZE_AND_NOISE, 0, "folder")
    assert (record["condition"], record["seed"]) == ("haze@2+noise@2", 0)
    assert record["degradations"]["haze"] == {
        "parameter": registry.degradation("haze").card.levels[1],
        "version": registry.degradation("haze").card.version,
    }
    assert record["depth_source"] == "disparity-prior/1"
    assert record["airlight"] == made.maps["airlight"].tolist()
    assert record["input"]["visible"] == array_hash(pair.visible)
    assert record["outputs"]["infrared/b b.png"] == array_hash(made.pair.infrared)


def test_maps_come_back_without_pickle(dataset: Dataset, tmp_path: Path) -> None:
    write(dataset, tmp_path / "out", maps=True)
    made = degrade_pair(dataset.load(dataset.samples[0]), HAZE_AND_NOISE, 0, "folder")
    with np.load(tmp_path / "out/maps/a.npz", allow_pickle=False) as maps:
        assert set(maps.files) == {*made.maps, "clean_visible", "clean_infrared"}
        for name in made.maps:
            np.testing.assert_array_equal(maps[name], made.maps[name])
        np.testing.assert_array_equal(maps["clean_visible"], made.clean.visible)
        np.testing.assert_array_equal(maps["clean_infrared"], made.clean.infrared)


def test_finished_images_are_not_made_again(dataset: Dataset, tmp_path: Path) -> None:
    write(dataset, tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.png")}
    assert write(dataset, tmp_path / "out") == ["kept"] * 4
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.png")}


def test_a_killed_run_continues_to_the_same_set(dataset: Dataset, tmp_path: Path) -> None:
    write(dataset, tmp_path / "whole", maps=True)
    running = degrade_dataset(dataset, HAZE_AND_NOISE, 0, tmp_path / "running", maps=True)
    next(running), next(running)
    shutil.copytree(tmp_path / "running", tmp_path / "killed")
    with (tmp_path / "killed" / MANIFEST_NAME).open("a", encoding="utf-8") as stream:
        stream.write('\n{"id": "c", "outp')
    assert write(dataset, tmp_path / "killed", maps=True) == ["kept", "kept", "written", "written"]
    manifests = [(tmp_path / name / MANIFEST_NAME).read_bytes() for name in ("whole", "killed")]
    assert manifests[0] == manifests[1]
    assert list(verify_set(tmp_path / "killed")) == []


def test_a_lost_output_is_made_again(dataset: Dataset, tmp_path: Path) -> None:
    write(dataset, tmp_path / "out")
    (tmp_path / "out/infrared/ü.png").unlink()
    assert write(dataset, tmp_path / "out") == ["kept", "kept", "kept", "written"]


def test_a_folder_of_another_set_is_refused_naming_the_difference(dataset: Dataset, tmp_path: Path) -> None:
    write(dataset, tmp_path / "out")
    with pytest.raises(InputError, match=r'condition is "haze@2\+noise@2", asked for "haze@3"'):
        write(dataset, tmp_path / "out", parse_condition("haze@3"))
    with pytest.raises(InputError, match="seed is 0, asked for 1"):
        list(degrade_dataset(dataset, HAZE_AND_NOISE, 1, tmp_path / "out"))


def test_a_folder_of_other_files_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/holiday.jpg").write_bytes(b"x")
    with pytest.raises(InputError, match="holds other files"):
        write(dataset, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["holiday.jpg"]


def test_a_file_in_place_of_the_folder_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"x")
    with pytest.raises(InputError, match=r"out: .*choose another folder"):
        write(dataset, tmp_path / "out")


def test_a_set_of_other_source_images_is_not_mixed_in(dataset: Dataset, source: Path, tmp_path: Path) -> None:
    write(dataset, tmp_path / "out")
    write_png(source / "vi/a.png", np.zeros((24, 31, 3), np.uint8))
    results = list(degrade_dataset(open_folder(source), HAZE_AND_NOISE, 0, tmp_path / "out"))
    assert [r.outcome for r in results] == ["failed", "kept", "kept", "kept"]
    assert "other images" in results[0].reason


def test_a_bad_image_fails_alone_and_names_its_file(source: Path, tmp_path: Path) -> None:
    path = source / "vi/c.png"
    path.write_bytes(path.read_bytes()[:100])
    results = list(degrade_dataset(open_folder(source), HAZE_AND_NOISE, 0, tmp_path / "out"))
    assert [r.outcome for r in results] == ["written", "written", "failed", "written"]
    assert str(path) in results[2].reason


def test_verifying_finds_a_changed_pixel(dataset: Dataset, tmp_path: Path) -> None:
    write(dataset, tmp_path / "out")
    path = tmp_path / "out/visible/a.png"
    image = read_visible(path).copy()
    image[3, 4, 0] ^= 1
    write_png(path, image)
    assert [line.split(":")[0] for line in verify_set(tmp_path / "out")] == [str(path)]


def test_verifying_accepts_a_png_packed_by_another_program(dataset: Dataset, tmp_path: Path) -> None:
    from PIL import Image

    write(dataset, tmp_path / "out")
    path = tmp_path / "out/visible/a.png"
    Image.open(path).save(tmp_path / "again.png", compress_level=0)
    shutil.copy(tmp_path / "again.png", path)
    assert list(verify_set(tmp_path / "out")) == []


def test_verifying_finds_missing_changed_and_stray_files(dataset: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(dataset, out, maps=True)
    (out / "infrared/a.png").unlink()
    (out / "maps/c.npz").write_bytes(b"no archive")
    shutil.copy(out / "visible/c.png", out / "visible/stray.png")
    lines = list(verify_set(out))
    assert len(lines) == 3
    for name in ("infrared/a.png", "maps/c.npz", "visible/stray.png"):
        assert any(str(out / name) in line for line in lines)


def test_verifying_a_folder_without_a_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no set of degraded images"):
        list(verify_set(tmp_path))


def test_damaged_settings_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    write(dataset, tmp_path / "out")
    (tmp_path / "out/set.json").write_text(json.dumps([1]))
    with pytest.raises(InputError, match=r"set\.json"):
        list(verify_set(tmp_path / "out"))


def test_hashes_tell_shapes_and_types_apart() -> None:
    zeros = [np.zeros((2, 6), np.uint8), np.zeros((6, 2), np.uint8), np.zeros((2, 6), np.int8)]
    assert len({array_hash(array) for array in zeros}) == 3


def test_hashes_do_not_depend_on_memory_layout() -> None:
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert array_hash(array) == array_hash(np.asfortranarray(array)) == array_hash(array.astype(">f4"))
