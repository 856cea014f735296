"""FMB: 1500 aligned pairs of streets in all weathers, with class masks (Liu et al., SegMiF, ICCV 2023)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np

from fusionbench.contracts import UNLABELLED, DatasetCard, Uint8Image
from fusionbench.datasets.annotations import read_mask
from fusionbench.datasets.depth_maps import DEPTH_HELP, DEPTH_OPTION
from fusionbench.datasets.layouts import image_folders, subfolder
from fusionbench.datasets.native import NATIVE_HELP, NATIVE_OPTION
from fusionbench.datasets.paired import PairedFiles, Part
from fusionbench.datasets.sources import SOURCES
from fusionbench.datasets.splits import LIST_HELP, LIST_OPTION

MASK_CLASSES = (
    "road",
    "sidewalk",
    "building",
    "traffic_lamp",
    "traffic_sign",
    "vegetation",
    "sky",
    "person",
    "car",
    "truck",
    "bus",
    "motorcycle",
    "bicycle",
    "pole",
)
"""Ids 1 to 14 of the label images; 0 is what nobody labelled, 2 of 100 pixels."""

_GROUPS = ("train", "test")


class FMB(PairedFiles):
    """Reader of the official layout `{train,test}/{Infrared,Visible,Label,color}`.

    Pixels without a label (id 0) are of no class: they do not count, neither for nor against one.
    """

    card: ClassVar[DatasetCard] = DatasetCard(
        name="fmb",
        title="FMB",
        splits=("test", "train", "all"),
        licence=SOURCES["fmb"].terms,
        source=SOURCES["fmb"].origin,
        paper="Liu et al., Multi-interactive feature learning and a full-time multi-modality benchmark for "
        "image fusion and segmentation, ICCV 2023",
        mask_classes=MASK_CLASSES,
        options={LIST_OPTION: LIST_HELP, NATIVE_OPTION: NATIVE_HELP, DEPTH_OPTION: DEPTH_HELP},
    )
    folder_names: ClassVar[tuple[str, ...]] = ("fmb",)
    looked_for: ClassVar[str] = "{train,test}/{Visible,Infrared} in it or in FMB/"
    splits_of: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "test": ("test",),
        "train": ("train",),
        "all": ("train", "test"),
    }

    @classmethod
    def _layout(cls, folder: Path) -> dict[str, Part]:
        groups = {}
        for name in _GROUPS:
            group = subfolder(folder, (name,))
            images = image_folders(group) if group else None
            if group and images:
                groups[name] = Part(*images, masks=subfolder(group, ("label", "labels")))
        return groups

    def _mask(self, part: Part, stem: str) -> Uint8Image | None:
        if part.masks is None or not (path := part.masks / f"{stem}.png").is_file():
            return None
        ids = read_mask(path, ("unlabelled", *MASK_CLASSES))
        return np.where(ids == 0, UNLABELLED, ids - 1).astype(np.uint8)
