"""Intersection over union from one confusion matrix of a set of images, and of sets drawn from it.

Every pixel of the set counts once, whichever image it is in. A mean of each image's intersection over union
is another number, to which an image with three pixels of a class gives as much as one that is full of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import Uint8Image

BACKGROUND = "unlabelled"
"""The class that is no object: pixels nobody gave another."""


def confusion_matrix(truth: Uint8Image, found: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Count the pixels of an image by what they are and what they were taken for.

    Args:
        truth: `(H, W)` ids; a pixel of an id beyond the classes (255) does not count.
        found: `(H, W)` ids; `classes` stands for everything that is none of them.
        classes: How many.

    Returns:
        `(classes, classes + 1)`: pixels of a class (row) that were taken for one (column).
    """
    counted = truth < classes
    pairs = truth[counted].astype(np.int64) * (classes + 1) + found[counted]
    counts = np.bincount(pairs, minlength=classes * (classes + 1))
    return counts.reshape(classes, classes + 1).astype(np.int64)


@dataclass(frozen=True, eq=False)
class IntersectionOverUnion:
    """Confusion matrices of a set of images, ready for its figures."""

    matrices: NDArray[np.int64]
    """`(images, classes, classes + 1)`, in the order that `counts` is in."""
    classes: Sequence[str]
    """Names of all rows."""
    scored: Sequence[str]
    """Those that have a figure; pixels of the others still count against what they were taken for."""

    def scores(self, counts: NDArray[np.int64] | None = None) -> dict[str, float]:
        """Figures of the set, or of one drawn from it.

        Args:
            counts: `(images,)`, how often each is in the set; None for once each.

        Returns:
            `miou` (mean over classes that are there), `miou_objects` (without the background) and `iou/CLASS`
            in [0, 1]; NaN where the set has no pixel of the class, and where it has of none.
        """
        ious = dict(zip(self.classes, class_ious(self._total(counts)).tolist(), strict=True))
        known = {name: ious[name] for name in self.classes if name in self.scored}
        return {
            "miou": _mean(known.values()),
            "miou_objects": _mean(value for name, value in known.items() if name != BACKGROUND),
            **{f"iou/{name}": value for name, value in known.items()},
        }

    def _total(self, counts: NDArray[np.int64] | None) -> NDArray[np.int64]:
        if counts is None:
            whole: NDArray[np.int64] = self.matrices.sum(axis=0)
            return whole
        drawn: NDArray[np.int64] = np.tensordot(np.asarray(counts, dtype=np.int64), self.matrices, axes=1)
        return drawn


def class_ious(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Intersection over union of each class, NaN for one without a pixel of its own.

    Args:
        confusion: `(classes, classes + 1)` as of `confusion_matrix`.
    """
    there = confusion.sum(axis=1)
    both = np.diagonal(confusion)
    either = there + confusion[:, :-1].sum(axis=0) - both
    return np.where(there > 0, both / np.maximum(either, 1), np.nan)


def _mean(values: Iterable[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else math.nan
