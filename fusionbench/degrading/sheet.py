"""A contact sheet: what each degradation does to one pair at every severity, in one picture."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fusionbench.contracts import Dataset, ImagePair, Sample, Uint8Image
from fusionbench.degrading.compose import degrade_pair, planned
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


@dataclass(frozen=True)
class _Strip:
    """One row of the sheet: a condition seen in one modality."""

    titles: tuple[str, ...]
    """Over each image."""
    images: tuple[Uint8Image, ...]
    """The clean one first."""


def render_sheet(
    pair: ImagePair, conditions: Sequence[Condition], seed: int = 0, dataset: str = ""
) -> Uint8Image:
    """Draw one row a condition: the clean image, then severities 1 to 5 with the parameter of each.

    A condition whose terms all have a level (`haze@2km`, `noise@2`) has that one image. Infrared degradations
    show the infrared image, those that touch both images have a row for each.

    Args:
        pair: The clean pair.
        conditions: With or without severities.
        seed: Seed of the random fields.
        dataset: Name of the dataset, part of the random fields' names.

    Returns:
        `(H, W, 3)` uint8.

    Raises:
        InputError: If there is no condition.
    """
    if not conditions:
        raise InputError("contact sheet: no degradation is named; give one or more")
    strips = [strip for condition in conditions for strip in _strips(pair, condition, seed, dataset)]
    height, width = pair.size
    tile = (TILE_WIDTH, max(round(TILE_WIDTH * height / width), 1))
    row_height = tile[1] + _LABEL_HEIGHT + _GAP
    columns = len(SEVERITIES) + 1
    sheet = Image.new(
        "RGB", (columns * (tile[0] + _GAP) + _GAP, len(strips) * row_height + _GAP), _BACKGROUND
    )
    write = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(_TEXT_SIZE)
    for row, strip in enumerate(strips):
        top = _GAP + row * row_height
        for column, (title, image) in enumerate(zip(strip.titles, strip.images, strict=True)):
            left = _GAP + column * (tile[0] + _GAP)
            write.text((left, top), title, _INK, font)
            sheet.paste(_tile(image, tile), (left, top + _LABEL_HEIGHT))
    return np.asarray(sheet)


def _strips(pair: ImagePair, condition: Condition, seed: int, dataset: str) -> list[_Strip]:
    """The rows of a condition, one a modality it touches."""
    is_open = any(level is None for _, level in condition.terms)
    shown = [condition.with_severity(level) for level in SEVERITIES] if is_open else [condition]
    damaged = [degrade_pair(pair, each, seed, dataset).pair for each in shown]
    over_damaged = [_title(each, level) for each, level in zip(shown, SEVERITIES, strict=False)]
    over_damaged = over_damaged if is_open else [condition.name]
    modalities = _modalities(condition)
    return [
        _Strip(
            (f"{condition.name}, {modality}" if len(modalities) > 1 else condition.name, *over_damaged),
            tuple(getattr(each, modality) for each in (pair, *damaged)),
        )
        for modality in modalities
    ]


def _title(condition: Condition, severity: int) -> str:
    """The severity and, of a single degradation, its parameter."""
    steps = planned(condition)
    return f"{severity}: {steps[0].value:.3g}" if len(steps) == 1 else str(severity)


def _modalities(condition: Condition) -> list[str]:
    """Which images a condition touches."""
    touched = {degradation(name, condition.profile).card.modality for name, _ in condition.terms}
    found = [name for name in ("visible", "infrared") if touched & {name, "both"}]
    return found or ["visible"]


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


def _tile(image: Uint8Image, size: tuple[int, int]) -> Image.Image:
    return Image.fromarray(image).convert("RGB").resize(size, Image.Resampling.LANCZOS)
