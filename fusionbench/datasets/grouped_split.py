"""Assigns whole groups of images to the parts of a split, so that every part has its share of everything."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fusionbench.errors import InputError

_PART_NAMES = {2: ("train", "test"), 3: ("train", "val", "test")}
_WHOLE = 100.0
_FEW_GROUPS = 5
"""Fewer groups than this in a part make a class's numbers there those of some scenes."""

_MOST_ROUNDS = 20
_DIGITS = 12
_LEAST_GAIN = 1e-11


@dataclass(frozen=True)
class Item:
    """One image to assign."""

    id: str
    group: int
    boxes: Mapping[str, int] | None
    """Boxes by class; None where the image has no annotation."""


@dataclass(frozen=True)
class PartCounts:
    """What a part holds."""

    images: int
    groups: int
    boxes: Mapping[str, int]
    """Class to boxes, for every class of the dataset's boxes."""
    groups_with: Mapping[str, int]
    """Class to groups with a box of it."""


def read_shares(text: str) -> dict[str, float]:
    """Read shares such as `70/10/20`: part to percent, for train, val and test, or train and test.

    Raises:
        InputError: If they are not two or three positive numbers that sum to 100.
    """
    example = "write two or three that sum to 100, such as 70/10/20 (train/val/test) or 80/20 (train/test)"
    try:
        shares = [float(share) for share in text.split("/")]
    except ValueError:
        raise InputError(f"--shares {text}: is not a row of numbers; {example}") from None
    if len(shares) not in _PART_NAMES or not all(share > 0 and math.isfinite(share) for share in shares):
        raise InputError(f"--shares {text}: {len(shares)} shares, or one that is not above 0; {example}")
    if not math.isclose(sum(shares), _WHOLE, abs_tol=1e-6):
        raise InputError(f"--shares {text}: sum to {sum(shares):g}; {example}")
    return dict(zip(_PART_NAMES[len(shares)], shares, strict=True))


def assigned(items: Sequence[Item], shares: Mapping[str, float], seed: int) -> dict[int, str]:
    """Give every group to a part: the largest first, each where most is missing, then moved while that helps.

    What counts is the squared distance of each part's portion from its share, of the boxes of each class and,
    with the weight of all classes, of the images. The outcome does not depend on the order of the items.

    Args:
        items: All images, at least one.
        shares: Part to percent, positive, sum 100.
        seed: Decides between groups of one size.

    Returns:
        Group to part.

    Raises:
        InputError: If there are fewer groups than parts.
    """
    groups = _groups_in_order(items, seed)
    if len(groups) < len(shares):
        raise InputError(
            f"{len(items)} images make only {len(groups)} groups that belong together, too few for "
            f"{len(shares)} parts; lower --near and --anywhere, or ask for fewer parts with --shares"
        )
    portions = np.array(list(groups.values()))
    balance = _Balance(portions, np.array(list(shares.values())) / _WHOLE)
    for group in range(len(groups)):
        balance.place(group)
    for _ in range(_MOST_ROUNDS):
        if not sum(balance.move(group) for group in range(len(groups))):
            break
    names = list(shares)
    return {group: names[part] for group, part in zip(groups, balance.parts, strict=True)}


def count_parts(
    items: Sequence[Item], part_of: Mapping[int, str], names: Sequence[str]
) -> dict[str, PartCounts]:
    """Count what each part holds."""
    classes = _classes(items)
    counts = {}
    for name in names:
        held = [item for item in items if part_of[item.group] == name]
        with_class = {(item.group, label) for item in held for label, n in (item.boxes or {}).items() if n}
        boxes = _boxes(held)
        counts[name] = PartCounts(
            images=len(held),
            groups=len({item.group for item in held}),
            boxes={label: boxes[label] for label in classes},
            groups_with={label: sum(found == label for _, found in with_class) for label in classes},
        )
    return counts


def remarks(
    items: Sequence[Item], shares: Mapping[str, float], counts: Mapping[str, PartCounts]
) -> Iterator[str]:
    """What a reader of numbers on this split should know, one line each."""
    yield from _label_remarks(items)
    sizes = Counter(item.group for item in items)
    group, size = max(sizes.items(), key=lambda entry: (entry[1], -entry[0]))
    percent = _WHOLE * size / len(items)
    too_small = [f"{name} ({share:g} %)" for name, share in shares.items() if percent > share]
    if too_small:
        members = [item.id for item in items if item.group == group]
        yield (
            f"group {group} ({min(members)} to {max(members)}) holds {size} of {len(items)} images "
            f"({percent:.0f} %), more than the share of {' and '.join(too_small)}"
        )
    for name, part in counts.items():
        if part.groups < _FEW_GROUPS:
            yield f"{name}: fewer than {_FEW_GROUPS} groups, so that numbers on it are those of few scenes"
            continue
        few = [f"{label} ({n})" for label, n in part.groups_with.items() if n < _FEW_GROUPS]
        if few:
            yield f"{name}: few groups hold {', '.join(few)}: numbers of such a class are those of few scenes"


class _Balance:
    """Which part each group is in, and how much of everything each part lacks."""

    def __init__(self, portions: NDArray[np.float64], shares: NDArray[np.float64]) -> None:
        """Start with empty parts.

        Args:
            portions: `(groups, quantities)`: the part of the whole that a group holds, weighted.
            shares: `(parts,)`, sum 1.
        """
        self.parts = [-1] * len(portions)
        self._portions = portions
        self._surplus = -shares[:, None] * portions.sum(axis=0)
        self._groups_in = [0] * len(shares)

    def place(self, group: int) -> None:
        """Put the next group where most of it is missing; each part gets one in time."""
        empty = [part for part, count in enumerate(self._groups_in) if count == 0]
        left = len(self.parts) - sum(self._groups_in)
        allowed = empty if left <= len(empty) else range(len(self._groups_in))
        surplus = self._surplus_for(group)
        self._put(group, min(allowed, key=lambda part: float(surplus[part])))

    def move(self, group: int) -> bool:
        """Move a group to another part if that brings the portions nearer to the shares."""
        part, portion = self.parts[group], self._portions[group]
        if self._groups_in[part] == 1:
            return False
        surplus = self._surplus_for(group)
        best = int(np.argmin(surplus))
        if surplus[part] - surplus[best] - portion @ portion <= _LEAST_GAIN:
            return False
        self._surplus[part] -= portion
        self._groups_in[part] -= 1
        self._put(group, best)
        return True

    def _surplus_for(self, group: int) -> NDArray[np.float64]:
        """How much too much each part has of what a group holds; rounded: all machines decide alike."""
        surplus: NDArray[np.float64] = np.round(self._surplus @ self._portions[group], _DIGITS)
        return surplus

    def _put(self, group: int, part: int) -> None:
        self.parts[group] = part
        self._surplus[part] += self._portions[group]
        self._groups_in[part] += 1


def _groups_in_order(items: Sequence[Item], seed: int) -> dict[int, NDArray[np.float64]]:
    """Weighted portions of each group, `(1 + classes,)`, the largest group first."""
    classes = _classes(items)
    members: dict[int, list[Item]] = {}
    for item in items:
        members.setdefault(item.group, []).append(item)
    amounts = {group: _amounts(held, classes) for group, held in members.items()}
    total = _amounts(items, classes)
    weights = np.sqrt([max(1, len(classes)), *[1] * len(classes)])
    portions = {group: weights * amount / total for group, amount in amounts.items()}

    def by_size(group: int) -> tuple[float, bytes]:
        first = min(item.id for item in members[group])
        return -round(float(portions[group] @ portions[group]), _DIGITS), hashlib.sha256(
            f"{seed}:{first}".encode()
        ).digest()

    return {group: portions[group] for group in sorted(members, key=by_size)}


def _amounts(items: Sequence[Item], classes: Sequence[str]) -> NDArray[np.float64]:
    boxes = _boxes(items)
    return np.array([len(items), *(boxes[label] for label in classes)], dtype=np.float64)


def _boxes(items: Sequence[Item]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for item in items:
        counted.update(item.boxes or {})
    return counted


def _classes(items: Sequence[Item]) -> list[str]:
    """Classes that have a box, sorted."""
    return sorted(label for label, count in _boxes(items).items() if count)


def _label_remarks(items: Sequence[Item]) -> Iterator[str]:
    without = sum(item.boxes is None for item in items)
    if not _classes(items):
        yield "no boxes: balanced by the number of images only"
    elif without:
        yield f"{without} of {len(items)} images have no annotation: they are balanced by number only"
