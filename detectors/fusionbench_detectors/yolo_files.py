"""What ultralytics reads to train: a network's description, images, labels and the list of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from fusionbench.contracts import Box, LabelledImage
from fusionbench.errors import InputError
from fusionbench.images import write_png

SMALLEST_NETWORK: dict[str, Any] = {
    "nc": 1,
    "reg_max": 8,
    "backbone": [
        [-1, 1, "Conv", [8, 3, 2]],
        [-1, 1, "Conv", [16, 3, 2]],
        [-1, 1, "C2f", [16, True]],
        [-1, 1, "Conv", [32, 3, 2]],
        [-1, 1, "C2f", [32, True]],
        [-1, 1, "Conv", [48, 3, 2]],
        [-1, 1, "C2f", [48, True]],
        [-1, 1, "SPPF", [48, 5]],
    ],
    "head": [
        [-1, 1, "nn.Upsample", [None, 2, "nearest"]],
        [[-1, 4], 1, "Concat", [1]],
        [-1, 1, "C2f", [32]],
        [-1, 1, "nn.Upsample", [None, 2, "nearest"]],
        [[-1, 2], 1, "Concat", [1]],
        [-1, 1, "C2f", [16]],
        [[13, 10], 1, "Detect", ["nc"]],
    ],
}
"""A network of .1 million parameters that learns on a processor within two minutes: boxes at strides 4 and 8,
of 4 to 112 pixels, seen with their surroundings through stride 16. For tests and demonstrations, not for
figures."""


def write_network(folder: Path) -> Path:
    """Write the description of the smallest network; returns its file."""
    path = folder / "network.yaml"
    path.write_text(json.dumps(SMALLEST_NETWORK))  # which is YAML as well
    return path


def write_training_files(images: Iterable[LabelledImage], classes: Sequence[str], folder: Path) -> Path:
    """Write images as PNG, a file of labels for each, and the file that lists them.

    Files are numbered in the order the images come in, which is the order ultralytics takes them in. A box of
    another class, or outside its image, is left out. ultralytics wants a list to validate on: it is the first
    image, and nothing is decided by it.

    Args:
        images: Read once, one by one.
        classes: In the order of the ids.
        folder: Where to write; new.

    Returns:
        The file that lists them.

    Raises:
        InputError: If no image has a box of these classes.
    """
    boxes = 0
    for place in ("images", "labels"):
        (folder / place).mkdir(parents=True)
    for number, item in enumerate(images):
        height, width = item.image.shape[:2]
        lines = [line for box in item.boxes if (line := _label(box, classes, width, height))]
        write_png(folder / "images" / f"{number:06d}.png", item.image)
        (folder / "labels" / f"{number:06d}.txt").write_text("".join(lines))
        boxes += len(lines)
    if not boxes:
        named = ", ".join(classes)
        raise InputError(f"no image to train on has a box of {named}; choose other images or classes")
    (folder / "validated.txt").write_text("./images/000000.png\n")
    path = folder / "data.yaml"
    described = {
        "path": str(folder.resolve()),
        "train": "images",
        "val": "validated.txt",
        "names": list(classes),
    }
    path.write_text(json.dumps(described, ensure_ascii=False), encoding="utf-8")
    return path


def _label(box: Box, classes: Sequence[str], width: int, height: int) -> str:
    """A line of class, centre and size in image sizes; empty for a box that is not learnt from."""
    left, right = max(box.x_min, 0.0), min(box.x_max, float(width))
    top, bottom = max(box.y_min, 0.0), min(box.y_max, float(height))
    if box.label not in classes or right <= left or bottom <= top:
        return ""
    centre = (left + right) / 2 / width, (top + bottom) / 2 / height
    values = (*centre, (right - left) / width, (bottom - top) / height)
    return f"{classes.index(box.label)} " + " ".join(f"{value:.8f}" for value in values) + "\n"
