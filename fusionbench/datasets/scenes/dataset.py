"""The dataset contract over the generator."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Literal, get_args

from fusionbench.contracts import DatasetCard, DatasetRequest, ImagePair, Labels, Placement, Sample
from fusionbench.datasets import splits
from fusionbench.datasets.scenes.annotation import BOX_CLASSES
from fusionbench.datasets.scenes.annotation_files import npy_bytes, png_bytes, yolo_line
from fusionbench.datasets.scenes.rendering import Rendering, render
from fusionbench.datasets.scenes.streams import GENERATOR_VERSION
from fusionbench.datasets.scenes.surfaces import MaskClass
from fusionbench.errors import InputError

Light = Literal["mixed", "day", "night"]

_FIRST_INDEX = {"test": 0, "train": 50_000}
"""The splits are disjoint ranges of scene numbers."""
_MOST = 50_000
_LARGEST_SIDE = 8192
_OPTIONS = {
    "count": "how many pairs, 1 to 50000 (default 12)",
    "size": "WIDTHxHEIGHT in pixels, each up to 8192 (default 640x480)",
    "seed": "whole number from 0 that names a set of scenes (default 0)",
    "light": "day, night, or mixed: alternately day and night (default mixed)",
}


@dataclass(frozen=True)
class _Settings:
    count: int
    width: int
    height: int
    seed: int
    light: Light


class Scenes:
    """Generated road scenes by day and night.

    Args:
        split: Name of the split.
        settings: The options, read.
    """

    card: ClassVar[DatasetCard] = DatasetCard(
        name="scenes",
        title="Procedural road scenes",
        splits=tuple(_FIRST_INDEX),
        licence="Apache-2.0 (part of fusionbench)",
        source=(
            "Generated on the spot by fusionbench. Synthetic: for the demo, tests and smoke training, "
            "never for a scientific claim."
        ),
        box_classes=BOX_CLASSES,
        mask_classes=tuple(kind.name.lower() for kind in MaskClass),
        needs_root=False,
        synthetic=True,
        options=_OPTIONS,
    )

    def __init__(self, split: str, settings: _Settings) -> None:
        self.split = split
        self._settings = settings

    @classmethod
    def open(cls, request: DatasetRequest) -> Scenes:
        """Set up the generator; nothing is rendered yet.

        Raises:
            InputError: If a root is given, or the split or an option is not understood.
        """
        if request.root is not None:
            raise InputError(
                f"{request.root}: the dataset scenes is generated and takes no root; leave it out"
            )
        split = splits.chosen_split(cls.card, request.split)
        options = splits.checked_options(cls.card, request.options)
        width, height = _size(options.get("size", "640x480"))
        return cls(
            split,
            _Settings(
                count=_whole_number("count", options.get("count", "12"), 1, _MOST),
                width=width,
                height=height,
                seed=_whole_number("seed", options.get("seed", "0"), 0, 2**63 - 1),
                light=_light(options.get("light", "mixed")),
            ),
        )

    @property
    def samples(self) -> Sequence[Sample]:
        """Every sample, sorted by id; an id ends in D for day or N for night."""
        first = _FIRST_INDEX[self.split]
        return [
            Sample(self._id(index), native="night" if self._night(index) else "day")
            for index in range(first, first + self._settings.count)
        ]

    def load(self, sample: Sample) -> ImagePair:
        """Render one pair.

        Raises:
            InputError: If the sample is not one of this dataset.
        """
        rendering = self._render(sample)
        return ImagePair(
            id=sample.id,
            visible=rendering.visible.copy(),
            infrared=rendering.infrared.copy(),
            depth=rendering.depth.copy(),
            horizon=rendering.horizon,
        )

    def labels(self, sample: Sample) -> Labels:
        """Give the boxes and the mask of one pair.

        Raises:
            InputError: If the sample is not one of this dataset.
        """
        rendering = self._render(sample)
        return Labels(boxes=rendering.boxes, mask=rendering.mask.copy())

    def placement(self, sample: Sample) -> Placement:
        """A folder for each kind of file: images, YOLO labels, class masks, and depth in metres.

        Raises:
            InputError: If the sample is not one of this dataset.
        """
        rendering = self._render(sample)
        height, width = rendering.mask.shape
        boxes = "".join(yolo_line(box, self.card.box_classes, width, height) for box in rendering.boxes)
        annotations: dict[str, Path | bytes] = {
            f"labels/{sample.id}.txt": boxes.encode(),
            f"masks/{sample.id}.png": png_bytes(rendering.mask),
            f"depth/{sample.id}.npy": npy_bytes(rendering.depth),
        }
        return Placement(f"visible/{sample.id}.png", f"infrared/{sample.id}.png", annotations)

    def fingerprint(self, sample: Sample) -> str:
        """Hash of the generator's version and everything it is asked for.

        Raises:
            InputError: If the sample is not one of this dataset.
        """
        settings = self._settings
        asked = (GENERATOR_VERSION, settings.seed, *self._scene(sample), settings.width, settings.height)
        return hashlib.blake2b(f"scenes {asked}".encode(), digest_size=16).hexdigest()

    def _render(self, sample: Sample) -> Rendering:
        index, night = self._scene(sample)
        return _kept(self._settings.seed, index, night, self._settings.width, self._settings.height)

    def _id(self, index: int) -> str:
        return f"{index:05d}{'N' if self._night(index) else 'D'}"

    def _night(self, index: int) -> bool:
        return self._settings.light == "night" or (self._settings.light == "mixed" and index % 2 == 1)

    def _scene(self, sample: Sample) -> tuple[int, bool]:
        """Scene number of a sample, and whether it is at night."""
        first = _FIRST_INDEX[self.split]
        index = int(sample.id[:-1]) if re.fullmatch(r"[0-9]{5}[DN]", sample.id) else -1
        if not first <= index < first + self._settings.count or sample.id != self._id(index):
            raise InputError(
                f"scenes has no sample {sample.id!r} in split {self.split}; take one of its samples"
            )
        return index, self._night(index)


@lru_cache(maxsize=2)
def _kept(seed: int, index: int, night: bool, width: int, height: int) -> Rendering:
    """Render, or return the rendering that `load` or `labels` has just asked for."""
    return render(seed, index, night, width, height)


def _whole_number(name: str, text: str, least: int, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,19}", text) or not least <= int(text) <= most:
        raise InputError(f"scenes option {name}={text}: give a whole number from {least} to {most}")
    return int(text)


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([0-9]{1,4})x([0-9]{1,4})", text)
    sides = (int(found[1]), int(found[2])) if found else (0, 0)
    if min(sides) < 1 or max(sides) > _LARGEST_SIDE:
        raise InputError(f"scenes option size={text}: write WIDTHxHEIGHT, each from 1 to {_LARGEST_SIDE}")
    return sides


def _light(text: str) -> Light:
    for light in get_args(Light):
        if text == light:
            chosen: Light = light
            return chosen
    raise InputError(f"scenes option light={text}: give one of {', '.join(get_args(Light))}")
