"""`fusionbench train` as a person sees it."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

import fusionbench
from fusionbench.cli.app import app


def run(*words):
    return CliRunner().invoke(app, list(words))


def test_it_says_how_far_it_is_and_what_came_out(toy):
    told = run(*toy.command("out"))
    assert told.exit_code == 0
    assert "first: 24 steps" in told.output and "second: done, norm" in told.output
    assert told.output.replace("\n", "").endswith("second.safetensors")


def test_quiet_says_nothing(toy):
    assert run(*toy.command("out"), "--quiet").output == ""


def test_a_dry_run_says_how_long_the_whole_takes(toy):
    told = run(*toy.command("out"), "--dry-run")
    assert told.exit_code == 0
    assert "first: about" in told.output and "nothing was kept" in told.output
    assert not (toy.folder / "out").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--set", "first.stepz=3"), "there is no setting 'stepz'; did you mean steps"),
        (("--set", "first.steps"), "write --set NAME=VALUE"),
        (("--stage", "third"), "no stage is called 'third'"),
        (("--workers", "-1"), "--workers -1: expected 0 or more"),
        (("--dataset", "roadscen"), "no dataset is called 'roadscen'; did you mean roadscene"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_mistakes_get_one_line(toy, words, message):
    from fusionbench.errors import FusionbenchError

    told = run(*toy.command("out"), *words)
    assert isinstance(told.exception, FusionbenchError)
    assert message in str(told.exception) and "\n" not in str(told.exception)


def test_a_method_without_a_recipe(toy):
    told = run("train", toy.method.replace(":Toy", ":Untrained"))
    assert "offers no recipe to train it by; these do: densefuse, sgafusion" in str(told.exception)


def test_the_function_does_what_the_command_does(toy):
    run(*toy.command("command"))
    artefact = fusionbench.train(toy.method, "toy", out=toy.folder / "function", root=toy.root, device="cpu")
    assert artefact.read_bytes() == (toy.folder / "command" / "second.safetensors").read_bytes()


def test_info_says_how_to_train():
    told = run("info", "densefuse")
    assert "fusionbench train densefuse" in " ".join(told.output.split())
    assert "autoencoder" in told.output
