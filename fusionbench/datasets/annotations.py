"""Reads boxes (Pascal VOC, YOLO) and class masks. Classes are mapped by name, never by an id's position."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

import numpy as np
from PIL import Image, UnidentifiedImageError

from fusionbench.contracts import Box, Uint8Image
from fusionbench.errors import InputError

_VOC_EDGES = ("xmin", "ymin", "xmax", "ymax")
_YOLO_FIELDS = 5


_ID_DIGITS = 6
"""Most digits of a class id that is worth reading as a number."""


def read_voc(path: Path, classes: Sequence[str]) -> tuple[Box, ...]:
    """Read the objects of a Pascal VOC xml file.

    Args:
        path: The file.
        classes: Class names of the dataset; names in the file are compared without regard to case.

    Returns:
        Boxes in pixels, with the edges as they stand in the file; empty where the file has no object.

    Raises:
        InputError: If the file is damaged, says that it is of an image of another name, declares a document
            type (entities are refused), names an unknown class, or has a box without four ordered finite
            edges.
    """
    root = _parse_xml(path)
    _refuse_another_image(root, path)
    return tuple(_voc_box(item, path, classes) for item in root.iter("object"))


def read_yolo(path: Path, classes: Sequence[str], width: int, height: int) -> tuple[Box, ...]:
    """Read a YOLO text file: `class x_centre y_centre width height` a line, in image sizes.

    Args:
        path: The file; empty means no object.
        classes: Class names in the order of the file's own ids.
        width: Image width in pixels.
        height: Image height in pixels.

    Raises:
        InputError: If a line has not five numbers, an id is unknown, or a value leaves [0, 1].
    """
    boxes = []
    for number, line in enumerate(_text(path).splitlines(), start=1):
        # Third-party MSRS labels separate by two blanks: split() and not split(" ").
        fields = line.split()
        if fields:
            boxes.append(_yolo_box(fields, f"{path}, line {number}", classes, width, height))
    return tuple(boxes)


def read_mask(path: Path, classes: Sequence[str]) -> Uint8Image:
    """Read a class mask `(H, W)` of ids into `classes`.

    A palette file gives its indices; a file of three equal channels gives one of them.

    Raises:
        InputError: If the file is damaged, coloured (a rendering for the eye), or has an id beyond `classes`.
    """
    try:
        with Image.open(path) as image:
            image.load()
            values = np.asarray(image)
    except UnidentifiedImageError:
        raise InputError(f"{path}: mask is not an image (or damaged); copy or download it again") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: mask cannot be read ({error}); copy or download it again") from error
    if values.ndim == 3:
        if np.ptp(values, axis=2).any():
            raise InputError(f"{path}: is a colour rendering, not class ids; use the label images")
        values = values[..., 0]
    largest = int(values.max(initial=0))
    if int(values.min(initial=0)) < 0 or largest >= len(classes):
        raise InputError(
            f"{path}: has class id {largest}, expected 0 to {len(classes) - 1}; use the label images"
        )
    return values.astype(np.uint8)


def class_named(name: str, classes: Sequence[str], where: str) -> str:
    """The class of the list that is spelled like `name`, ignoring case.

    Raises:
        InputError: If there is none.
    """
    for known in classes:
        if known.casefold() == name.strip().casefold():
            return known
    raise InputError(f"{where}: unknown class {name!r}; the dataset's classes are {', '.join(classes)}")


def _parse_xml(path: Path) -> Element:
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data

    def refuse(*_: object) -> NoReturn:
        raise InputError(f"{path}: declares a document type, which annotations never need; do not trust it")

    # Entities, internal or external, can only be declared inside a document type.
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(path.read_bytes(), True)
    except (expat.ExpatError, ValueError) as error:
        raise InputError(f"{path}: is not valid xml ({error}); copy or download it again") from error
    except OSError as error:
        raise _unreadable(path, error) from error
    return builder.close()


def _refuse_another_image(root: Element, path: Path) -> None:
    """The image an annotation says it is of has to be the one whose name it bears."""
    named = Path((root.findtext("filename") or "").strip().replace("\\", "/")).stem
    if named and named.casefold() != path.stem.casefold():
        raise InputError(
            f"{path}: says that it is of {named}; it is another image's annotation: copy or download it again"
        )


def _voc_box(item: Element, path: Path, classes: Sequence[str]) -> Box:
    label = class_named(item.findtext("name", default=""), classes, str(path))
    values = [_number(item.findtext(f"bndbox/{edge}"), f"{path}: {edge} of a {label}") for edge in _VOC_EDGES]
    return _ordered(Box(label, *values), str(path))


def _yolo_box(fields: list[str], where: str, classes: Sequence[str], width: int, height: int) -> Box:
    if len(fields) != _YOLO_FIELDS:
        raise InputError(f"{where}: expected {_YOLO_FIELDS} numbers, got {len(fields)}; repair or remove it")
    if not fields[0].isdecimal() or len(fields[0]) > _ID_DIGITS or int(fields[0]) >= len(classes):
        raise InputError(f"{where}: class id {fields[0]!r} is not one of 0 to {len(classes) - 1}")
    x, y, w, h = (_number(field, where) for field in fields[1:])
    if not all(0.0 <= value <= 1.0 for value in (x, y, w, h)):
        raise InputError(f"{where}: coordinates leave [0, 1]; YOLO labels are in image sizes, not pixels")
    return Box(
        label=classes[int(fields[0])],
        x_min=(x - w / 2) * width,
        y_min=(y - h / 2) * height,
        x_max=(x + w / 2) * width,
        y_max=(y + h / 2) * height,
    )


def _ordered(box: Box, where: str) -> Box:
    if box.x_max < box.x_min or box.y_max < box.y_min:
        raise InputError(f"{where}: a {box.label} box ends before it begins; repair or remove it")
    return box


def _number(text: str | None, where: str) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{where}: expected a number, got {text!r}; repair or remove it")
    return value


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not a text file; copy or download it again") from error
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(f"{path}: cannot be read ({error.strerror or error}); check its permissions")
