"""A contact sheet: what each degradation does to one pair at every severity, in one picture."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fusionbench.contracts import Dataset, ImagePair, Sample, Uint8Image
from fusionbench.degrading.compose import degrade_pair
from fusionbench.degrading.condition import MAXIMUM_SEVERITY, Condition
from fusionbench.degrading.profiles import degradation
from fusionbench.errors import InputError

TILE_WIDTH = 200
"""Width of one image on the sheet, in pixels."""

SEVERITIES = tuple(range(1, MAXIMUM_SEVERITY + 1))
"""Columns of the sheet, after the clean image."""

_GAP = 4
_LABEL_HEIGHT = 22
_TEXT_SIZE = 15
_BACKGROUND = (255, 255, 255)
_INK = (0, 0, 0)


def render_sheet(
    pair: ImagePair, conditions: Sequence[Condition], seed: int = 0, dataset: str = ""
) -> Uint8Image:
    """Draw one row a condition: the clean image, then severities 1 to 5.

    A condition of infrared degradations alone shows the infrared image, any other the visible one.

    Args:
        pair: The clean pair.
        conditions: Without severities; one that a condition states already is used for all its columns.
        seed: Seed of the random fields.
        dataset: Name of the dataset, part of the random fields' names.

    Returns:
        `(H, W, 3)` uint8.

    Raises:
        InputError: If there is no condition.
    """
    if not conditions:
        raise InputError("contact sheet: no degradation is named; give one or more")
    height, width = pair.size
    tile = (TILE_WIDTH, max(round(TILE_WIDTH * height / width), 1))
    row_height = tile[1] + _LABEL_HEIGHT + _GAP
    columns = len(SEVERITIES) + 1
    sheet = Image.new(
        "RGB",
        (columns * (tile[0] + _GAP) + _GAP, len(conditions) * row_height + _LABEL_HEIGHT + _GAP),
        _BACKGROUND,
    )
    write = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(_TEXT_SIZE)
    for column, title in enumerate(["clean", *(f"severity {severity}" for severity in SEVERITIES)]):
        write.text((_GAP + column * (tile[0] + _GAP), _GAP), title, _INK, font)
    for row, condition in enumerate(conditions):
        top = _LABEL_HEIGHT + _GAP + row * row_height
        write.text((_GAP, top), condition.name, _INK, font)
        damaged = [
            degrade_pair(pair, condition.with_severity(level), seed, dataset).pair for level in SEVERITIES
        ]
        for column, shown in enumerate([pair, *damaged]):
            place = (_GAP + column * (tile[0] + _GAP), top + _LABEL_HEIGHT)
            sheet.paste(_tile(_shown(shown, condition), tile), place)
    return np.asarray(sheet)


def sample_called(dataset: Dataset, image_id: str) -> Sample:
    """Find a sample by its id.

    Raises:
        InputError: If it cannot be read, or there is none; the message names the nearest.
    """
    by_id = {sample.id: sample for sample in dataset.samples}
    if image_id not in by_id:
        nearest = ", ".join(difflib.get_close_matches(image_id, by_id, n=3, cutoff=0.0))
        raise InputError(
            f"no image {image_id!r} in {dataset.card.name}, split {dataset.split!r}; the nearest: {nearest}"
        )
    sample = by_id[image_id]
    if sample.problem is not None:
        raise InputError(sample.problem)
    return sample


def _shown(pair: ImagePair, condition: Condition) -> Uint8Image:
    modalities = {degradation(name, condition.profile).card.modality for name, _ in condition.terms}
    return pair.infrared if modalities == {"infrared"} else pair.visible


def _tile(image: Uint8Image, size: tuple[int, int]) -> Image.Image:
    return Image.fromarray(image).convert("RGB").resize(size, Image.Resampling.LANCZOS)
