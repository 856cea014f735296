"""What a detector finds in several images of one scene, in one picture: boxes, captions and a legend."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fusionbench.contracts import Box, Labels, Record, Uint8Image

LEAST_OVERLAP = 0.5
"""Intersection over union from which a detection is one of an object."""

WIDEST = 2600
"""Width of a picture, in pixels, up to which panels stand side by side; two always do."""

Verdict = Literal["found", "missed", "false", "unknown"]
"""An object that was found, or missed, or is of a class the detector does not know; or a false detection."""


@dataclass(frozen=True)
class ShownObject:
    """One box of a panel."""

    verdict: Verdict
    box: Box
    """The annotation; of a false detection, what was detected."""
    score: float | None = None
    """Of the detection; None where there is none."""


@dataclass(frozen=True, eq=False)
class Panel:
    """One image with its boxes."""

    name: str
    image: Uint8Image
    """RGB `(H, W, 3)`."""
    objects: Sequence[ShownObject]

    @property
    def caption(self) -> str:
        """The name, and how many objects were found and missed, and how many detections are of none."""
        counts = Counter(shown.verdict for shown in self.objects)
        return f"{self.name}: found {counts['found']}, missed {counts['missed']}, false {counts['false']}"


@dataclass(frozen=True)
class Style:
    """How the boxes of one verdict are drawn: apart by line as much as by colour."""

    colour: tuple[int, int, int]
    width: int
    dash: tuple[int, int] | None
    """Length of dashes and of what is between them, in pixels; None for a solid line."""
    meaning: str
    """For the legend."""


# Apart for the colour-blind too: 15 and more (CIEDE2000) for the three kinds of dichromats.
STYLES: Mapping[Verdict, Style] = {
    "found": Style((0, 190, 155), 3, None, "solid green: object that was found, with its score"),
    "missed": Style((255, 70, 70), 3, (9, 6), "dashed red: object that was missed"),
    "false": Style((255, 200, 0), 1, None, "thin orange: detection of no object"),
    "unknown": Style((225, 225, 225), 2, (2, 4), "dotted grey: of a class the detector does not know"),
}

_DRAWN_ORDER: tuple[Verdict, ...] = ("unknown", "false", "missed", "found")
_HALO = (0, 0, 0)
_BACKGROUND = (255, 255, 255)
_INK = (0, 0, 0)
_GAP = 8
_LINE_HEIGHT = 24
_TEXT_SIZE = 16
_LABEL_SIZE = 13
_SWATCH = (34, 14)

_Rectangle = tuple[int, int, int, int]
"""Left, top, right, bottom; the last two are the first pixels outside."""


def judged(record: Record, labels: Labels, least_score: float) -> list[ShownObject]:
    """Which objects of an image were found.

    Args:
        record: What the metric `map` keeps of the image: `classes` the detector knows, `truth` of those as
            (class, corners), `found` as (class, score, corners).
        labels: Annotations of the image, for the objects of other classes.
        least_score: Detections below it count for nothing.
    """
    truth = [Box(*entry) for entry in record["truth"]]
    found = [(Box(name, *corners), score) for name, score, *corners in record["found"]]
    known = frozenset(record["classes"])
    others = [box for box in labels.boxes or () if box.label not in known]
    return matched(truth, found, least_score) + [ShownObject("unknown", box) for box in others]


def matched(
    truth: Sequence[Box], found: Sequence[tuple[Box, float]], least_score: float = 0.0
) -> list[ShownObject]:
    """Give detections to objects as the COCO evaluator does.

    The highest score first, each detection takes the object of its class that it overlaps most, by
    `LEAST_OVERLAP` or more, among those not taken.

    Args:
        truth: Annotated objects.
        found: Detections with their scores.
        least_score: Detections below it are left out.

    Returns:
        The objects in their order, found or missed, then the false detections.
    """
    scores: dict[int, float] = {}
    false = []
    for box, score in sorted(found, key=lambda each: -each[1]):
        if score < least_score:
            break
        overlaps = {
            place: overlap(box, other)
            for place, other in enumerate(truth)
            if place not in scores and other.label == box.label
        }
        best = max(overlaps, key=overlaps.__getitem__, default=None)
        if best is None or overlaps[best] < LEAST_OVERLAP:
            false.append(ShownObject("false", box, score))
        else:
            scores[best] = score
    objects = [
        ShownObject("found" if place in scores else "missed", box, scores.get(place))
        for place, box in enumerate(truth)
    ]
    return objects + false


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(one.x_max, other.x_max) - max(one.x_min, other.x_min)
    height = min(one.y_max, other.y_max) - max(one.y_min, other.y_min)
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box.x_max - box.x_min) * (box.y_max - box.y_min) for box in (one, other)]
    return width * height / (sum(areas) - width * height)


def draw_objects(image: Uint8Image, objects: Sequence[ShownObject], scale: float = 1.0) -> Uint8Image:
    """Draw boxes on an image, with class and score beside each.

    A line lies around its box, so that it hides nothing of the object, or at the edge of the image.

    Args:
        image: RGB `(H, W, 3)`.
        objects: In pixels of the image.
        scale: Size of what is drawn, in sizes of the image, 1 or less; lines and text keep theirs.

    Returns:
        `(H, W, 3)`, scaled.
    """
    canvas = Image.fromarray(image)
    if scale < 1:
        size = max(round(canvas.width * scale), 1), max(round(canvas.height * scale), 1)
        canvas = canvas.resize(size, Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(canvas)
    ordered = sorted(objects, key=lambda each: _DRAWN_ORDER.index(each.verdict))
    frames = [
        (shown, frame) for shown in ordered if (frame := _around(shown, scale, canvas.size)) is not None
    ]
    for shown, frame in frames:
        _draw_frame(draw, frame, STYLES[shown.verdict])
    _draw_labels(draw, frames[::-1], canvas.size)
    return np.asarray(canvas)


def draw_picture(panels: Sequence[Panel], title: str, unknown: Sequence[str] = ()) -> Uint8Image:
    """Draw panels in rows, each under its name and its counts, with a legend at the bottom.

    Args:
        panels: One or more; at their own size where two fit beside each other, else reduced.
        title: A line at the top.
        unknown: Classes the detector does not know, for the legend.

    Returns:
        `(H, W, 3)`.
    """
    font = ImageFont.load_default(_TEXT_SIZE)
    captions = [panel.caption for panel in panels]
    meanings = _meanings(unknown)
    widest = max(panel.image.shape[1] for panel in panels)
    scale = min(1.0, (WIDEST - 3 * _GAP) / 2 / widest)
    drawn = [draw_objects(panel.image, panel.objects, scale) for panel in panels]
    cell_width = math.ceil(
        max(*(image.shape[1] for image in drawn), *(font.getlength(caption) for caption in captions))
    )
    cell_height = _LINE_HEIGHT + max(image.shape[0] for image in drawn)
    most = max(2, (WIDEST - _GAP) // (cell_width + _GAP))
    rows = math.ceil(len(panels) / most)
    columns = math.ceil(len(panels) / rows)  # five panels as three and two, and not as four and one
    lengths = [_SWATCH[0] + _GAP + math.ceil(font.getlength(text)) + 3 * _GAP for text in meanings.values()]
    width = max(
        _GAP + columns * (cell_width + _GAP), _GAP + sum(lengths), math.ceil(font.getlength(title)) + 2 * _GAP
    )
    height = 2 * _LINE_HEIGHT + 3 * _GAP + rows * (cell_height + _GAP)
    canvas = Image.new("RGB", (width, height), _BACKGROUND)
    draw = ImageDraw.Draw(canvas)
    draw.text((_GAP, _GAP // 2), title, _INK, font)
    for place, (caption, image) in enumerate(zip(captions, drawn, strict=True)):
        row, column = divmod(place, columns)
        left = _GAP + column * (cell_width + _GAP)
        top = _LINE_HEIGHT + 2 * _GAP + row * (cell_height + _GAP)
        draw.text((left, top), caption, _INK, font)
        canvas.paste(Image.fromarray(image), (left, top + _LINE_HEIGHT))
    left, top = _GAP, height - _LINE_HEIGHT
    for (verdict, text), length in zip(meanings.items(), lengths, strict=True):
        _draw_swatch(canvas, (left, top), STYLES[verdict])
        draw.text((left + _SWATCH[0] + _GAP, top), text, _INK, font)
        left += length
    return np.asarray(canvas)


def _meanings(unknown: Sequence[str]) -> dict[Verdict, str]:
    """The entries of the legend."""
    meanings = {verdict: style.meaning for verdict, style in STYLES.items()}
    if unknown:
        meanings["unknown"] += f" ({', '.join(unknown)})"
    else:
        del meanings["unknown"]
    return meanings


def _draw_swatch(canvas: Image.Image, corner: tuple[int, int], style: Style) -> None:
    swatch = Image.new("RGB", (_SWATCH[0], _SWATCH[1] + 4), (110, 110, 110))
    _draw_frame(ImageDraw.Draw(swatch), (3, 3, swatch.width - 3, swatch.height - 3), style)
    canvas.paste(swatch, corner)


def _around(shown: ShownObject, scale: float, size: tuple[int, int]) -> _Rectangle | None:
    """The outer edge of a box's line, inside the image; None where the box is outside."""
    box, margin = shown.box, STYLES[shown.verdict].width
    left, top = math.floor(box.x_min * scale), math.floor(box.y_min * scale)
    right, bottom = math.ceil(box.x_max * scale), math.ceil(box.y_max * scale)
    if right <= 0 or bottom <= 0 or left >= size[0] or top >= size[1]:
        return None
    return (
        max(left - margin, 0),
        max(top - margin, 0),
        min(right + margin, size[0]),
        min(bottom + margin, size[1]),
    )


def _draw_frame(draw: ImageDraw.ImageDraw, frame: _Rectangle, style: Style) -> None:
    """Draw a line of some style with a dark edge, for bright and dark grounds alike."""
    pieces = list(_pieces(frame, style))
    for grown, colour in ((1, _HALO), (0, style.colour)):
        for left, top, right, bottom in pieces:
            draw.rectangle((left - grown, top - grown, right - 1 + grown, bottom - 1 + grown), fill=colour)


def _pieces(frame: _Rectangle, style: Style) -> Iterator[_Rectangle]:
    """The rectangles that a line consists of."""
    left, top, right, bottom = frame
    for start, stop in _dashes(left, right, style.dash):
        yield start, top, stop, min(top + style.width, bottom)
        yield start, max(bottom - style.width, top), stop, bottom
    for start, stop in _dashes(top, bottom, style.dash):
        yield left, start, min(left + style.width, right), stop
        yield max(right - style.width, left), start, right, stop


def _dashes(start: int, stop: int, dash: tuple[int, int] | None) -> list[tuple[int, int]]:
    """Parts of a side that are drawn, one at each end."""
    if dash is None or stop - start <= dash[0]:
        return [(start, stop)]
    on, off = dash
    steps = max(round((stop - start - on) / (on + off)), 1)
    starts = [start + round(step * (stop - start - on) / steps) for step in range(steps + 1)]
    return [(each, each + on) for each in starts]


def _draw_labels(
    draw: ImageDraw.ImageDraw, frames: Sequence[tuple[ShownObject, _Rectangle]], size: tuple[int, int]
) -> None:
    """Write class and score at each box, where it hides least of other text and boxes."""
    font = ImageFont.load_default(_LABEL_SIZE)
    taken: list[_Rectangle] = []
    outlines = [frame for _, frame in frames]
    for shown, frame in frames:
        text = shown.box.label if shown.score is None else f"{shown.box.label} {shown.score:.2f}"
        width, height = math.ceil(font.getlength(text)) + 4, _LABEL_SIZE + 4
        places = _label_places(frame, width, height, size)
        place = min(places, key=lambda each: _hidden(each, taken) + _hidden(each, outlines))
        taken.append(place)
        draw.text(
            (place[0] + 2, place[1]),
            text,
            STYLES[shown.verdict].colour,
            font,
            stroke_width=2,
            stroke_fill=_HALO,
        )


def _label_places(frame: _Rectangle, width: int, height: int, size: tuple[int, int]) -> list[_Rectangle]:
    """Where a label may stand, the best place first: in the image where it is large enough."""
    left, top, right, bottom = frame
    corners = [
        (left, top - height),
        (left, bottom),
        (right - width, top - height),
        (right - width, bottom),
        (right, top),
        (left - width, top),
        (left + 3, top + 3),
    ]
    inside = [(max(min(x, size[0] - width), 0), max(min(y, size[1] - height), 0)) for x, y in corners]
    return [(x, y, x + width, y + height) for x, y in inside]


def _hidden(label: _Rectangle, others: Sequence[_Rectangle]) -> float:
    """How much a label hides: the shares of the others it covers, summed."""
    return sum(_area(_common(label, other)) / _area(other) for other in others)


def _common(one: _Rectangle, other: _Rectangle) -> _Rectangle:
    """Where two rectangles overlap."""
    return max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])


def _area(rectangle: _Rectangle) -> int:
    return max(rectangle[2] - rectangle[0], 0) * max(rectangle[3] - rectangle[1], 0)
