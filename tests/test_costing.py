"""What methods cost, against what can be counted by hand."""

from __future__ import annotations

import json

import pytest

from fusionbench.api import evaluate, leaderboard
from fusionbench.costing import cost_of, measure_here
from fusionbench.errors import InputError, MethodError
from fusionbench.ranking.markdown import render_markdown
from fusionbench.ranking.tidy import render_csv
from fusionbench.ready_methods import ready_method

CONVOLVING = """
    weight = torch.ones(8, 1, 3, 3)
    return torch.nn.functional.conv2d(visible, weight, padding=1).mean(dim=1, keepdim=True) / 9
"""

HOARDING = """
    held = torch.ones(50_000_000)
    return visible * held[0]
"""


def test_multiplications_are_those_of_the_convolution(write_method):
    cost = measure_here(ready_method(write_method(CONVOLVING), device="cpu"), (40, 50))
    assert cost.gmacs == pytest.approx(8 * 9 * 40 * 50 / 1e9)
    assert cost.parameters is None and cost.seconds > 0


def test_memory_is_what_the_method_holds_at_most(write_method):
    cost = cost_of(write_method(HOARDING), size=(16, 16))
    assert cost.megabytes == pytest.approx(200, rel=0.2)


def test_closed_forms_have_no_weights_and_no_multiplications_to_count():
    cost = cost_of("average", size=(16, 16))
    assert cost.parameters is None and cost.gmacs is None


def test_one_that_fails_says_why(write_method):
    with pytest.raises(MethodError, match=r"could not be measured: .*no luck"):
        cost_of(write_method("raise ValueError('no luck')"), size=(16, 16))


@pytest.fixture
def store(pair_folders, tmp_path):
    evaluate(
        "folder", **pair_folders, methods=["average", "lp"], metrics=["sd"], results=tmp_path / "results"
    )
    return tmp_path / "results"


def test_costs_become_columns_of_the_leaderboard(store, tmp_path):
    path = tmp_path / "costs.json"
    path.write_text(
        json.dumps({"lp": {"parameters": None, "gmacs": None, "seconds": 0.125, "megabytes": 12.0}})
    )
    (table,) = leaderboard(store, costs=path)
    lines = render_markdown(table).splitlines()
    head = next(line for line in lines if line.startswith("| Method"))
    assert head.endswith("| s | MB |")
    assert next(line for line in lines if line.startswith("| lp")).endswith("| 0.12 | 12 |")
    assert next(line for line in lines if line.startswith("| average")).endswith("| – | – |")
    assert render_csv(table).splitlines()[0].endswith(",place,seconds,megabytes")


def test_a_file_of_something_else_is_named(store, tmp_path):
    (tmp_path / "costs.json").write_text("[1]")
    with pytest.raises(InputError, match=r"costs\.json: holds no costs .*fusionbench cost all --json"):
        leaderboard(store, costs=tmp_path / "costs.json")
