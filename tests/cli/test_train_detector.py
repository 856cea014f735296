"""SLOW, two minutes on one core: the smallest network is trained and used by the commands a person would use.

People of every size, by day and by night and in any weather: AP50 .57 and .60 with two seeds, cars .41 and
.42. After twice as long it is .70 and .54, and of lamps .48; of the others 160 images have too few.
"""

from __future__ import annotations

import pandas

SCENES = ("--dataset", "scenes", "--dataset-option", "size=320x240", "--method", "max", "--device", "cpu")

SETTINGS = {
    "optimizer": "AdamW",
    "lr0": 0.004,
    "nbs": 2,  # a step a batch: ultralytics would gather 64 images
    "warmup_epochs": 1,
    "mosaic": 0,
    "scale": 0,
    "translate": 0,
}


def test_a_detector_trained_on_fused_scenes_finds_people_in_others(command, tmp_path):
    settings = [part for name, value in SETTINGS.items() for part in ("--set", f"{name}={value}")]
    lengths = ("--epochs", "10", "--size", "320", "--batch", "2", "--seeds", "0")
    images = ("--dataset-option", "count=160")
    trained = command("train-detector", "yolo", *SCENES, *images, *lengths, *settings, "--out", "detectors")
    assert trained.returncode == 0, trained.stderr
    others = ("--split", "test", "--dataset-option", "count=60")
    judged = ("--metric", "map", "--weights", "yolo=detectors", "--out", "tables")
    measured = command("eval", *SCENES, *others, *judged)
    assert measured.returncode == 0, measured.stderr
    (path,) = tmp_path.glob("tables/*.csv")
    rows = pandas.read_csv(path)
    found = rows[rows["native"] == "all"].set_index("metric")["mean"]
    assert found["map50/People"] > 0.5
    assert found["map50/Car"] > 0.3
