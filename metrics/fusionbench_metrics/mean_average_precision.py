"""mAP: how well a detector finds the objects in fused images, as the COCO evaluator scores it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from fusionbench.contracts import (
    Box,
    DatasetCard,
    Detections,
    Detector,
    Labels,
    MetricCard,
    Record,
    Uint8Image,
)
from fusionbench.errors import InputError
from fusionbench_metrics.average_precision import AveragePrecision, ImageObjects

PIXEL_DECIMALS = 2
"""Decimals of a found box's edges that are kept."""

SCORE_DECIMALS = 6


class MeanAveragePrecision:
    """Detect on the fused image and compare with the boxes of the dataset.

    Classes are matched by name, never by place. A class of the dataset that the detector does not know is
    left out, and the figure called by the classes that are in it, `mAP(5/6)`; what the detector finds of
    other classes is dropped before scoring, and so is no error.

    Args:
        detector: What finds objects.
    """

    card: ClassVar[MetricCard] = MetricCard(
        name="map",
        title="Mean average precision of detections",
        label="mAP",
        direction="higher",
        compares="labels",
        value_range=(0.0, 1.0),
        minimum_size=1,
        summary=(
            "mean over classes, overlaps .50 to .95 and 101 recalls of the precision of a detector's boxes, "
            "at most 100 a class and image"
        ),
        reference="T.-Y. Lin et al., Microsoft COCO, ECCV 2014; faster-coco-eval",
        version="1",
        flat="as for any image: what the detector makes of it",
        needs="a detector and its weights: --weights yolo=FILE",
    )
    columns: ClassVar[Mapping[str, str]] = {"map": "mAP", "map50": "mAP50"}
    uses: ClassVar[str] = "detector"

    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    def display(self, dataset: DatasetCard) -> Mapping[str, Any]:
        """Labels of the columns, how many classes they should cover, and what a reader has to know.

        Raises:
            InputError: If the dataset has no boxes, or the detector knows none of its classes.
        """
        known = self._known(dataset)
        covered, every = tuple(known), dataset.box_classes
        missing = ", ".join(name for name in every if name not in covered)
        notes = [f"The detector does not know {missing}: left out of mAP."] if missing else []
        return {
            "columns": dict(self.columns),
            "class_figures": "map/",
            "every": len(every),
            "classes": list(covered),
            "missing": [name for name in every if name not in covered],
            "notes": notes,
        }

    def observe(self, fused: Uint8Image, labels: Labels, dataset: DatasetCard) -> Record:
        """Boxes that are there and boxes that were found.

        Args:
            fused: RGB `(H, W, 3)`.
            labels: With boxes; none at all means that nothing is there.
            dataset: For the names of classes.

        Raises:
            InputError: If the image has no labels, or a box lies outside of it.
        """
        if labels.boxes is None:
            raise InputError("has no boxes to compare with; add its annotation, or leave the image out")
        known = self._known(dataset)
        height, width = fused.shape[:2]
        truth = [_inside(box, width, height) for box in labels.boxes if box.label in known]
        (detections,) = self._detector.detect([fused])
        return {"classes": list(known), "truth": truth, "found": _named(detections, known)}

    @classmethod
    def summarise(cls, records: Sequence[Record]) -> AveragePrecision:
        """Make the records of a set ready for their figures."""
        classes = dict.fromkeys(name for record in records for name in record["classes"])
        images = [ImageObjects(record["truth"], record["found"]) for record in records]
        return AveragePrecision(images, tuple(classes))

    def _known(self, dataset: DatasetCard) -> dict[str, int]:
        """Classes of the dataset with their places among the detector's."""
        if not dataset.box_classes:
            raise InputError(f"metric map: dataset {dataset.name} has no boxes; leave the metric out")
        places = {name.casefold(): place for place, name in reversed(list(enumerate(self._detector.classes)))}
        found = {}
        for name in dataset.box_classes:
            spellings = (name.casefold(), dataset.box_synonyms.get(name, name).casefold())
            place = next((places[each] for each in spellings if each in places), None)
            if place is not None:
                found[name] = place
        if not found:
            raise InputError(
                f"metric map: the detector {self._detector.card.name} knows none of the classes of "
                f"{dataset.name} ({', '.join(dataset.box_classes)}); give it other weights"
            )
        return found


def _inside(box: Box, width: int, height: int) -> list[Any]:
    x_min, x_max = max(0.0, box.x_min), min(float(width), box.x_max)
    y_min, y_max = max(0.0, box.y_min), min(float(height), box.y_max)
    if x_max <= x_min or y_max <= y_min:
        raise InputError(
            f"a {box.label} box ({box.x_min:g}, {box.y_min:g}, {box.x_max:g}, {box.y_max:g}) covers nothing "
            f"of the {width}x{height} image; its annotation is damaged or another image's"
        )
    return [box.label, x_min, y_min, x_max, y_max]


def _named(detections: Detections, known: Mapping[str, int]) -> list[list[Any]]:
    names = {place: name for name, place in known.items()}
    boxes = np.round(detections.boxes, PIXEL_DECIMALS)
    scores = np.round(detections.scores, SCORE_DECIMALS)
    return [
        [names[int(place)], float(score), *map(float, box)]
        for place, score, box in zip(detections.classes, scores, boxes, strict=True)
        if int(place) in names
    ]
