"""`fusionbench calibrate`."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

from fusionbench import registry


def arguments(out: Path, *more: object) -> tuple[object, ...]:
    chosen = ("--dataset", "scenes", "--pairs", 2, "--degradation", "noise,motion_blur", "--workers", 1)
    return ("calibrate", *chosen, "--out", out, *more)


def test_the_same_command_writes_the_same_file(command, tmp_path: Path) -> None:
    first = command(*arguments(tmp_path / "first.csv"))
    assert first.returncode == 0, first.stderr
    command(*arguments(tmp_path / "second.csv", "--quiet"))
    text = (tmp_path / "first.csv").read_text()
    assert text == (tmp_path / "second.csv").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    rows = {row["degradation"]: [float(row[str(s)]) for s in range(1, 6)] for row in csv.DictReader(lines)}
    assert list(rows) == ["motion_blur", "noise"]
    assert all(levels == sorted(set(levels)) for levels in rows.values())
    assert f"{rows['noise'][2]:g} (" in first.stdout
    assert str(tmp_path) not in text


def test_a_quiet_run_prints_nothing(command, tmp_path: Path) -> None:
    done = command(*arguments(tmp_path / "table.csv", "--quiet"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_small_pairs_are_named_and_none_left_is_an_error(command, pair_folders, tmp_path: Path) -> None:
    folders = [f"--dataset-option={name}={folder}" for name, folder in pair_folders.items()]
    done = command("calibrate", "--dataset", "folder", *folders, "--out", tmp_path / "table.csv")
    assert done.returncode == 1
    assert "folder/pair 1: is 64x48; MS-SSIM needs 161 pixels a side; left out" in done.stderr
    assert "none of 3 pairs is large enough" in done.stderr
    assert not (tmp_path / "table.csv").exists()


def test_an_unknown_degradation_suggests_the_nearest(command, tmp_path: Path) -> None:
    done = command("calibrate", "--dataset", "scenes", "-x", "nois", "--out", tmp_path / "table.csv")
    assert done.returncode == 1
    assert "did you mean noise" in done.stderr


def test_what_cannot_be_reached_is_named_and_exit_status_1(command, tmp_path: Path, monkeypatch) -> None:
    # Hardly any blur at all cannot do the damage of the stronger severities.
    blur = registry.load("degradation", "ir_blur")
    monkeypatch.setattr(blur, "card", replace(blur.card, limits=(0.2, 1.0)))
    chosen = ("--dataset", "scenes", "--pairs", 1, "--degradation", "ir_blur,ir_blur", "--workers", 1)
    done = command("calibrate", *chosen, "--out", tmp_path / "table.csv")
    assert done.returncode == 1
    assert "not reached: ir_blur@5" in done.stderr
    assert "at 1, the end of its range; the target is 0.17" in done.stderr
    text = (tmp_path / "table.csv").read_text()
    assert [line.startswith("ir_blur") for line in text.splitlines()].count(True) == 1


def test_a_table_that_is_there_is_not_written_over(command, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("mine")
    done = command(*arguments(tmp_path / "table.csv"))
    assert done.returncode == 1
    assert "is there already" in done.stderr
    assert (tmp_path / "table.csv").read_text() == "mine"


def test_a_composite_or_profile_is_not_calibrated(command, tmp_path: Path) -> None:
    for name in ("haze+noise", "physical:haze", "haze@3"):
        done = command("calibrate", "-d", "scenes", "-x", name, "--out", tmp_path / "table.csv")
        assert "give names of single degradations" in done.stderr
