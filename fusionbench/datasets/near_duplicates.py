"""Finds images of one sequence by difference hashes, so that a split can keep them together.

A random split of video frames puts near copies on both sides, and a detector is then tested on what it has
seen. Two samples belong together if either modality looks alike: the other may be dark or featureless.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from fusionbench.contracts import Uint8Image
from fusionbench.errors import InputError

WINDOW = 10
"""Positions within which two images may be frames of one sequence."""
NEAR = 10
"""Most of the 64 bits that differ between two frames of a sequence."""
ANYWHERE = 4
"""Most bits that differ between two images that belong together wherever they stand."""

BITS = 64

_SIDE = 8
_BLOCK = 1 << 20
"""Pairs compared at a time: some tens of MB."""

_NUMBERED = re.compile(r"(.*?)([0-9]+)", re.DOTALL)


def difference_hash(grey: Uint8Image) -> int:
    """Difference hash of an image: bit by bit, whether brightness rises from one cell to its right neighbour.

    The image is averaged to 8 rows of 9 cells (Krawetz, "Kind of Like That", 2013). One without structure
    hashes to 0.

    Args:
        grey: `(H, W)`.

    Returns:
        64 bits, the first row's first comparison the highest.

    Raises:
        InputError: If the image is not 8-bit grey or has no pixel.
    """
    if grey.ndim != 2 or grey.dtype != np.uint8 or grey.size == 0:
        raise InputError(
            f"difference_hash: expected a grey uint8 image (H, W), got {grey.dtype} {grey.shape}"
        )
    cells = Image.fromarray(grey).resize((_SIDE + 1, _SIDE), Image.Resampling.BOX)
    levels = np.asarray(cells)
    return int.from_bytes(np.packbits(levels[:, 1:] > levels[:, :-1]).tobytes(), "big")


def distances(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Hamming distances between hashes, `(len(left), len(right))`, 0 to 64."""
    # Sums of bits side by side (Warren, Hacker's Delight, 5-1): numpy.bitwise_count came with numpy 2.
    bits = left[:, None] ^ right[None, :]
    bits -= (bits >> np.uint64(1)) & np.uint64(0x5555555555555555)
    bits = (bits & np.uint64(0x3333333333333333)) + ((bits >> np.uint64(2)) & np.uint64(0x3333333333333333))
    bits = (bits + (bits >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    bits *= np.uint64(0x0101010101010101)
    counts: NDArray[np.uint8] = (bits >> np.uint64(56)).astype(np.uint8)
    return counts


def differences(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Distances where two images without structure (a night too dark to see) are as far apart as can be.

    They would otherwise all be copies of one another.
    """
    bits = distances(left, right)
    bits[(left[:, None] == 0) & (right[None, :] == 0)] = BITS
    return bits


def together(
    bits: NDArray[np.uint8], apart: NDArray[np.int64], *, window: int, near: int, anywhere: int
) -> NDArray[np.bool_]:
    """Which pairs of images look like frames of one sequence, or copies; see `groups_of`.

    Args:
        bits: Hamming distances of their hashes.
        apart: Positions between them, same shape.
        window: Positions within which `near` counts.
        near: Bits.
        anywhere: Bits.
    """
    return (bits <= anywhere) | ((bits <= near) & (apart <= window))


def positions_of(ids: Sequence[str]) -> NDArray[np.int64]:
    """Where each sample stands among the others.

    Returns:
        The number each id ends in, if all ids are one text (or none) and a number; else its rank in natural
        order (`a2` before `a10`).
    """
    matches = [_NUMBERED.fullmatch(name) for name in ids]
    found = [match.groups() for match in matches if match is not None]
    if (
        len(found) == len(ids)
        and len({text for text, _ in found}) <= 1
        and all(len(n) < 19 for _, n in found)
    ):
        return np.array([int(number) for _, number in found], dtype=np.int64)
    rank = {name: place for place, name in enumerate(sorted(set(ids), key=_natural))}
    return np.array([rank[name] for name in ids], dtype=np.int64)


def groups_of(
    ids: Sequence[str],
    visible: Sequence[int],
    infrared: Sequence[int],
    *,
    window: int = WINDOW,
    near: int = NEAR,
    anywhere: int = ANYWHERE,
) -> list[int]:
    """Group samples that look alike, directly or through others.

    Two samples are joined if the hashes of either modality differ in at most `near` bits and the samples
    stand at most `window` positions apart, or in at most `anywhere` bits wherever they stand. A sample whose
    two neighbours (within the window) are of one group joins them.

    Args:
        ids: Ids of the samples, no two alike, in any order.
        visible: Hash of each visible image, in the order of the ids.
        infrared: Hash of each infrared image, in the order of the ids.
        window: 0 or more.
        near: Bits, 0 to 64.
        anywhere: Bits, 0 to 64.

    Returns:
        The group of each sample, numbered from 0 in the order of their first members.

    Raises:
        InputError: If the lengths differ, an id comes twice, or a threshold is out of its range.
    """
    require_thresholds(window, near, anywhere)
    if not len(ids) == len(visible) == len(infrared):
        raise InputError(
            f"groups_of: got {len(ids)} ids, {len(visible)} visible and {len(infrared)} infrared hashes; "
            "give one of each a sample"
        )
    if len(set(ids)) < len(ids):
        raise InputError("groups_of: an id comes twice; give each sample once")
    positions = positions_of(ids)
    hashes = [np.array(values, dtype=np.uint64) for values in (visible, infrared)]
    labels = np.arange(len(ids))
    for rows, columns in _alike(hashes, positions, window, near, anywhere):
        labels = _joined(labels, rows, columns)
    return _in_order(_closed(labels, positions, window))


def require_thresholds(window: int, near: int, anywhere: int) -> None:
    """Check the thresholds of `groups_of`.

    Raises:
        InputError: If one is out of its range.
    """
    if window < 0:
        raise InputError(f"window {window}: expected 0 or more positions")
    for name, bits in (("near", near), ("anywhere", anywhere)):
        if not 0 <= bits <= BITS:
            raise InputError(f"{name} {bits}: expected 0 to {BITS} bits")


def _natural(name: str) -> tuple[list[str | int], str]:
    """Sorts numbers within names as numbers."""
    parts = re.split(r"([0-9]+)", name)
    return [int(part) if place % 2 else part for place, part in enumerate(parts)], name


def _alike(
    hashes: Sequence[NDArray[np.uint64]], positions: NDArray[np.int64], window: int, near: int, anywhere: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Pairs of samples to join, block by block: the indices of both."""
    count = len(positions)
    step = max(1, _BLOCK // max(1, count))
    for start in range(0, count, step):
        stop = min(count, start + step)
        apart = np.abs(positions[start:stop, None] - positions[None, start:])
        alike = np.zeros(apart.shape, dtype=bool)
        for values in hashes:
            bits = differences(values[start:stop], values[start:])
            alike |= together(bits, apart, window=window, near=near, anywhere=anywhere)
        rows, columns = np.nonzero(alike)
        yield rows + start, columns + start


def _joined(
    labels: NDArray[np.int64], rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Labels after the groups of each pair of samples have become one."""
    count = len(labels)
    edges = coo_matrix((np.ones(len(rows)), (labels[rows], labels[columns])), shape=(count, count))
    _, merged = connected_components(edges, directed=False)
    joined: NDArray[np.int64] = merged[labels].astype(np.int64)
    return joined


def _closed(labels: NDArray[np.int64], positions: NDArray[np.int64], window: int) -> NDArray[np.int64]:
    """Labels after each sample between two of one group has joined them, and whatever follows from that."""
    order = np.argsort(positions, kind="stable")
    before, middle, after = order[:-2], order[1:-1], order[2:]
    close = (positions[middle] - positions[before] <= window) & (
        positions[after] - positions[middle] <= window
    )
    while True:
        enclosed = close & (labels[before] == labels[after]) & (labels[middle] != labels[before])
        if not enclosed.any():
            return labels
        labels = _joined(labels, before[enclosed], middle[enclosed])


def _in_order(labels: NDArray[np.int64]) -> list[int]:
    """Labels numbered from 0 in the order in which they first occur."""
    numbers: dict[int, int] = {}
    return [numbers.setdefault(label, len(numbers)) for label in labels.tolist()]
