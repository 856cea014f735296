"""Evaluation by the real condition images were taken in, on generated scenes (day and night in turn)."""

from __future__ import annotations

import numpy as np
import pytest

import fusionbench
from fusionbench.datasets import open_dataset
from fusionbench.degrading import parse_condition
from fusionbench.degrading.writing import degrade_dataset
from fusionbench.errors import InputError
from fusionbench.images import write_png
from fusionbench.ranking.markdown import render_markdown
from fusionbench.ranking.tidy import records


def evaluated(tmp_path, degradation, **more):
    return fusionbench.evaluate(
        "scenes",
        dataset_options={"count": "4", "size": "96x72", **more.pop("options", {})},
        degradation=degradation,
        methods=["average", "max"],
        metrics=["sd", "mi"],
        results=tmp_path / "results",
        **more,
    )


def test_low_light_is_measured_by_day_only_and_the_table_says_so(tmp_path):
    (table,) = evaluated(tmp_path, "low_light").tables
    assert table.images == 2
    text = render_markdown(table)
    assert "2 pairs (night) left out: low_light is not applied to them unless asked" in text


def test_asked_for_night_is_darkened_too(tmp_path):
    (table,) = evaluated(tmp_path, "low_light", native="all").tables
    assert table.images == 4
    assert "--native all" in render_markdown(table)


def test_a_table_of_day_and_night_is_split(tmp_path):
    (table,) = evaluated(tmp_path, "haze").tables
    assert [(part.native, part.images) for part in table.by_native] == [("day", 2), ("night", 2)]
    text = render_markdown(table)
    assert "## Day (2 pairs)" in text
    assert "## Night (2 pairs)" in text
    for column, value in table.rows[0].values.items():
        parts = [next(r for r in p.rows if r.method == table.rows[0].method) for p in table.by_native]
        assert value.mean == pytest.approx(sum(part.values[column].mean for part in parts) / 2)


def test_records_name_the_real_condition(tmp_path):
    (table,) = evaluated(tmp_path, "haze").tables
    assert {record["native"] for record in records(table)} == {"all", "day", "night"}


def test_one_kind_of_image_is_not_split(tmp_path):
    (table,) = evaluated(tmp_path, "haze", options={"light": "day"}).tables
    assert table.by_native == ()


def test_a_dataset_all_at_night_is_refused_for_low_light(tmp_path):
    with pytest.raises(InputError, match="--native all"):
        evaluated(tmp_path, "low_light", options={"light": "night"})


def test_clean_and_low_light_share_a_run(tmp_path):
    clean, dark = evaluated(tmp_path, ["clean", "low_light"]).tables
    assert (clean.images, dark.images) == (4, 2)
    again = evaluated(tmp_path, ["clean", "low_light"])
    assert again.report.computed == 0


def test_a_changed_list_of_conditions_splits_what_is_in_the_store(tmp_path):
    for name in ("a", "b", "c"):
        image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
        write_png(tmp_path / "vi" / f"{name}.png", image)
        write_png(tmp_path / "ir" / f"{name}.png", image[..., 0])
    folders = {"visible": str(tmp_path / "vi"), "infrared": str(tmp_path / "ir")}
    listed = {**folders, "native": str(tmp_path / "native.txt")}

    def table(options):
        evaluation = fusionbench.evaluate(
            "folder",
            dataset_options=options,
            degradation="haze",
            methods=["average"],
            metrics=["sd"],
            results=tmp_path / "results",
        )
        return evaluation.report.computed, [
            (part.native, part.images) for part in evaluation.tables[0].by_native
        ]

    assert table(folders) == (3, [])
    (tmp_path / "native.txt").write_text("a day\nb day\nc night\n")
    assert table(listed) == (0, [("day", 2), ("night", 1)])
    (tmp_path / "native.txt").write_text("a day\nb night\nc night\n")
    assert table(listed) == (0, [("day", 1), ("night", 2)])


def test_images_that_were_degraded_before_are_never_called_clean(tmp_path):
    scenes = open_dataset("scenes", options={"count": "2", "size": "96x72"})
    list(degrade_dataset(scenes, parse_condition("haze@3"), 0, tmp_path / "hazy"))
    folders = {name: tmp_path / "hazy" / name for name in ("visible", "infrared")}
    chosen = {"methods": ["average"], "metrics": ["sd"], "results": tmp_path / "results", **folders}
    (table,) = fusionbench.evaluate("folder", **chosen).tables
    assert "already haze@3" in table.title
    assert "already_haze@3" in table.file_name
    with pytest.raises(InputError, match=r"degraded already \(haze@3\); leave --degradation out"):
        fusionbench.evaluate("folder", degradation="noise@1", **chosen)
