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


@compiled("int64(float64[::1], boolean[::1], boolean[::1], boolean, float64)")
def _best(
    overlaps: NDArray[np.float64],
    taken: NDArray[np.bool_],
    wanted: NDArray[np.bool_],
    of: bool,
    least: float,
) -> int:
    """The untaken object, of those wanted or not, that overlaps most, the last of equals; -1 for none."""
    best, chosen = least, -1
    for column in range(overlaps.size):
        if wanted[column] == of and not taken[column] and overlaps[column] >= best:
            best, chosen = overlaps[column], column
    return chosen


@compiled(
    "Tuple((boolean[:, :, ::1], boolean[:, :, ::1]))"
    "(float64[:, ::1], float64[:, ::1], float64[::1], float64[:, ::1])"
)
def match(
    found: NDArray[np.float64],
    truth: NDArray[np.float64],
    thresholds: NDArray[np.float64],
    sizes: NDArray[np.float64],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which detections of one class in one image are correct, and which count, by size of object.

    An object of another size is there to be found and nothing more: what is matched with it does not count,
    and it is matched with what fits no object of the size. What is matched with none counts by its own size.

    Args:
        found: `(N, 4)` x, y, width, height, the highest score first.
        truth: `(M, 4)`.
        thresholds: `(T,)` least overlaps.
        sizes: `(S, 2)` smallest and largest area of each size, in square pixels.

    Returns:
        Correct and counted, `(S, T, N)` each.
    """
    shape = (sizes.shape[0], thresholds.size, found.shape[0])
    correct, counted = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
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
    for size in range(sizes.shape[0]):
        low, high = sizes[size, 0], sizes[size, 1]
        wanted = np.zeros(truth.shape[0], dtype=np.bool_)
        for column in range(truth.shape[0]):
            wanted[column] = low <= truth[column, 2] * truth[column, 3] <= high
        for place in range(thresholds.size):
            taken = np.zeros(truth.shape[0], dtype=np.bool_)
            for row in range(found.shape[0]):
                # The evaluator takes an overlap of one as short of one by rounding.
                least = min(thresholds[place], 1 - 1e-10)
                chosen = _best(overlaps[row], taken, wanted, True, least)
                if chosen < 0:
                    chosen = _best(overlaps[row], taken, wanted, False, least)
                if chosen < 0:
                    counted[size, place, row] = low <= found[row, 2] * found[row, 3] <= high
                    continue
                taken[chosen] = True
                correct[size, place, row] = counted[size, place, row] = wanted[chosen]
    return correct, counted


@compiled("float64[::1](boolean[:, ::1], boolean[:, ::1], int64[::1], boolean[::1], int64[::1], int64)")
def weighted_average_precision(
    correct: NDArray[np.bool_],
    counted: NDArray[np.bool_],
    candidates: NDArray[np.int64],
    counting: NDArray[np.bool_],
    weights: NDArray[np.int64],
    objects: int,
) -> NDArray[np.float64]:
    """Average precision of one class where each detection stands as often as its image was drawn.

    Recall rises, and precision is highest, at correct detections alone: only these are looked at.

    Args:
        correct: `(T, K)`, the highest score first: whether each candidate is correct at each threshold.
        counted: `(T, K)`: whether each candidate counts at each threshold.
        candidates: `(K,)` places among all N detections of those that are correct at some threshold, or
            count otherwise than `counting` says.
        counting: `(N,)`: whether each detection counts where it is no candidate.
        weights: `(N,)`.
        objects: Of the class in the drawn set, above 0.

    Returns:
        `(T,)`.
    """
    given = np.cumsum(weights * counting)
    count = candidates.size
    means = np.zeros(correct.shape[0])
    recall, precision = np.zeros(count), np.zeros(count)
    for place in range(correct.shape[0]):
        hits, kept, further = 0, 0, 0
        for row in range(count):
            often = weights[candidates[row]]
            further += often * (int(counted[place, row]) - int(counting[candidates[row]]))
            if correct[place, row] and often:
                hits += often
                recall[kept] = hits / objects
                precision[kept] = hits / (given[candidates[row]] + further)
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
