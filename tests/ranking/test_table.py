"""Tables compare like with like, rank fairly, and say what is missing."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from fusionbench.degrading import parse_condition
from fusionbench.errors import InputError
from fusionbench.evaluation.plan import Cell, MethodRequest
from fusionbench.evaluation.store import ImageResult, Store
from fusionbench.measuring import Measurement
from fusionbench.ranking.markdown import render_markdown, reproducing_commands
from fusionbench.ranking.query import StoredCell, comparable_groups, find_cells
from fusionbench.ranking.statistics import make_table
from fusionbench.ranking.table import Row, Table, severity_text
from fusionbench.ranking.tidy import render_csv

METRICS = {
    "vif": {"label": "VIF", "direction": "higher", "rewards_noise": False},
    "nabf": {"label": "Nabf", "direction": "lower", "rewards_noise": False},
    "en": {"label": "EN", "direction": "higher", "rewards_noise": True},
}
ENVIRONMENT = {"ivif-fusionbench": "0", "torch": "0", "numpy": "0", "python": "3", "device": "cpu"}


def version(text: str) -> dict[str, str]:
    """Identity of a metric."""
    return {"version": text, "code": "c"}


class Bench:
    """Writes cells with given values into a store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(folder)

    def add(self, method: str, vif: list[float | None], *, severity: float = 3.0, **more) -> None:
        reference = more.pop("reference", False)
        code = more.pop("code", "1")
        haze_code = more.pop("haze_code", "h")
        nabf = more.pop("nabf", vif)
        profile = {"profile": more.pop("profile")} if "profile" in more else {}
        won_by = more.pop("won_by", "")
        scored = more.pop("scored", False)
        clean = {"fused_clean": more.pop("fused_clean")} if "fused_clean" in more else {}
        seed = more.pop("seed", 0)
        metrics = more.pop("metrics", {name: version("1") for name in ("vif", "nabf", "en")})
        assert not more
        cell = Cell(
            dataset="m3fd",
            split="all",
            condition=parse_condition(f"haze@{severity:g}"),
            degradation="haze",
            severity=severity,
            seed=seed,
            method=MethodRequest(method),
            samples=(),
            identity={
                "pipeline": 1,
                "dataset": {"name": "m3fd", "split": "all", "samples": "s"},
                "condition": {"name": f"haze@{severity:g}", "code": {"haze": haze_code}, "seed": seed},
                "method": {"name": method, "code": code},
                "metrics": metrics,
                **profile,
                **clean,
            },
            display={
                "metrics": {
                    name: {**METRICS[name], "won_by": won_by and name == "nabf" and won_by}
                    for name in metrics
                },
                "method": {"title": method, "reference": reference, "scored": scored},
                "synthetic": False,
                "limit": None,
                "dataset_options": {},
                "chosen": False,
            },
        )
        results = [
            ImageResult(
                f"i{index}",
                tuple(
                    measurement
                    for measurement in (
                        _measurement("vif", "clean", value),
                        _measurement("nabf", "clean", nabf[index]),
                        _measurement("en", "none", 1.0),
                    )
                    if measurement.metric in metrics
                ),
            )
            for index, value in enumerate(vif)
        ]
        self.store.finish(cell, results, ENVIRONMENT)

    def groups(self) -> list[list[StoredCell]]:
        return comparable_groups(find_cells(self.folder))

    def table(self) -> Table:
        (group,) = self.groups()
        return make_table(group)


def _measurement(metric: str, reference, value: float | None) -> Measurement:
    return Measurement(metric, reference, value, "" if value is not None else "could not be read")


@pytest.fixture
def bench(tmp_path) -> Bench:
    return Bench(tmp_path / "results")


def row(table: Table, method: str) -> Row:
    return next(row for row in table.rows if row.method == method)


def vif(table: Table, method: str) -> float:
    return next(value.mean for column, value in row(table, method).values.items() if column.metric == "vif")


def places(table: Table, metric: str) -> dict[str, int | None]:
    column = next(column for column in table.columns if column.metric == metric)
    return {row.method: row.values[column].place for row in table.rows}


def test_the_mean_is_over_images(bench):
    bench.add("a", [0.25, 0.5, 0.75])
    (value,) = [v for c, v in row(bench.table(), "a").values.items() if c.metric == "vif"]
    assert (value.mean, value.images) == (0.5, {"i0", "i1", "i2"})
    assert value.deviation == pytest.approx((2 / 3 * 0.25**2) ** 0.5)


def test_places_follow_each_metrics_direction(bench):
    bench.add("a", [0.1])
    bench.add("b", [0.3])
    bench.add("c", [0.2])
    assert places(bench.table(), "vif") == {"b": 1, "c": 2, "a": 3}
    assert places(bench.table(), "nabf") == {"a": 1, "c": 2, "b": 3}


def test_equal_means_share_a_place(bench):
    bench.add("a", [0.2])
    bench.add("b", [0.2])
    bench.add("c", [0.1])
    assert places(bench.table(), "vif") == {"a": 1, "b": 1, "c": 3}


def test_single_sources_come_last_and_are_not_ranked(bench):
    bench.add("visible", [9.0], reference=True)
    bench.add("a", [0.2], nabf=[0.1])
    bench.add("b", [0.1], nabf=[0.2])
    table = bench.table()
    assert [row.method for row in table.rows] == ["a", "b", "visible"]
    assert places(table, "vif") == {"a": 1, "b": 2, "visible": None}


def test_a_single_method_has_no_place(bench):
    bench.add("a", [0.2])
    assert places(bench.table(), "vif") == {"a": None}
    assert row(bench.table(), "a").mean_rank is None


def test_the_mean_rank_orders_the_table_and_ignores_metrics_without_reference(bench):
    bench.add("a", [0.1], nabf=[0.5])
    bench.add("b", [0.3], nabf=[0.1])
    table = bench.table()
    assert [(row.method, row.mean_rank) for row in table.rows] == [("b", 1.0), ("a", 2.0)]


def test_a_method_that_failed_where_others_did_not_is_shown_but_not_ranked(bench):
    bench.add("a", [0.1, 0.1])
    bench.add("b", [0.9, None])
    bench.add("c", [0.2, 0.2])
    table = bench.table()
    assert places(table, "vif") == {"a": 2, "b": None, "c": 1}
    assert row(table, "b").failed_images == 1
    assert row(table, "b").mean_rank is None
    assert table.failures == ("i1 (b, severity 3): could not be read",)


def test_methods_that_failed_on_different_images_are_not_ranked_against_each_other(bench):
    bench.add("a", [0.1, None])
    bench.add("b", [None, 0.9])
    assert places(bench.table(), "vif") == {"a": None, "b": None}


def test_an_image_that_failed_for_everyone_spoils_nobodys_rank(bench):
    bench.add("a", [0.1, None])
    bench.add("b", [0.9, None])
    assert places(bench.table(), "vif") == {"b": 1, "a": 2}
    assert bench.table().failures == ("i1 (every method, severity 3): could not be read",)


def test_several_severities_give_a_mean_and_a_table_each(bench):
    for severity, value in ((1.0, 0.4), (2.0, 0.2)):
        bench.add("a", [value], severity=severity)
    table = bench.table()
    assert table.severities == (1.0, 2.0)
    assert [part.severities for part in table.by_severity] == [(1.0,), (2.0,)]
    assert vif(table, "a") == pytest.approx(0.3)


def test_the_mean_over_severities_takes_only_those_every_method_has(bench):
    bench.add("a", [0.4], severity=1.0)
    bench.add("a", [0.2], severity=2.0)
    bench.add("b", [0.3], severity=2.0)
    assert bench.table().severities == (2.0,)


def test_a_metric_that_one_severity_lacks_has_no_mean_over_severities(bench):
    for severity in (1.0, 2.0):
        bench.add("a", [0.4], severity=severity, metrics={"en": version("1")})
    bench.add("a", [0.4], severity=2.0, metrics={"vif": version("1")})
    table = bench.table()
    assert {column.metric for column in row(table, "a").values} == {"en"}
    assert {column.metric for column in row(table.by_severity[1], "a").values} == {"en", "vif"}


def test_without_a_common_severity_the_one_most_methods_have_is_shown(bench):
    bench.add("a", [0.4], severity=1.0)
    bench.add("b", [0.3], severity=2.0)
    bench.add("c", [0.2], severity=2.0)
    table = bench.table()
    assert table.severities == (2.0,)
    assert {row.method for row in table.rows} == {"b", "c"}
    assert {part.severities for part in table.by_severity} == {(1.0,), (2.0,)}


def test_two_versions_of_a_metric_never_meet_in_one_column(bench):
    bench.add("a", [0.1], metrics={"vif": version("old")})
    bench.add("b", [0.2], metrics={"vif": version("new")})
    table = bench.table()
    assert not row(table, "a").values
    assert vif(table, "b") == pytest.approx(0.2)


def test_failures_at_a_severity_not_every_method_has_are_listed_too(bench):
    bench.add("a", [0.4, None], severity=1.0)
    bench.add("a", [0.4, 0.4], severity=2.0)
    bench.add("b", [0.4, 0.4], severity=2.0)
    assert "could not be read" in render_markdown(bench.table())


def test_tables_of_two_seeds_have_two_file_names(bench):
    bench.add("a", [0.1], seed=0)
    bench.add("a", [0.1], seed=1)
    assert len({make_table(group).file_name for group in bench.groups()}) == 2


def test_cells_of_other_degradation_code_do_not_share_a_table(bench):
    bench.add("a", [0.1], haze_code="old")
    bench.add("b", [0.2], haze_code="new")
    assert len(bench.groups()) == 2


def test_a_method_whose_code_changed_is_shown_as_it_is_now(bench):
    bench.add("a", [0.1], code="old")
    bench.add("a", [0.7], code="new")
    table = bench.table()
    assert vif(table, "a") == pytest.approx(0.7)


def test_a_damaged_rows_file_is_left_out_and_named(bench, caplog):
    bench.add("a", [0.1])
    (path,) = bench.folder.rglob("*.parquet")
    bench.add("b", [0.1])
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert [row.method for row in bench.table().rows] == ["b"]
    assert path.name in caplog.text


def test_a_value_wins_over_the_failure_of_an_earlier_try(bench):
    bench.add("a", [None, 0.4])
    bench.add("a", [0.2, 0.4], metrics={"vif": version("1")})
    assert vif(bench.table(), "a") == pytest.approx(0.3)


def test_a_metric_that_only_one_method_has_takes_nobodys_rank(bench):
    bench.add("a", [0.2], metrics={"vif": version("1")})
    bench.add("b", [0.1], metrics={"vif": version("1"), "nabf": version("1")})
    assert [row.mean_rank for row in bench.table().rows] == [1.0, 2.0]


def test_an_empty_store_says_what_to_run(tmp_path):
    with pytest.raises(InputError, match="fusionbench eval"):
        find_cells(tmp_path)


def test_the_csv_holds_full_precision(bench):
    bench.add("a", [0.1, 0.2, 0.7])
    bench.add("b", [0.1, 0.1, 0.1])
    records = list(csv.DictReader(io.StringIO(render_csv(bench.table()))))
    vif = next(record for record in records if record["metric"] == "vif" and record["method"] == "a")
    assert float(vif["mean"]) == (0.1 + 0.2 + 0.7) / 3
    assert (vif["severity"], vif["place"], vif["reference"]) == ("3", "1", "clean")


def test_no_record_comes_twice(bench):
    bench.add("a", [0.1], severity=1.0)
    bench.add("a", [0.1], severity=2.0)
    bench.add("b", [0.1], severity=2.0)
    lines = render_csv(bench.table()).splitlines()
    assert len(lines) == len(set(lines))


def test_the_csv_has_each_severity_and_the_mean(bench):
    for severity in (1.0, 2.0, 3.0):
        bench.add("a", [0.1], severity=severity)
    records = list(csv.DictReader(io.StringIO(render_csv(bench.table()))))
    assert {record["severity"] for record in records} == {"1", "2", "3", "1-3"}


def test_markdown_marks_best_and_second_and_escapes_names(bench):
    bench.add("a|b", [0.3])
    bench.add("<c>", [0.2])
    text = render_markdown(bench.table())
    assert r"| a\|b | " in text
    assert r"\<c\>" in text
    assert "**0.3000**" in text
    assert "<u>0.2000</u>" in text


def test_numbers_of_one_column_have_the_same_decimals(bench):
    bench.add("a", [9.5])
    bench.add("b", [12.25])
    text = render_markdown(bench.table())
    assert "<u>9.50</u>" in text
    assert "**12.25**" in text


def test_every_line_of_a_markdown_table_has_as_many_cells(bench):
    bench.add("a|b", [0.3, None])
    bench.add("c", [0.2, 0.1])
    lines = [line for line in render_markdown(bench.table()).splitlines() if line.startswith("|")]
    assert len({line.replace(r"\|", "").count("|") for line in lines}) == 1


def test_markdown_says_how_to_make_it_again(bench):
    bench.add("a", [0.3])
    command = (
        "fusionbench eval --dataset m3fd --split all --degradation haze --severity 3 "
        "--metric en,nabf,vif --method a"
    )
    assert command in render_markdown(bench.table())


@pytest.mark.parametrize(
    ("severities", "text"),
    [((3.0,), "3"), ((1.0, 2.0), "1, 2"), ((1.0, 2.0, 3.0), "1-3"), ((1.0, 2.5, 4.0), "1, 2.5, 4")],
)
def test_severities_read_as_a_person_writes_them(severities, text):
    assert severity_text(severities) == text


def test_stamps_are_json_a_machine_can_read(bench):
    bench.add("a", [0.3])
    (path,) = bench.folder.rglob("*.json")
    assert json.loads(path.read_text())["method"] == "a"


def test_cells_of_two_profiles_never_share_a_table(bench):
    bench.add("a", [0.1])
    bench.add("a", [0.2], profile="tang")
    titles = [make_table(group).title for group in bench.groups()]
    assert sorted(titles) == ["m3fd, haze, severity 3", "m3fd, haze, severity 3, profile tang"]


def test_tables_of_two_profiles_have_files_of_their_own(bench):
    bench.add("a", [0.1])
    bench.add("a", [0.2], profile="tang")
    names = {make_table(group).file_name for group in bench.groups()}
    assert names == {"m3fd-all-1-haze-3", "m3fd-all-1-haze-3-tang"}


def test_the_command_of_a_profiles_table_names_the_profile(bench):
    bench.add("a", [0.2], profile="tang")
    assert "--profile tang --metric" in render_markdown(bench.table())


def test_a_metric_won_by_construction_is_placed_but_not_in_the_mean_rank(bench):
    bench.add("a", [0.3], nabf=[0.3], won_by="the average")
    bench.add("b", [0.2], nabf=[0.1], won_by="the average")
    table = bench.table()
    assert places(table, "nabf") == {"b": 1, "a": 2}
    assert (row(table, "a").mean_rank, row(table, "b").mean_rank) == (1.0, 2.0)
    assert "Nabf (the average)" in render_markdown(table)


def test_every_table_says_of_which_profile_it_is(bench):
    bench.add("a", [0.1])
    assert "Metrics of profile `canonical`." in render_markdown(bench.table())


def test_folders_of_one_method_for_several_severities_stand_in_one_table(bench):
    for severity in (1.0, 2.0):
        bench.add("mine", [0.1 * severity], severity=severity, code=f"folder {severity}", scored=True)
        bench.add("a", [0.3], severity=severity)
    table = bench.table()
    assert table.severities == (1.0, 2.0)
    assert vif(table, "mine") == pytest.approx(0.15)


def test_images_fused_from_the_clean_pairs_leave_the_other_metrics_where_they_are(bench):
    bench.add("mine", [0.1], scored=True, metrics={"vif": version("1")})
    bench.add("mine", [0.1], scored=True, metrics={"en": version("1")}, fused_clean="c")
    assert {column.metric for column in bench.table().columns} == {"vif", "en"}
    assert any("--fused DIR --fused-clean DIR" in command for command in reproducing_commands(bench.table()))


def test_the_legend_names_the_columns_of_the_mean_rank(bench):
    bench.add("a", [0.3])
    bench.add("b", [0.2])
    assert "The mean rank, which orders the table, is over Nabf clean, VIF clean." in render_markdown(
        bench.table()
    )
