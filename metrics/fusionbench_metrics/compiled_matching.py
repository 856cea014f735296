"""The inner loops of average precision, compiled: matching one image, and one drawn set of a class.

Imported where it is used, because importing the compiler takes half a second.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusionbench.compilation import compiled

RECALLS = 101
"""Recalls precision is read at: 0 to 1 in steps of .01."""

_RECALL_THRESHOLDS = np.linspace(0.0, 1.0, RECALLS)


@compiled("boolean[:, ::1](float64[:, ::1], float64[:, ::1], float64[::1])")
def match(
    found: NDArray[np.float64], truth: NDArray[np.float64], thresholds: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Which detections of one class in one image are correct.

    Args:
        found: `(N, 4)` x, y, width, height, the highest score first.
        truth: `(M, 4)`.
        thresholds: `(T,)` least overlaps.

    Returns:
        `(T, N)`.
    """
    correct = np.zeros((thresholds.size, found.shape[0]), dtype=np.bool_)
    overlaps = np.zeros((found.shape[0], truth.shape[0]))
    for row in range(found.shape[0]):
        for column in range(truth.shape[0]):
            right = min(found[row, 0] + found[row, 2], truth[column, 0] + truth[column, 2])
            bottom = min(found[row, 1] + found[row, 3], truth[column, 1] + truth[column, 3])
            width = right - max(found[row, 0], truth[column, 0])
            height = bottom - max(found[row, 1], truth[column, 1])
            if width > 0 and height > 0:
                common = width * height
                areas = found[row, 2] * found[row, 3] + truth[column, 2] * truth[column, 3]
                overlaps[row, column] = common / (areas - common)
    for place in range(thresholds.size):
        taken = np.zeros(truth.shape[0], dtype=np.bool_)
        for row in range(found.shape[0]):
            # The evaluator takes an overlap of one as short of one by rounding.
            best, chosen = min(thresholds[place], 1 - 1e-10), -1
            for column in range(truth.shape[0]):
                if not taken[column] and overlaps[row, column] >= best:
                    best, chosen = overlaps[row, column], column
            if chosen >= 0:
                taken[chosen] = True
                correct[place, row] = True
    return correct


@compiled("float64[::1](boolean[:, ::1], int64[::1], int64[::1], int64)")
def weighted_average_precision(
    correct: NDArray[np.bool_], candidates: NDArray[np.int64], weights: NDArray[np.int64], objects: int
) -> NDArray[np.float64]:
    """Average precision of one class where each detection stands as often as its image was drawn.

    Recall rises, and precision is highest, at correct detections alone: only these are looked at.

    Args:
        correct: `(T, K)`, the highest score first: whether each candidate is correct at each threshold.
        candidates: `(K,)` places of the candidates among all N detections.
        weights: `(N,)`.
        objects: Of the class in the drawn set, above 0.

    Returns:
        `(T,)`.
    """
    given = np.cumsum(weights)
    count = candidates.size
    means = np.zeros(correct.shape[0])
    recall, precision = np.zeros(count), np.zeros(count)
    for place in range(correct.shape[0]):
        hits, kept = 0, 0
        for row in range(count):
            often = weights[candidates[row]]
            if correct[place, row] and often:
                hits += often
                recall[kept] = hits / objects
                precision[kept] = hits / given[candidates[row]]
                kept += 1
        for row in range(kept - 2, -1, -1):
            precision[row] = max(precision[row], precision[row + 1])
        row, total = 0, 0.0
        for step in range(RECALLS):
            while row < kept and recall[row] < _RECALL_THRESHOLDS[step]:
                row += 1
            if row == kept:
                break
            total += precision[row]
        means[place] = total / RECALLS
    return means
