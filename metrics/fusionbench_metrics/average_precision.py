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

ALL_AREAS = (0.0, 1e10)

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
class _Sized:
    """The detections of one class as they are judged by its objects of one size."""

    counting: NDArray[np.bool_]
    """`(N,)`: whether each counts where it is no candidate."""
    candidates: NDArray[np.int64]
    """`(K,)`: places of those that are correct at some threshold, or count at some and not at others."""
    correct: NDArray[np.bool_]
    """`(thresholds, K)`."""
    counted: NDArray[np.bool_]
    """`(thresholds, K)`."""
    objects: NDArray[np.int64]
    """`(images,)`: objects of the class and size in each image."""

    def precision(self, images: NDArray[np.int64], weights: NDArray[np.int64]) -> NDArray[np.float64] | None:
        """Average precision at each threshold; None where the drawn set has no such object."""
        objects = int((weights * self.objects).sum())
        if not objects:
            return None
        return weighted_average_precision(
            self.correct, self.counted, self.candidates, self.counting, weights[images], objects
        )


@dataclass(frozen=True, eq=False)
class _Matched:
    """The detections of one class over all images, the highest score first."""

    images: NDArray[np.int64]
    """`(N,)`: image each belongs to."""
    sizes: Mapping[str, _Sized]
    """By size, `all` first."""


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
            `map` (mean over thresholds), `map50`, `map75`, `map_small`, `map_medium`, `map_large`,
            `map/CLASS` and `map50/CLASS` in [0, 1], NaN where there is no object. Of a drawn set that by size
            is NaN also where a class lacks objects of the size that it has in the whole set: it would be a
            mean over other classes.
        """
        if counts is None:
            return self._by_evaluator()
        return self._drawn(counts)

    def _drawn(self, counts: NDArray[np.int64]) -> dict[str, float]:
        weights = np.ascontiguousarray(counts, dtype=np.int64)
        whole = _figures(self._classes, self._table("all", weights))
        by_size = {f"map_{size}": self._of_size(size, weights) for size in AREAS}
        return {**whole, **by_size}

    def _table(self, size: str, weights: NDArray[np.int64]) -> NDArray[np.float64]:
        """Average precisions `(classes, thresholds)`, NaN for a class without an object of the size."""
        table = np.full((len(self._classes), len(THRESHOLDS)), np.nan)
        for place, matched in enumerate(self._matched):
            precision = matched.sizes[size].precision(matched.images, weights)
            if precision is not None:
                table[place] = precision
        return table

    def _of_size(self, size: str, weights: NDArray[np.int64]) -> float:
        table = self._table(size, weights)
        there = [matched.sizes[size].objects.any() for matched in self._matched]
        return float("nan") if np.isnan(table[there]).any() else _mean(table)

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
    scores, places, correct, counted = [], [], [], []
    sizes = {"all": ALL_AREAS, **AREAS}
    limits = np.array(list(sizes.values()))
    objects = np.zeros((len(sizes), len(images)), dtype=np.int64)
    for image, each in enumerate(images):
        truth = np.array([corners for label, *corners in each.truth if label == name], dtype=np.float64)
        truth = _as_sizes(truth.reshape(-1, 4))
        rows = np.array([values for label, *values in each.found if label == name], dtype=np.float64)
        areas = truth[:, 2] * truth[:, 3]
        objects[:, image] = ((limits[:, :1] <= areas) & (areas <= limits[:, 1:])).sum(axis=1)
        if not len(rows):
            continue
        best = np.argsort(-rows[:, 0], kind="stable")[:DETECTIONS_AN_IMAGE]
        scores.append(rows[best, 0])
        places.append(np.full(len(best), image, dtype=np.int64))
        judged = match(_as_sizes(rows[best, 1:]), truth, THRESHOLDS, limits)
        correct.append(judged[0])
        counted.append(judged[1])
    if not scores:
        nothing = np.zeros((len(sizes), len(THRESHOLDS), 0), dtype=np.bool_)
        correct, counted, scores = [nothing], [nothing], [np.zeros(0)]
        places = [np.zeros(0, dtype=np.int64)]
    order = np.argsort(-np.concatenate(scores), kind="stable")
    hits, counts = (np.concatenate(each, axis=2)[:, :, order] for each in (correct, counted))
    return _Matched(
        np.concatenate(places)[order],
        {size: _sized(hits[place], counts[place], objects[place]) for place, size in enumerate(sizes)},
    )


def _sized(correct: NDArray[np.bool_], counted: NDArray[np.bool_], objects: NDArray[np.int64]) -> _Sized:
    """From `(thresholds, N)`, what only some thresholds say apart from what all do."""
    # At the highest threshold the fewest are matched: what counts there counts by its own size, mostly.
    counting = np.ascontiguousarray(counted[-1])
    candidates = np.flatnonzero(correct.any(axis=0) | (counted != counting).any(axis=0)).astype(np.int64)
    return _Sized(
        counting,
        candidates,
        np.ascontiguousarray(correct[:, candidates]),
        np.ascontiguousarray(counted[:, candidates]),
        objects,
    )


def _as_sizes(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(N, 4)` corners as x, y, width, height: overlaps then round as the evaluator's do."""
    return np.column_stack([corners[:, :2], corners[:, 2:] - corners[:, :2]])
