from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from fusionbench.cli.data import app
from fusionbench.datasets import sources
from fusionbench.errors import FusionbenchError


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("FUSIONBENCH_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    yield


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("crop_LR_visible", "cropinfrared"):
        for name in ("FLIR_1", "FLIR_2"):
            path = tmp_path / f"data/RoadScene/{folder}/{name}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (20, 14)).save(path)
    return tmp_path / "data"


def test_check_shows_counts_and_terms_and_ends_with_zero(root: Path) -> None:
    result = run("check", "roadscene", "--root", root)
    assert result.exit_code == 0
    for part in ("roadscene", "2 of 221", "20x14", "usable", "FLIR", "fusionbench data download roadscene"):
        assert part in result.stdout


def test_check_names_the_problem_and_ends_with_one(root: Path) -> None:
    (root / "RoadScene/cropinfrared/FLIR_2.jpg").unlink()
    result = run("check", "roadscene", "--root", root)
    assert result.exit_code == 1
    assert "1 problem" in result.stdout
    assert "no infrared image 'FLIR_2'" in result.stdout


def test_check_without_a_name_finds_what_is_there(root: Path) -> None:
    result = run("check", "--root", root, "--json")
    assert [entry["dataset"] for entry in json.loads(result.stdout)] == ["roadscene"]
    assert "llvip, m3fd, m3fd_fusion, msrs" in run("check", "--root", root).stdout


def test_check_json_is_one_document_with_everything(root: Path) -> None:
    (root / "RoadScene/cropinfrared/FLIR_2.jpg").write_bytes(b"")
    result = run("check", "roadscene", "--root", root, "--json")
    assert result.exit_code == 1
    (entry,) = json.loads(result.stdout)
    (split,) = entry["splits"]
    assert (split["pairs"], split["documented"], split["state"]) == (2, 221, "a sample, or incomplete")
    assert "is not an image" in split["problems"][0]


def test_check_cuts_a_long_list_of_problems_short(root: Path) -> None:
    for number in range(30):
        Image.new("L", (20, 14)).save(root / f"RoadScene/cropinfrared/X{number:02}.jpg")
    result = run("check", "roadscene", "--root", root)
    assert "and 10 more; --json lists all" in result.stdout


def test_check_takes_options_of_the_dataset(root: Path) -> None:
    options = [
        f"--dataset-option={name}={root / 'RoadScene' / folder}"
        for name, folder in (("visible", "crop_LR_visible"), ("infrared", "cropinfrared"))
    ]
    (entry,) = json.loads(run("check", "folder", *options, "--json").stdout)
    assert entry["splits"][0]["pairs"] == 2


def test_check_of_an_empty_root_is_an_error_that_says_what_can_be_got(tmp_path: Path) -> None:
    result = run("check", "--root", tmp_path)
    assert isinstance(result.exception, FusionbenchError)
    assert "fusionbench data download" in str(result.exception)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("llvip", ("drive.google.com", "14lc", "LLVIP.zip", "non-commercial")),
        ("m3fd", ("drive.google.com", "M3FD_Detection.zip", "research only")),
        ("m3fd_fusion", ("pan.baidu.com", "M3FD_Fusion.zip", "research only")),
    ],
)
def test_download_behind_a_share_link_tells_a_person_what_to_do(name: str, parts: tuple[str, ...]) -> None:
    result = run("download", name)
    assert result.exit_code == 1
    for part in parts:
        assert part in result.stdout


def test_download_installs_an_archive_from_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (4, 4)).save(picture, "PNG")
    with zipfile.ZipFile(tmp_path / "got.zip", "w") as archive:
        for folder in ("Vis", "Ir"):
            archive.writestr(f"M3FD_Fusion/{folder}/00001.png", picture.getvalue())
    smaller = replace(sources.SOURCES["m3fd_fusion"], pairs={"all": 1})
    monkeypatch.setattr(sources, "SOURCES", {"m3fd_fusion": smaller})
    result = run("download", "m3fd_fusion", "--root", tmp_path / "data", "--from", tmp_path / "got.zip")
    assert result.exit_code == 0, result.output
    assert "all 1" in result.stdout
    assert (tmp_path / "data/M3FD_Fusion/Vis/00001.png").is_file()


def test_download_needs_to_know_where_to() -> None:
    result = run("download", "roadscene")
    assert isinstance(result.exception, FusionbenchError)
    assert "--root DIR" in str(result.exception)


def test_download_of_an_unknown_name_suggests_the_nearest() -> None:
    result = run("download", "rodscene")
    assert "did you mean roadscene" in str(result.exception)


def test_check_of_all_real_samples_is_clean_and_readable_in_100_columns(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    result = run("check", "--root", shared / "data")
    assert result.exit_code == 0
    assert max(len(line) for line in result.stdout.splitlines()) <= 100
    assert result.stdout.count("usable") == 6
