"""Boxes around what is really visible of each object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fusionbench.contracts import Box

BOX_CLASSES = ("People", "Car", "Bus", "Motorcycle", "Lamp", "Truck")
"""As M3FD spells them. A rider and the motorcycle are boxed each; of a street lamp, the luminaire is."""

LEAST_SIDE = 4
"""Boxes lower or narrower than this many pixels are dropped."""
LEAST_VISIBLE = 0.25
"""Objects of which nearer ones hide more than the rest are dropped."""


@dataclass(frozen=True)
class Painted:
    """One object as it was painted, before nearer ones came over it."""

    label: str
    """One of `BOX_CLASSES`."""
    pixels: int
    """How many it covered inside the image."""


def find_boxes(owners: NDArray[np.int16], painted: dict[int, Painted]) -> tuple[Box, ...]:
    """Box each object's visible pixels, dropping what is too small or too hidden.

    Args:
        owners: `(H, W)`, the number of the object each pixel shows, 0 for none.
        painted: The objects by number.
    """
    visible = np.bincount(owners.ravel(), minlength=max(painted, default=0) + 1)
    places = ndimage.find_objects(owners)
    boxes: list[Box] = []
    for number, thing in painted.items():
        place = places[number - 1] if number <= len(places) else None
        if place is None or visible[number] < LEAST_VISIBLE * thing.pixels:
            continue
        rows, columns = place
        if min(rows.stop - rows.start, columns.stop - columns.start) >= LEAST_SIDE:
            boxes.append(Box(thing.label, columns.start, rows.start, columns.stop, rows.stop))
    return tuple(boxes)
