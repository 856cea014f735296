from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from fusionbench.cli.degrade import degrade
from fusionbench.errors import FusionbenchError, InputError
from fusionbench.images import write_png


@pytest.fixture
def source(tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    for name in ("1", "2", "3"):
        write_png(tmp_path / "vi" / f"{name}.png", generator.integers(0, 256, (20, 26, 3), dtype=np.uint8))
        write_png(tmp_path / "ir" / f"{name}.png", generator.integers(0, 256, (20, 26), dtype=np.uint8))
    return tmp_path


def run(*arguments: str | Path) -> Result:
    app = typer.Typer()
    app.command()(degrade)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def folders(source: Path) -> tuple[str | Path, ...]:
    return ("--visible", source / "vi", "--infrared", source / "ir", "--out", source / "out")


def test_two_folders_are_degraded_and_verified(source: Path) -> None:
    result = run(*folders(source), "--degradation", "haze", "--severity", "3", "--maps")
    assert result.exit_code == 0, result.output
    assert "3 written, 0 there already, 0 failed" in result.output
    names = {path.relative_to(source / "out").as_posix() for path in (source / "out").rglob("*.*")}
    assert {"visible/1.png", "infrared/3.png", "maps/2.npz", "manifest.jsonl"} <= names
    checked = run("--verify", source / "out")
    assert checked.exit_code == 0
    assert "3 images checked, 0 mismatches" in checked.output


def test_the_limit_can_be_raised_later(source: Path) -> None:
    run(*folders(source), "-x", "noise@2", "--limit", "1")
    assert "2 written, 1 there already" in run(*folders(source), "-x", "noise@2").output


def test_a_bad_image_is_one_line_and_exit_status_1(source: Path) -> None:
    (source / "vi/2.png").write_bytes(b"not an image")
    result = run(*folders(source), "-x", "low_light")
    assert result.exit_code == 1
    lines = [line for line in result.stderr.splitlines() if "2.png" in line]
    assert len(lines) == 1
    assert "copy or download it again" in lines[0]
    assert (source / "out/visible/3.png").is_file()


def test_a_mismatch_is_one_line_and_exit_status_1(source: Path) -> None:
    run(*folders(source), "-x", "noise")
    write_png(source / "out/infrared/1.png", np.zeros((20, 26), np.uint8))
    result = run("--verify", source / "out")
    assert result.exit_code == 1
    assert "infrared/1.png" in result.stderr


def test_another_condition_does_not_go_into_the_same_folder(source: Path) -> None:
    run(*folders(source), "-x", "noise")
    result = run(*folders(source), "-x", "haze")
    assert isinstance(result.exception, InputError)
    assert "give another folder with --out" in str(result.exception)


def test_out_is_asked_for(source: Path) -> None:
    result = run(*folders(source)[:4])
    assert isinstance(result.exception, InputError)
    assert "--out" in str(result.exception)


def test_quiet_prints_nothing_where_all_is_well(source: Path) -> None:
    result = run(*folders(source), "--quiet")
    assert (result.exit_code, result.output) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-x", ""), "has an empty part"),
        (("-x", "haze,noise"), "a set has one condition"),
        (("-x", "haze", "-s", "1-5"), "a set has one severity"),
        (("-x", "haze@2", "-s", "4"), "leave one of them out"),
        (("-x", "haze@2km", "-s", "1"), "leave one of them out"),
        (("-x", "reside:noise"), "no degradation of profile reside is called 'noise'"),
        (("-x", "reside:haze+reside:haze"), "names a profile twice"),
        (("--verify", "x"), "--verify checks a folder"),
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused(source: Path, arguments: tuple[str, ...], message: str) -> None:
    result = run(*folders(source), *arguments)
    assert isinstance(result.exception, FusionbenchError)
    assert message in str(result.exception)
    assert not (source / "out").exists()


def test_a_folder_that_is_no_set_cannot_be_verified(source: Path) -> None:
    result = run("--verify", source / "nosuch")
    assert "is no set of degraded images" in str(result.exception)
