"""`fusionbench weights`, as a person uses it."""

from __future__ import annotations

import pytest


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FUSIONBENCH_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


def test_list_shows_every_file_and_that_none_is_here(command, folder):
    done = command("weights", "list")
    assert done.returncode == 0
    assert "SeAFusion.pth" in done.stdout and "MIT" in done.stdout and " yes " not in done.stdout


def test_get_converts_files_one_has_and_path_says_where_they_lie(command, folder, shared):
    done = command("weights", "get", "seafusion", "sdnet", "--from", shared / "weights" / "methods")
    assert done.returncode == 0, done.stderr
    assert (folder / "seafusion" / "seafusion.safetensors").is_file()
    assert command("weights", "path", "sdnet").stdout.strip() == str(folder / "sdnet" / "sdnet.safetensors")


def test_path_of_what_is_not_here_says_how_to_get_it(command, folder):
    done = command("weights", "path", "sage")
    assert done.returncode == 1
    assert done.stderr.strip() == "error: weights of sage are not here; fusionbench weights get sage"


def test_one_that_cannot_be_downloaded_does_not_keep_others(command, folder, shared, tmp_path):
    (tmp_path / "given").mkdir()
    name = "SeAFusion.pth"
    source = shared / "weights" / "methods" / "seafusion" / name
    (tmp_path / "given" / name).write_bytes(source.read_bytes())
    done = command("weights", "get", "sdnet", "seafusion", "--from", tmp_path / "given")
    assert done.returncode == 1
    assert "failed:" in done.stderr and "has no sdnet_irvis_tf.npz" in done.stderr
    assert "seafusion.safetensors" in done.stdout


def test_a_method_without_weights_and_an_unknown_one_are_told(command, folder):
    assert "method lp needs no weights of its authors" in command("weights", "get", "lp").stderr
    assert "seafusion" in command("weights", "get", "seafusionn").stderr
