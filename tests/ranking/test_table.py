"""Tables compare like with like, rank fairly, and say what is missing."""

from __future__ import annotations

import pytest

from fusionbench.errors import InputError
from fusionbench.ranking.markdown import render_markdown
from fusionbench.ranking.query import find_cells
from fusionbench.ranking.statistics import make_table
from fusionbench.ranking.table import Row, Table


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
        bench.add("a", [0.4], severity=severity, metrics={"en": bench.version("1")})
    bench.add("a", [0.4], severity=2.0, metrics={"vif": bench.version("1")})
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
    bench.add("a", [0.1], metrics={"vif": bench.version("old")})
    bench.add("b", [0.2], metrics={"vif": bench.version("new")})
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
    bench.add("a", [0.2, 0.4], metrics={"vif": bench.version("1")})
    assert vif(bench.table(), "a") == pytest.approx(0.3)


def test_a_metric_that_only_one_method_has_takes_nobodys_rank(bench):
    bench.add("a", [0.2], metrics={"vif": bench.version("1")})
    bench.add("b", [0.1], metrics={"vif": bench.version("1"), "nabf": bench.version("1")})
    assert [row.mean_rank for row in bench.table().rows] == [1.0, 2.0]


def test_an_empty_store_says_what_to_run(tmp_path):
    with pytest.raises(InputError, match="fusionbench eval"):
        find_cells(tmp_path)


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


def test_a_metric_won_by_construction_is_placed_but_not_in_the_mean_rank(bench):
    bench.add("a", [0.3], nabf=[0.3], won_by="the average")
    bench.add("b", [0.2], nabf=[0.1], won_by="the average")
    table = bench.table()
    assert places(table, "nabf") == {"b": 1, "a": 2}
    assert (row(table, "a").mean_rank, row(table, "b").mean_rank) == (1.0, 2.0)
    assert "Nabf (the average)" in render_markdown(table)


def test_folders_of_one_method_for_several_severities_stand_in_one_table(bench):
    for severity in (1.0, 2.0):
        bench.add("mine", [0.1 * severity], severity=severity, code=f"folder {severity}", scored=True)
        bench.add("a", [0.3], severity=severity)
    table = bench.table()
    assert table.severities == (1.0, 2.0)
    assert vif(table, "mine") == pytest.approx(0.15)
