from __future__ import annotations

import logging
from pathlib import Path

import pytest

from fusionbench.datasets.roots import config_files, data_root
from fusionbench.errors import InputError


@pytest.fixture(autouse=True)
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def user_config(text: str) -> Path:
    path = config_files()[1]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def local_config(text: str) -> Path:
    path = Path("fusionbench.toml")
    path.write_text(text, encoding="utf-8")
    return path


def test_nothing_configured_gives_none() -> None:
    assert data_root("msrs") is None


def test_the_argument_wins_over_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSIONBENCH_DATA", "/environment")
    local_config('[data]\nroot = "/local"')
    assert data_root("msrs", Path("/argument")) == Path("/argument")


def test_the_environment_wins_over_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSIONBENCH_DATA", "/environment")
    local_config('[data.roots]\nmsrs = "/local"')
    assert data_root("msrs") == Path("/environment")


def test_the_local_file_wins_over_the_users() -> None:
    local_config('[data]\nroot = "/local"')
    user_config('[data.roots]\nmsrs = "/user"')
    assert data_root("msrs") == Path("/local")


def test_the_users_file_is_read_where_the_local_one_is_silent() -> None:
    local_config('[data.roots]\nm3fd = "/local"')
    user_config('[data]\nroot = "/user"')
    assert data_root("msrs") == Path("/user")
    assert data_root("m3fd") == Path("/local")


def test_a_datasets_own_root_wins_over_the_common_one() -> None:
    local_config('[data]\nroot = "/all"\n[data.roots]\nm3fd = "/own"')
    assert data_root("m3fd") == Path("/own")
    assert data_root("msrs") == Path("/all")
    assert data_root(None) == Path("/all")


def test_relative_paths_start_at_the_files_folder() -> None:
    path = user_config('[data]\nroot = "images"')
    assert data_root("msrs") == path.parent / "images"


def test_a_tilde_is_the_home_folder(own_user_folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSIONBENCH_DATA", "~/images")
    assert data_root("msrs") == own_user_folders / "images"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[data", "not valid TOML"),
        ("data = 3", r"\[data\] must be a table"),
        ("[data]\nroot = 3", "data.root must be a folder"),
        ('[data.roots]\nmsrs = ["x"]', "data.roots.msrs must be a folder"),
        ('[data]\nroots = "x"', r"\[roots\] must be a table"),
    ],
)
def test_a_file_that_makes_no_sense_is_named(text: str, message: str) -> None:
    local_config(text)
    with pytest.raises(InputError, match=rf"fusionbench\.toml: .*{message}"):
        data_root("msrs")


def test_a_misspelt_dataset_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    local_config('[data.roots]\nmsr = "/x"')
    with caplog.at_level(logging.WARNING):
        assert data_root("msrs") is None
    assert "'msr'" in caplog.text
