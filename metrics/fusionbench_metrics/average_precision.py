"""Average precision of detections as the COCO evaluator defines it, for a set of images and sets drawn of it.

Definition (T.-Y. Lin et al., "Microsoft COCO", ECCV 2014; its evaluator's code): in each image and class the
100 best detections, the highest score first, each take the unmatched object they overlap most, if by a
threshold (.50 to .95 in steps of .05) or more. Precision, made monotonic from the right, is read at 101
recalls, and the mean is over recalls, thresholds and classes that have objects.

What is printed comes from faster-coco-eval. Intervals need thousands of drawn sets: for these, detections are
matched once here, and a set is the same detections with other weights. Tests show both to be equal to 1e-9.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusionbench_metrics.compiled_matching import match, weighted_average_precision

THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""Overlaps (intersection over union) from which a detection counts as correct."""

DETECTIONS_AN_IMAGE = 100
"""Most detections of one class in one image that count."""

AREAS: Mapping[str, tuple[float, float]] = {
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e10),
}
"""Sizes of objects in square pixels, by the evaluator's names."""


@dataclass(frozen=True, eq=False)
class ImageObjects:
    """What is in an image and what was found there."""

    truth: Sequence[tuple[str, float, float, float, float]]
    """Class, x_min, y_min, x_max, y_max in pixels."""
    found: Sequence[tuple[str, float, float, float, float, float]]
    """Class, score, x_min, y_min, x_max, y_max in pixels."""


@dataclass(frozen=True, eq=False)
class _Matched:
    """The detections of one class over all images, the highest score first."""

    images: NDArray[np.int64]
    """`(N,)`: image each belongs to."""
    candidates: NDArray[np.int64]
    """`(K,)`: places of those that are correct at the lowest threshold; no other ever is."""
    correct: NDArray[np.bool_]
    """`(thresholds, K)`."""
    objects: NDArray[np.int64]
    """`(images,)`: objects of the class in each image."""


class AveragePrecision:
    """Detections of a set of images, ready for its figures.

    Args:
        images: In the order that `counts` is in.
        classes: To be scored; whatever else was found or is there does not count.
    """

    def __init__(self, images: Sequence[ImageObjects], classes: Sequence[str]) -> None:
        self._images = images
        self._classes = tuple(classes)

    def scores(self, counts: NDArray[np.int64] | None = None) -> dict[str, float]:
        """Figures of the set, or of one drawn from it.

        Args:
            counts: `(images,)`, how often each is in the set; None for once each.

        Returns:
            `map` (mean over thresholds), `map50`, `map75`, `map/CLASS` and `map50/CLASS` in [0, 1], NaN
            where there is no object; for the whole set also `map_small`, `map_medium`, `map_large`.
        """
        if counts is None:
            return self._by_evaluator()
        return self._drawn(counts)

    def _drawn(self, counts: NDArray[np.int64]) -> dict[str, float]:
        weights = np.ascontiguousarray(counts, dtype=np.int64)
        table = np.full((len(self._classes), len(THRESHOLDS)), np.nan)
        for place, matched in enumerate(self._matched):
            objects = int((weights * matched.objects).sum())
            if objects:
                table[place] = weighted_average_precision(
                    matched.correct, matched.candidates, weights[matched.images], objects
                )
        return _figures(self._classes, table)

    @cached_property
    def _matched(self) -> list[_Matched]:
        return [_match_class(self._images, name) for name in self._classes]

    def _by_evaluator(self) -> dict[str, float]:
        from faster_coco_eval import COCO, COCOeval_faster

        objects = [
            {
                "id": 1 + number,
                "image_id": image,
                "category_id": self._classes.index(name),
                "iscrowd": 0,
                **_box(corners),
            }
            for number, (image, name, corners) in enumerate(self._truth())
        ]
        whole = COCO(
            {
                "images": [{"id": image} for image in range(len(self._images))],
                "categories": [{"id": place, "name": name} for place, name in enumerate(self._classes)],
                "annotations": objects,
            }
        )
        found = whole.loadRes(
            [
                {
                    "image_id": image,
                    "category_id": self._classes.index(name),
                    "score": score,
                    "bbox": _box(corners)["bbox"],
                }
                for image, name, score, corners in self._found()
            ]
        )
        evaluation = COCOeval_faster(whole, found, iouType="bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        # (thresholds, recalls, classes, areas, most detections): all areas and 100 detections.
        precision = evaluation.eval["precision"][..., -1]
        precision = np.where(precision < 0, np.nan, precision)
        by_area = {f"map_{name}": _mean(precision[:, :, :, 1 + place]) for place, name in enumerate(AREAS)}
        return {**_figures(self._classes, _mean_over_recalls(precision[..., 0])), **by_area}

    def _truth(self) -> list[tuple[int, str, tuple[float, ...]]]:
        return [
            (image, name, tuple(corners))
            for image, each in enumerate(self._images)
            for name, *corners in each.truth
            if name in self._classes
        ]

    def _found(self) -> list[tuple[int, str, float, tuple[float, ...]]]:
        return [
            (image, name, score, tuple(corners))
            for image, each in enumerate(self._images)
            for name, score, *corners in each.found
            if name in self._classes
        ]


def _figures(classes: Sequence[str], table: NDArray[np.float64]) -> dict[str, float]:
    """Names for a table `(classes, thresholds)` of average precisions."""
    at = {f"{threshold:.2f}": place for place, threshold in enumerate(THRESHOLDS)}
    figures = {
        "map": _mean(table),
        "map50": _mean(table[:, at["0.50"]]),
        "map75": _mean(table[:, at["0.75"]]),
    }
    for name, row in zip(classes, table, strict=True):
        figures[f"map/{name}"] = _mean(row)
        figures[f"map50/{name}"] = float(row[at["0.50"]])
    return figures


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def _mean_over_recalls(precision: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(classes, thresholds)` of `(thresholds, recalls, classes)`; a class has all values or none."""
    means: NDArray[np.float64] = precision.mean(axis=1).T
    return means


def _box(corners: Sequence[float]) -> dict[str, Any]:
    x_min, y_min, x_max, y_max = corners
    width, height = x_max - x_min, y_max - y_min
    return {"bbox": [x_min, y_min, width, height], "area": width * height}


def _match_class(images: Sequence[ImageObjects], name: str) -> _Matched:
    scores, places, correct = [], [], []
    objects = np.zeros(len(images), dtype=np.int64)
    for image, each in enumerate(images):
        truth = np.array([corners for label, *corners in each.truth if label == name], dtype=np.float64)
        rows = np.array([values for label, *values in each.found if label == name], dtype=np.float64)
        objects[image] = len(truth)
        if not len(rows):
            continue
        best = np.argsort(-rows[:, 0], kind="stable")[:DETECTIONS_AN_IMAGE]
        scores.append(rows[best, 0])
        places.append(np.full(len(best), image, dtype=np.int64))
        correct.append(match(_as_sizes(rows[best, 1:]), _as_sizes(truth.reshape(-1, 4)), THRESHOLDS))
    if not scores:
        none = np.zeros(0, dtype=np.int64)
        return _Matched(none, none, np.zeros((len(THRESHOLDS), 0), dtype=np.bool_), objects)
    order = np.argsort(-np.concatenate(scores), kind="stable")
    hits = np.concatenate(correct, axis=1)[:, order]
    candidates = np.flatnonzero(hits.any(axis=0)).astype(np.int64)
    return _Matched(
        np.concatenate(places)[order], candidates, np.ascontiguousarray(hits[:, candidates]), objects
    )


def _as_sizes(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(N, 4)` corners as x, y, width, height: overlaps then round as the evaluator's do."""
    return np.column_stack([corners[:, :2], corners[:, 2:] - corners[:, :2]])
