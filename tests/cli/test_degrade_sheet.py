"""`fusionbench degrade --sheet`."""

from __future__ import annotations

from pathlib import Path

from PIL import Image


def test_the_command_draws_a_sheet(command, tmp_path: Path) -> None:
    done = command("degrade", "--sheet", "s.png", "--dataset", "scenes", "-x", "noise,low_light")
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "s.png") as drawn:
        assert drawn.width > 6 * 200


def test_an_image_is_for_a_sheet_only(command) -> None:
    done = command("degrade", "--image", "1", "--out", "x", "--dataset", "scenes")
    assert done.returncode == 1
    assert "give --sheet FILE.png too" in done.stderr
