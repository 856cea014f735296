"""The metric `map`: which boxes it keeps of an image, under which names."""

from __future__ import annotations

import numpy as np
import pytest

from fusionbench.contracts import Box, Detections, DetectorCard, Labels
from fusionbench.datasets.m3fd import M3FD
from fusionbench.datasets.roadscene import RoadScene
from fusionbench.errors import InputError
from fusionbench_metrics.mean_average_precision import MeanAveragePrecision

IMAGE = np.zeros((60, 80, 3), np.uint8)


class Finder:
    """A detector that finds one car and one cat, wherever it looks."""

    card = DetectorCard(name="finder", title="Finder", licence="none", settings="none")
    classes = ("person", "car", "cat", "bus", "motorcycle", "truck")

    def detect(self, images):
        boxes = np.array([[1.0, 2.0, 30.123456, 40.0], [0.0, 0.0, 5.0, 5.0]])
        return [Detections(boxes, np.array([0.75, 0.5]), np.array([1, 2])) for _ in images]


@pytest.fixture
def metric() -> MeanAveragePrecision:
    return MeanAveragePrecision(Finder())


def test_classes_are_matched_by_name_and_synonym(metric) -> None:
    shown = metric.display(M3FD.card)
    assert shown["classes"] == ["People", "Car", "Bus", "Motorcycle", "Truck"]
    assert shown["missing"] == ["Lamp"]


def test_what_is_found_of_other_classes_is_dropped(metric) -> None:
    record = metric.observe(IMAGE, Labels(boxes=()), M3FD.card)
    assert record["found"] == [["Car", 0.75, 1.0, 2.0, 30.12, 40.0]]


def test_objects_the_detector_does_not_know_do_not_count(metric) -> None:
    boxes = (Box("Lamp", 1, 1, 9, 9), Box("People", 1, 1, 9, 9))
    assert metric.observe(IMAGE, Labels(boxes=boxes), M3FD.card)["truth"] == [["People", 1, 1, 9, 9]]


def test_boxes_are_cut_off_at_the_image(metric) -> None:
    boxes = (Box("Car", -4.0, 50.0, 85.0, 61.0),)
    assert metric.observe(IMAGE, Labels(boxes=boxes), M3FD.card)["truth"] == [["Car", 0.0, 50.0, 80.0, 60.0]]


@pytest.mark.parametrize("corners", [(81, 0, 90, 10), (5, 5, 5, 10), (9, 5, 4, 10)])
def test_a_box_that_covers_nothing_is_an_error(metric, corners) -> None:
    with pytest.raises(InputError, match=r"a Car box .* covers nothing of the 80x60 image"):
        metric.observe(IMAGE, Labels(boxes=(Box("Car", *corners),)), M3FD.card)


def test_an_image_without_annotation_is_an_error_and_one_without_objects_is_none(metric) -> None:
    with pytest.raises(InputError, match="has no boxes to compare with"):
        metric.observe(IMAGE, Labels(), M3FD.card)
    assert metric.observe(IMAGE, Labels(boxes=()), M3FD.card)["truth"] == []


def test_a_dataset_without_boxes_is_refused(metric) -> None:
    with pytest.raises(InputError, match="dataset roadscene has no boxes; leave the metric out"):
        metric.display(RoadScene.card)


def test_a_detector_of_other_things_is_refused() -> None:
    finder = Finder()
    finder.classes = ("cat",)
    with pytest.raises(InputError, match="knows none of the classes of m3fd"):
        MeanAveragePrecision(finder).display(M3FD.card)


def test_records_of_a_set_give_its_figures(metric) -> None:
    there = Labels(boxes=(Box("Car", 1.0, 2.0, 30.0, 40.0),))
    records = [metric.observe(IMAGE, labels, M3FD.card) for labels in (there, Labels(boxes=()))]
    # One car found twice, once where there is none, with one score: precision one half at the second.
    assert MeanAveragePrecision.summarise(records[:1]).scores()["map"] == 1.0
    assert MeanAveragePrecision.summarise(records[::-1]).scores()["map"] == pytest.approx(0.5)
