"""SLOW, two minutes on one core: the smallest network is trained and used by the commands a person would use.

People of every size in infrared images, by day and by night and in any weather: AP50 .64, cars .44 (in images
fused by `max` .52 and .45; after twice as long there .70 and .54). Of the others 160 images have too few.
"""

from __future__ import annotations

import pandas

SCENES = ("--dataset", "scenes", "--dataset-option", "size=320x240")
METHOD = ("--method", "infrared", "--device", "cpu")

SETTINGS = {
    "optimizer": "AdamW",
    "lr0": 0.004,
    "nbs": 2,  # a step a batch: ultralytics would gather 64 images
    "warmup_epochs": 1,
    "mosaic": 0,
    "scale": 0,
    "translate": 0,
}


def test_a_detector_trained_on_scenes_finds_people_in_others(command, tmp_path):
    settings = [part for name, value in SETTINGS.items() for part in ("--set", f"{name}={value}")]
    lengths = ("--epochs", "10", "--size", "320", "--batch", "2", "--seeds", "0")
    images = ("--dataset-option", "count=160", "--out", "detectors")
    trained = command("train-detector", "yolo", *SCENES, *METHOD, *images, *lengths, *settings)
    assert trained.returncode == 0, trained.stderr
    others = ("--split", "test", "--dataset-option", "count=60")
    judged = ("--metric", "map", "--weights", "yolo=detectors", "--out", "tables")
    measured = command("eval", *SCENES, *METHOD, *others, *judged)
    assert measured.returncode == 0, measured.stderr
    (path,) = tmp_path.glob("tables/*.csv")
    rows = pandas.read_csv(path)
    found = rows[rows["native"] == "all"].set_index("metric")["mean"]
    assert found["map50/People"] > 0.5
    assert found["map50/Car"] > 0.3
