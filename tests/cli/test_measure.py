"""`fusionbench measure`: one image, one code base's conventions or several side by side."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fusionbench


@pytest.fixture
def files(pair_folders, tmp_path) -> list[Path]:
    """A fused, a visible and an infrared image."""
    visible, infrared = (Path(pair_folders[name]) / "pair 0.png" for name in ("visible", "infrared"))
    fused = tmp_path / "fused.png"
    Image.fromarray(fusionbench.fuse("average", visible, infrared)).save(fused)
    return [fused, visible, infrared]


def test_measure_prints_every_core_metric(command, files):
    done = command("measure", *files)
    assert done.returncode == 0, done.stderr
    values = fusionbench.measure(*files)
    for name, value in values.items():
        assert f"{value:.6g}" in next(line for line in done.stdout.splitlines() if f" {name} " in line)


def test_measure_shows_profiles_side_by_side(command, files):
    done = command("measure", *files, "--profile", "canonical,cddfuse", "--metric", "mi,qcv", "--json")
    found = json.loads(done.stdout)
    assert found["cddfuse"]["mi"] == pytest.approx(found["canonical"]["mi"] * np.log(2), rel=1e-12)
    assert "qcv" in found["canonical"]
    assert "qcv" not in found["cddfuse"]


def test_measure_all_profiles(command, files):
    found = json.loads(command("measure", *files, "--profile", "all", "--metric", "en", "--json").stdout)
    assert list(found) == ["canonical", "cddfuse", "ivif_zoo", "tang", "vifb"]


def test_grey_gives_profiles_of_colour_the_grey_image(command, files):
    colour, grey = (
        json.loads(command("measure", *files, "--profile", "vifb", "--json", *more).stdout)["vifb"]["en"]
        for more in ((), ("--grey",))
    )
    assert grey == pytest.approx(fusionbench.measure(*files, ["en"])["en"], rel=1e-12)
    assert colour != grey


def test_a_metric_without_a_value_is_a_line_with_its_reason_and_keeps_the_others(command, files, tmp_path):
    small = []
    for path in files:
        small.append(tmp_path / f"small {path.parent.name} {path.name}")
        Image.open(path).crop((0, 0, 30, 30)).save(small[-1])
    done = command("measure", *small, "--metric", "en,vif")
    assert done.returncode == 1
    assert "failed: vif (canonical): image is 30x30; VIF needs at least 41 pixels a side" in done.stderr
    assert " en " in done.stdout


def test_stability_is_measured_where_the_clean_output_is_given(command, files):
    arguments = ["measure", *files, "--metric", "stability_psnr"]
    assert "--fused-clean" in command(*arguments).stderr
    assert "100" in command(*arguments, "--fused-clean", files[0]).stdout


def test_a_missing_image_is_one_line(command, files, tmp_path):
    done = command("measure", tmp_path / "gone.png", *files[1:])
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1
    assert "gone.png: no such file" in done.stderr


def test_info_compares_a_metric_with_every_profile_by_figures(command):
    shown = command("info", "mi").stdout
    for profile in ("canonical", "tang", "cddfuse", "vifb", "ivif_zoo"):
        assert any(line.strip().startswith(profile) for line in shown.splitlines())
    assert "nats" in shown


def test_info_of_a_profile_lists_its_metrics_beside_the_canonical_figures(command):
    shown = command("info", "tang").stdout
    assert "Linfeng-Tang" in shown
    assert "psnr" in shown


def test_a_metric_no_profile_has_is_refused(command, files):
    done = command("measure", *files, "--profile", "all", "--metric", "ssmi")
    assert done.returncode != 0
    assert "did you mean ssim" in done.stderr


def test_weights_of_a_metric_nobody_asked_for_are_refused(command, files):
    done = command("measure", *files, "--metric", "en", "--weights", "niqe=x.mat")
    assert done.returncode != 0
    assert "niqe" in done.stderr


def test_an_infrared_image_in_false_colour_is_refused_by_name(command, files, tmp_path):
    colour = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    Image.fromarray(colour).save(tmp_path / "rainbow.png")
    done = command("measure", *files[:2], tmp_path / "rainbow.png", "--grey")
    assert done.returncode != 0
    assert "rainbow.png: infrared is in false colour" in done.stderr
