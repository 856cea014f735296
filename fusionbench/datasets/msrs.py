"""MSRS: 1444 registered road scenes by day and night with class masks (Tang et al., PIAFusion, 2022)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from fusionbench.contracts import DatasetCard
from fusionbench.datasets.depth_maps import DEPTH_HELP, DEPTH_OPTION
from fusionbench.datasets.layouts import (
    INFRARED_NAMES,
    VISIBLE_NAMES,
    find_layout,
    holds_images,
    image_folders,
    subfolder,
)
from fusionbench.datasets.native import NATIVE_HELP, NATIVE_OPTION
from fusionbench.datasets.native_marks import by_last_letter
from fusionbench.datasets.paired import PairedFiles, Part, listed
from fusionbench.datasets.sources import SOURCES
from fusionbench.datasets.splits import LIST_HELP, LIST_OPTION, chosen_value
from fusionbench.errors import InputError

LIGHT_OPTION = "light"
LIGHT_SUFFIX = {"day": "D", "night": "N"}
"""The last letter of an image's name says when it was taken."""

LABELS_OPTION = "labels"
LABEL_SETS = ("fusion", "visible", "infrared")
"""The third-party detection labels were drawn three times, on each kind of image; they differ."""

MASK_CLASSES = ("unlabelled", "car", "person", "bike", "curve", "car_stop", "guardrail", "color_cone", "bump")
"""Ids 0 to 8 of the label images."""

_GROUPS = ("train", "test")
_MASK_NAMES = ("segmentation_labels", "label", "labels")
_DETECTION_NAMES = ("msrs-detection-label", "msrs_detection_label")


class MSRS(PairedFiles):
    """Reader of the current layout `{train,test}/{vi,ir,Segmentation_labels}` and of the older one.

    The older one, from SeAFusion, is `{Visible,Infrared,Label}/{train,test}/MSRS`. Boxes for all images come
    from the third-party repository Lele-3/MSRS-detection-label, inside the dataset's folder or beside it.
    Test images are every few frames of the drives that train images come from.
    """

    card: ClassVar[DatasetCard] = DatasetCard(
        name="msrs",
        title="MSRS",
        splits=("test", "train", "all"),
        licence=SOURCES["msrs"].terms,
        source=SOURCES["msrs"].origin,
        paper="Tang et al., PIAFusion: A progressive infrared and visible image fusion network based on "
        "illumination aware, Information Fusion 2022",
        box_classes=("person", "bicycle", "car"),
        mask_classes=MASK_CLASSES,
        options={
            LIST_OPTION: LIST_HELP,
            NATIVE_OPTION: NATIVE_HELP,
            DEPTH_OPTION: DEPTH_HELP,
            LIGHT_OPTION: "day or night: only images taken then",
            LABELS_OPTION: "fusion (default), visible or infrared: the kind of image the boxes were drawn on",
        },
    )
    folder_names: ClassVar[tuple[str, ...]] = ("msrs",)
    looked_for: ClassVar[str] = (
        "{train,test}/{vi,ir} or {Visible,Infrared}/{train,test}/MSRS in it or in MSRS/"
    )
    splits_of: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "test": ("test",),
        "train": ("train",),
        "all": ("train", "test"),
    }

    @classmethod
    def native_condition(cls, image_id: str) -> str:
        """`day` or `night`, by the last letter of the name."""
        return by_last_letter(image_id)

    @classmethod
    def _layout(cls, folder: Path) -> dict[str, Part]:
        return _current_layout(folder) or _old_layout(folder)

    @classmethod
    def _with_labels(
        cls, parts: tuple[Part, ...], folder: Path, options: Mapping[str, str]
    ) -> tuple[Part, ...]:
        chosen = chosen_value(cls.card, LABELS_OPTION, options.get(LABELS_OPTION, LABEL_SETS[0]), LABEL_SETS)
        labels = _label_folder(folder, chosen)
        if labels is None:
            if LABELS_OPTION in options:
                raise InputError(
                    f"{folder}: no MSRS-detection-label/{chosen} in it or beside it; get it with "
                    "`fusionbench data download msrs_labels`"
                )
            return parts
        return tuple(replace(part, boxes=subfolder(labels, (_group_of(part),))) for part in parts)

    def _chosen(self, options: Mapping[str, str]) -> MSRS:
        dataset = listed(self, options)
        if LIGHT_OPTION not in options:
            return dataset
        light = chosen_value(self.card, LIGHT_OPTION, options[LIGHT_OPTION], tuple(LIGHT_SUFFIX))
        untagged = [s.id for s in dataset.samples if not s.id.endswith(tuple(LIGHT_SUFFIX.values()))]
        if untagged:
            raise InputError(
                f"{self.parts[0].visible}: {untagged[0]!r} ends neither in D (day) nor in N (night); "
                f"rename it or leave out the option {LIGHT_OPTION}"
            )
        chosen = tuple(s.id for s in dataset.samples if s.id.endswith(LIGHT_SUFFIX[light]))
        if not chosen:
            raise InputError(f"{self.parts[0].visible}: has no image taken by {light}; drop {LIGHT_OPTION}")
        return replace(dataset, keep=chosen)


def _current_layout(folder: Path) -> dict[str, Part]:
    groups = {}
    for name in _GROUPS:
        group = subfolder(folder, (name,))
        images = image_folders(group) if group else None
        if group and images:
            groups[name] = Part(*images, masks=subfolder(group, _MASK_NAMES))
    return groups


def _old_layout(folder: Path) -> dict[str, Part]:
    visible, infrared = subfolder(folder, VISIBLE_NAMES), subfolder(folder, INFRARED_NAMES)
    masks = subfolder(folder, _MASK_NAMES)
    groups = {}
    for name in _GROUPS:
        left, right = _old_folder(visible, name), _old_folder(infrared, name)
        if left and right and (holds_images(left) or holds_images(right)):
            groups[name] = Part(left, right, masks=_old_folder(masks, name))
    return groups


def _old_folder(modality: Path | None, group: str) -> Path | None:
    split = subfolder(modality, (group,)) if modality else None
    return subfolder(split, ("msrs",)) if split else None


def _group_of(part: Part) -> str:
    """`train` or `test`, whichever folder above the images says so (the nearest)."""
    return next(name.lower() for name in reversed(part.visible.parts) if name.lower() in _GROUPS)


def _label_folder(folder: Path, chosen: str) -> Path | None:
    """The folder `{fusion,visible,infrared}` of the detection labels, inside the dataset or beside it."""
    for place in (folder, folder.resolve().parent):
        found = find_layout(place, _DETECTION_NAMES, lambda held: _label_set(held, chosen))
        if found is not None:
            return found[1]
    return None


def _label_set(folder: Path, chosen: str) -> Path | None:
    held = subfolder(folder, (chosen,))
    is_labels = held is not None and folder.name.lower().startswith(_DETECTION_NAMES)
    return held if is_labels else None
