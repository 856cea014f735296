"""Recipes as TOML, and overrides."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusionbench.contracts import RecipeCard, StageCard
from fusionbench.errors import InputError
from fusionbench.training.settings import read_settings

OPTIONS = {"encoder": "compact", "crop": 96, "adapters": True, "mixture": {"clean": 1.0}, "widths": (16, 32)}

TEXT = """
seed = 7
precision = "bf16"

[data]
datasets = ["msrs:train"]
variants = 2

[stages.clip]
steps = 10
batch = 4
learning_rate = 1e-3
encoder = "clip"

[stages.joint]
steps = 20
batch = 2
learning_rate = 1
datasets = ["scenes"]
mixture = { haze = 1, clean = 0.5 }
"""


@pytest.fixture
def card(tmp_path) -> RecipeCard:
    path = tmp_path / "mine.toml"
    path.write_text(TEXT)
    stages = tuple(StageCard(name, name, OPTIONS) for name in ("clip", "joint"))
    return RecipeCard("mine", stages, {"mine": path})


def rewritten(card: RecipeCard, before: str, after: str) -> RecipeCard:
    path = Path(card.presets["mine"])
    assert before in TEXT
    path.write_text(TEXT.replace(before, after))
    return card


def test_a_file_gives_shared_and_own_settings(card):
    settings = read_settings(card, "mine")
    clip, joint = settings.stages
    assert (settings.seed, settings.precision) == (7, "bf16")
    assert (clip.optimisation.steps, clip.data.datasets, clip.data.variants) == (10, ("msrs:train",), 2)
    assert clip.options == {**OPTIONS, "encoder": "clip"}
    assert (joint.data.datasets, joint.data.variants) == (("scenes",), 2)
    assert joint.optimisation.learning_rate == 1.0
    assert joint.options["mixture"] == {"haze": 1.0, "clean": 0.5}


def test_stages_that_a_file_leaves_out_are_not_run(card):
    chosen = rewritten(card, TEXT[TEXT.index("[stages.joint]") :], "")
    assert [stage.name for stage in read_settings(chosen, "mine").stages] == ["clip"]


def test_overrides_go_to_one_stage_or_to_all(card):
    overrides = {"batch": "9", "joint.steps": "3", "clip.encoder": "compact", "widths": "[1, 2]"}
    clip, joint = read_settings(card, "mine", overrides=overrides).stages
    assert (clip.optimisation.batch, joint.optimisation.batch) == (9, 9)
    assert (clip.optimisation.steps, joint.optimisation.steps) == (10, 3)
    assert clip.options["encoder"] == "compact"
    assert joint.options["widths"] == (1, 2)


def test_datasets_given_go_to_all_stages_but_those_that_name_their_own(card):
    settings = read_settings(card, "mine", datasets=["m3fd"], overrides={"joint.datasets": "scenes"})
    assert [stage.data.datasets for stage in settings.stages] == [("m3fd",), ("scenes",)]


def test_a_seed_given_is_taken(card):
    assert read_settings(card, "mine", seed=11).seed == 11


def test_a_toml_file_of_ones_own_is_a_recipe(card, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text(TEXT.replace("seed = 7", "seed = 8"))
    assert read_settings(card, str(own)).seed == 8


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"stepz": "3"}, "there is no setting 'stepz'; did you mean steps"),
        ({"jont.steps": "3"}, "there is no stage 'jont'; there are clip, joint"),
        ({"steps": "many"}, "steps is 'many'; expected a whole number"),
        ({"steps": "0"}, "steps is 0; expected 1 or more"),
        ({"learning_rate": "0"}, "learning_rate is 0.0; expected more than 0"),
        ({"adapters": "1"}, "adapters is 1; expected true or false"),
        ({"schedule": "steep"}, "schedule is 'steep'; expected constant, cosine"),
        ({"optimiser": "sgd"}, "optimiser is 'sgd'; expected adam, adamw"),
        ({"severities": "[4, 2]"}, "severities are .* expected two from 1 to 5"),
        ({"severities": "3"}, "severities is 3; expected a list"),
        ({"mixture": "3"}, "mixture is 3; expected a table"),
        ({"average": "1"}, "average is 1.0; expected 0 to below 1"),
        ({"conditions": "[]"}, "conditions are empty"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_is_not_understood_is_named(card, overrides, message):
    with pytest.raises(InputError, match=message):
        read_settings(card, "mine", overrides=overrides)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("seed = 7", "sead = 7", "recipe mine: there is no setting 'sead'; did you mean seed"),
        ('encoder = "clip"', 'encodr = "clip"', "stage clip: there is no setting 'encodr'; did you mean"),
        ("[stages.joint]", "[stages.joined]", "there is no setting 'joined'; did you mean joint"),
        ("steps = 10", "", "stage clip: steps is missing"),
        ('precision = "bf16"', 'precision = "half"', "precision is 'half'; expected float32, bf16, fp16"),
        ("seed = 7", "seed = seven", "is no TOML"),
    ],
)
def test_misspelt_files_are_refused(card, before, after, message):
    with pytest.raises(InputError, match=message):
        read_settings(rewritten(card, before, after), "mine")


def test_there_is_no_such_preset(card):
    with pytest.raises(InputError, match=r"--recipe yours: mine has mine; or give a \.toml file"):
        read_settings(card, "yours")


def test_there_is_no_such_file(card):
    with pytest.raises(InputError, match=r"no\.toml: cannot be read"):
        read_settings(card, "no.toml")
