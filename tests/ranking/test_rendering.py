"""Tables as Markdown, CSV and stamps: what a person and a machine read."""

from __future__ import annotations

import csv
import io
import json
import shlex
from dataclasses import replace

import pytest

from fusionbench.ranking.files import write_tables
from fusionbench.ranking.markdown import render_markdown, reproducing_commands
from fusionbench.ranking.table import severity_text
from fusionbench.ranking.tidy import render_csv


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


def test_the_command_can_be_pasted_whatever_methods_are_called(bench):
    bench.add("dcp>lp", [0.3])
    bench.add("a", [0.2])
    (command,) = reproducing_commands(bench.table())
    words = shlex.shlex(command, posix=True, punctuation_chars=True)
    words.whitespace_split = True
    assert list(words)[-2:] == ["--method", "a,dcp>lp"]


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


def test_the_command_of_a_profiles_table_names_the_profile(bench):
    bench.add("a", [0.2], profile="tang")
    assert "--profile tang --metric" in render_markdown(bench.table())


def test_every_table_says_of_which_profile_it_is(bench):
    bench.add("a", [0.1])
    assert "Metrics of profile `canonical`." in render_markdown(bench.table())


def test_images_fused_from_the_clean_pairs_leave_the_other_metrics_where_they_are(bench):
    bench.add("mine", [0.1], scored=True, metrics={"vif": bench.version("1")})
    bench.add("mine", [0.1], scored=True, metrics={"en": bench.version("1")}, fused_clean="c")
    assert {column.metric for column in bench.table().columns} == {"vif", "en"}
    assert any("--fused DIR --fused-clean DIR" in command for command in reproducing_commands(bench.table()))


def test_the_legend_names_the_columns_of_the_mean_rank(bench):
    bench.add("a", [0.3])
    bench.add("b", [0.2])
    assert "The mean rank, which orders the table, is over Nabf clean, VIF clean." in render_markdown(
        bench.table()
    )


def test_tables_of_one_name_about_other_images_do_not_write_over_each_other(bench, tmp_path):
    bench.add("a", [1.0, 2.0])
    table = bench.table()
    (stamp,) = table.stamps
    other = {**stamp, "identity": {**stamp["identity"], "dataset": {"samples": "0123456789"}}}
    written = write_tables([table, replace(table, stamps=(other,)), table], tmp_path, ["md"])
    assert [path.name for path in written] == [f"{table.file_name}.md", f"{table.file_name}-012345.md"]
