"""A metric of the whole set goes the way of every other: cells, store, failures, tables."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from importlib.metadata import EntryPoint

import pytest

from fusionbench import registry
from fusionbench.api import evaluate, leaderboard, score
from fusionbench.errors import InputError
from fusionbench.evaluation.run import Silent
from fusionbench.ranking.markdown import render_markdown
from fusionbench.ranking.statistics import ranking_columns
from fusionbench.ranking.tidy import records
from tests.toy_detector import write_m3fd

METHODS = ("visible", "infrared", "max")


@pytest.fixture
def bright(monkeypatch, tmp_path):
    """A registered detector, and its weights."""
    found = registry.entry_points

    def entry_points(group):
        own = [EntryPoint("bright", "tests.toy_detector:Bright", group)]
        return [*found(group=group), *(own if group == "fusionbench.detectors" else [])]

    monkeypatch.setattr(registry, "entry_points", entry_points)
    registry._entry_points.cache_clear()
    weights = tmp_path / "bright.bin"
    weights.write_bytes(b"first")
    yield weights
    registry._entry_points.cache_clear()


@pytest.fixture
def run(bright, tmp_path):
    root = write_m3fd(tmp_path / "data", scenes=6)

    def call(**more):
        given = {"methods": METHODS, "metrics": ["map"], "weights": {"bright": bright}, **more}
        return evaluate("m3fd", root=root, results=tmp_path / "results", **given)

    return call


@pytest.fixture
def scored_against_max(run, bright, tmp_path):
    """Images fused elsewhere, compared with `max` of the store."""
    run()

    def call(fused):
        return score(
            "m3fd",
            fused,
            name="mine",
            root=tmp_path / "data",
            results=tmp_path / "results",
            metrics=["map"],
            weights={"bright": bright},
            against=["max"],
        )

    return call


def value(evaluation, method, metric):
    (table,) = evaluation.tables
    row = next(row for row in table.rows if row.method == method)
    return next((found for column, found in row.values.items() if column.metric == metric), None)


def test_each_camera_finds_its_half_and_fusing_finds_all(run):
    evaluation = run()
    # One of two objects, at full precision: recalls 0 to .50, 51 of 101.
    assert value(evaluation, "visible", "map").mean == pytest.approx(51 / 101)
    assert value(evaluation, "infrared", "map").mean == pytest.approx(51 / 101)
    assert value(evaluation, "max", "map").mean == pytest.approx(1.0)


def test_the_gain_is_over_the_better_single_image(run):
    gain = value(run(), "max", "map_gain")
    assert gain.mean == pytest.approx(50 / 101)
    assert gain.interval == pytest.approx((50 / 101, 50 / 101))


def test_a_method_that_is_one_camera_gains_nothing_in_any_drawn_set(run, write_method):
    gain = value(run(methods=[*METHODS, write_method("return visible")]), "Mine", "map_gain")
    assert (gain.mean, gain.interval) == (0.0, (0.0, 0.0))


def test_any_method_can_be_what_others_are_compared_with(run):
    evaluation = run(against=["max"])
    apart = value(evaluation, "visible", "map-max")
    assert apart.mean == pytest.approx(-50 / 101)
    assert apart.interval == pytest.approx((-50 / 101, -50 / 101))
    # Of six scenes no difference is marked.
    assert not apart.distinct
    assert value(evaluation, "max", "map-max") is None
    text = render_markdown(evaluation.tables[0])
    assert "mAP(1/6)−max" in text and "-0.495 [-0.495, -0.495]" in text


def test_images_fused_elsewhere_are_compared_with_a_method_of_the_store(scored_against_max, tmp_path):
    fused = tmp_path / "data/M3FD_Detection/Vis"
    evaluation = scored_against_max(fused)
    assert value(evaluation, "mine", "map-max").mean == pytest.approx(-50 / 101)


def test_a_method_that_is_not_there_is_nothing_to_compare_with(run):
    with pytest.raises(
        InputError, match=r"--against lp: no such method is asked for or in the store; there is inf"
    ):
        run(against=["lp"])


def test_without_a_metric_of_whole_sets_there_is_nothing_to_compare(run):
    with pytest.raises(InputError, match="no metric of whole sets is asked for; add --metric map or miou"):
        run(metrics=["sd"], weights={}, against=["max"])


def test_severities_give_the_share_at_which_fusing_loses(run):
    evaluation = run(degradation="low_light", severity="2,4", native="all", methods=[*METHODS, "average"])
    # Of the average of a dark and a bright image nothing is bright.
    assert value(evaluation, "average", "map_worse").mean == 1.0
    # The infrared camera does not see the dark: fusing keeps what it finds.
    assert value(evaluation, "max", "map_worse").mean == 0.0


def test_records_are_read_and_not_computed_again(run):
    first, second = run(), run()
    assert (first.report.computed, second.report.computed) == (18, 0)
    assert value(second, "max", "map") == value(first, "max", "map")


def test_other_weights_are_another_cell(run, bright):
    run()
    bright.write_bytes(b"second")
    assert run().report.computed == 18


def test_another_annotation_is_another_cell(run, tmp_path):
    run()
    annotation = next((tmp_path / "data/M3FD_Detection/Annotation").iterdir())
    annotation.write_text("<annotation></annotation>")
    assert run().report.computed == 18


def test_other_annotations_or_detectors_never_meet_in_one_table(run, bright):
    run()
    bright.write_bytes(b"second")
    (board,) = run(methods=["visible"]).boards
    assert {row.method for row in board.rows if row.values} == {"visible"}


def test_metrics_of_images_stand_beside_those_of_sets(run):
    (table,) = run(metrics=["map", "sd"]).tables
    assert [column.metric for column in table.columns] == ["sd", "map", "map50", "map_gain"]


def test_an_image_without_annotation_fails_alone_and_is_named(run, tmp_path):
    annotation = sorted((tmp_path / "data/M3FD_Detection/Annotation").iterdir())[2]
    annotation.unlink()
    evaluation = run()
    (failure,) = evaluation.failures
    assert failure.startswith(f"{annotation.stem} (every method)")
    assert len(value(evaluation, "max", "map").images) == 5


def test_a_box_outside_of_its_image_fails_alone_and_is_named(run, tmp_path):
    annotation = sorted((tmp_path / "data/M3FD_Detection/Annotation").iterdir())[0]
    annotation.write_text(
        annotation.read_text().replace("<xmin>40", "<xmin>400").replace("<xmax>52", "<xmax>452")
    )
    (failure,) = run().failures
    assert "a Car box (400, 20, 452, 40) covers nothing of the 64x48 image" in failure


def test_without_weights_of_a_detector_the_remedy_is_named(run):
    with pytest.raises(InputError, match=r"metric map: needs a detector and its weights; give --weights"):
        run(weights={})


def test_a_dataset_without_boxes_is_refused(bright, pair_folders, tmp_path):
    with pytest.raises(InputError, match="dataset folder has no boxes"):
        evaluate(
            "folder",
            **pair_folders,
            metrics=["map"],
            weights={"bright": bright},
            results=tmp_path / "results",
        )


def test_weights_of_a_detector_nobody_uses_are_refused(run):
    with pytest.raises(InputError, match="weights for 'bright'"):
        run(metrics=["sd"])


def test_labels_of_one_condition_do_not_depend_on_the_others(run):
    # low_light leaves out what is dark already: fewer images than clean.
    run(degradation=["clean", "low_light"], native="auto")
    assert run(degradation="low_light", native="auto").report.computed == 0


def test_what_was_asked_for_last_is_what_the_board_shows(run, bright):
    run()
    bright.write_bytes(b"second")
    run(methods=["lp"])
    bright.write_bytes(b"first")
    (board,) = run().boards
    assert {row.method for row in board.rows if row.values} == set(METHODS)
    assert any("lp: mAP in the store is by other weights" in note for note in board.notes)


def test_a_repaired_annotation_leaves_no_failure(run, tmp_path):
    annotation = sorted((tmp_path / "data/M3FD_Detection/Annotation").iterdir())[0]
    whole = annotation.read_text()
    annotation.write_text(whole.replace("<xmin>40", "<xmin>400").replace("<xmax>52", "<xmax>452"))
    assert run().failures
    annotation.write_text(whole)
    (board,) = run().boards
    assert not board.all_failures and not any(row.failed_images for row in board.rows)


def test_another_images_annotation_is_refused(run, tmp_path):
    annotation = sorted((tmp_path / "data/M3FD_Detection/Annotation").iterdir())[0]
    text = annotation.read_text()
    annotation.write_text(text.replace("<annotation>", "<annotation><filename>99999.png</filename>"))
    (failure,) = run().failures
    assert "says that it is of 99999; it is another image's annotation" in failure


def test_another_row_for_orientation_is_no_single_image(run):
    methods = ["visible", "sgafusion-untrained", "max"]
    (table,) = run(methods=methods).tables
    assert not any(column.derived for column in table.columns)


def test_without_both_single_images_there_is_no_gain_and_a_word_about_it(run):
    (table,) = run(methods=["visible", "max"]).tables
    assert [column.metric for column in table.columns] == ["map", "map50"]
    assert "No Δ: it needs the rows of the visible and the infrared image alone." in table.notes


def test_a_table_names_the_weights_that_judged(run):
    (table,) = run().tables
    assert any("bright.bin (SHA-256 " in note for note in table.notes)


def test_with_a_metric_of_the_whole_set_one_of_stability_may_stand_on_clean_pairs(run):
    assert run(metrics=["map", "stability_ssim"], degradation=["clean", "noise"]).failures == ()


def test_what_has_to_be_said_of_a_detector_is_said(run):
    assert run().notices == ("a toy",)


def test_tables_say_what_is_covered_and_how_it_was_drawn(run):
    (table,) = run().tables
    text = render_markdown(table)
    # The detector knows cars and people, and there are cars alone.
    assert "mAP(1/6) ↑" in text
    assert "does not know Bus, Motorcycle, Lamp, Truck" in text
    assert "from 6 scenes" in text and "So few scenes tell little" in text
    assert "--metric map --weights bright=FILE" in text
    assert "## Further figures" in text and "map50/Car" in text
    assert "1.000 [1.000, 1.000]" in text


def test_a_class_of_few_scenes_is_named(run, tmp_path):
    assert not any("In fewer than" in note for note in run().tables[0].notes)
    annotations = sorted((tmp_path / "data/M3FD_Detection/Annotation").iterdir())
    annotations[0].write_text(annotations[0].read_text().replace("Car", "People", 1))
    (table,) = run().tables
    assert any("In fewer than 5 scenes: People (1)." in note for note in table.notes)
    # One scene of six is missing from (5/6)^6 of the sets.
    told = next(note for note in table.notes if "have every class" in note)
    assert int(re.search(r"(\d+) of the sets", told)[1]) == pytest.approx(1000 * (1 - (5 / 6) ** 6), abs=60)


def test_beside_a_mean_with_a_rare_class_stands_that_of_the_others(run, tmp_path):
    annotations = sorted((tmp_path / "data/M3FD_Detection/Annotation").iterdir())
    annotations[0].write_text(annotations[0].read_text().replace("Car", "People", 1))
    evaluation = run(methods=[*METHODS, "average"], against=["visible"])
    # Nobody finds people: half of the mean.
    assert value(evaluation, "max", "map").mean < 0.51
    assert value(evaluation, "max", "map").interval is None
    others = value(evaluation, "max", "map_frequent")
    assert others.mean > 0.9 and others.interval is not None
    assert value(evaluation, "max", "map_frequent-visible").interval is not None
    assert value(evaluation, "max", "map_frequent_gain") is not None
    (table,) = evaluation.tables
    assert "mAP frequent(1/6)" in {column.label for column in table.columns}
    # No rare class decides the order.
    assert [column.metric for column in ranking_columns(table)] == ["map_frequent"]
    figures = next(row for row in table.rows if row.method == "max").figures
    assert figures["map/People"].interval is None and figures["map/Car"].interval is not None


def test_a_method_without_an_image_of_its_rival_has_a_reason_and_no_difference(scored_against_max, tmp_path):
    fused = tmp_path / "fused"
    shutil.copytree(tmp_path / "data/M3FD_Detection/Vis", fused)
    next(fused.iterdir()).unlink()
    evaluation = scored_against_max(fused)
    assert value(evaluation, "mine", "map-max") is None
    assert any("None for mine: not of the same images." in note for note in evaluation.tables[0].notes)


def test_a_rival_of_the_store_brings_none_of_its_other_metrics(run):
    run(methods=["max"], metrics=["map", "sd"])
    (table,) = run(methods=["visible"], against=["max", "max"]).tables
    assert [column.metric for column in table.columns] == ["map", "map50", "map-max"]
    assert [row.method for row in table.rows] == ["visible"]


def test_nothing_is_computed_where_there_is_nothing_to_compare_with(run, tmp_path):
    with pytest.raises(InputError):
        run(against=["typo"])
    assert not (tmp_path / "results").exists()


def test_a_part_of_the_images_tells_of_its_own_scenes(run):
    (table,) = run().tables
    days = replace(table, native="day", notes=("from 2 scenes", *table.notes[1:]))
    text = render_markdown(replace(table, by_native=(days,)))
    assert text.partition("## Day")[2].count("from 2 scenes") == 1


def test_drawn_sets_are_scored_once_a_store(run, tmp_path):
    class Counting(Silent):
        count = 0

        def scored(self) -> None:
            self.count += 1

    first, second = Counting(), Counting()
    run(listener=first)
    tables = leaderboard(tmp_path / "results", listener=second)
    assert first.count >= len(METHODS) and second.count == 0
    assert (
        value(run(), "max", "map")
        == next(r for r in tables[0].rows if r.method == "max").values[tables[0].columns[0]]
    )


def test_records_for_machines_hold_intervals_and_classes(run):
    (table,) = run().tables
    every = [record for record in records(table) if record["native"] == "all"]
    found = {(record["method"], record["metric"]): record for record in every}
    assert found["max", "map"]["low"] == pytest.approx(1.0)
    assert found["max", "map50/Car"]["mean"] == pytest.approx(1.0)
    assert found["max", "map50/People"]["mean"] is None


def test_copies_of_a_scene_do_not_narrow_an_interval(bright, tmp_path):
    intervals = []
    for copies in (1, 4):
        root = write_m3fd(tmp_path / f"data{copies}", scenes=6, copies=copies)
        for annotation in (root / "M3FD_Detection/Annotation").glob("0[135]*.xml"):
            # In every other scene there are two objects that nobody sees: scenes differ.
            text = annotation.read_text()
            unseen = text.partition("<annotation>")[2].partition("</object>")[0] + "</object>"
            unseen = unseen.replace("<ymin>6", "<ymin>30").replace("<ymax>20", "<ymax>44")
            annotation.write_text(text.replace("</annotation>", 2 * unseen + "</annotation>"))
        evaluation = evaluate(
            "m3fd",
            root=root,
            methods=["visible"],
            metrics=["map"],
            weights={"bright": bright},
            results=tmp_path / f"results{copies}",
        )
        intervals.append(value(evaluation, "visible", "map").interval)
    low, high = intervals[0]
    assert high - low > 0.05
    assert intervals[1] == pytest.approx(intervals[0])
