"""LLVIP: street scenes at night from a fixed mast, with pedestrians boxed (Jia et al., ICCVW 2021)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from fusionbench.contracts import DatasetCard
from fusionbench.datasets.depth_maps import DEPTH_HELP, DEPTH_OPTION
from fusionbench.datasets.layouts import (
    ANNOTATION_NAMES,
    INFRARED_NAMES,
    VISIBLE_NAMES,
    holds_images,
    subfolder,
)
from fusionbench.datasets.native import NATIVE_HELP, NATIVE_OPTION
from fusionbench.datasets.paired import PairedFiles, Part, listed
from fusionbench.datasets.sources import SOURCES
from fusionbench.datasets.splits import LIST_HELP, LIST_OPTION
from fusionbench.errors import InputError

MAST_HORIZON = 0.02
"""The cameras look down from a mast: the vanishing line lies near the upper edge."""

SUBSET_SPLIT = "llvip_100"
SUBSET_SIZE = 100
TEST_PAIRS = 3463


class LLVIP(PairedFiles):
    """Reader of the official layout `LLVIP/{visible,infrared}/{train,test}` with `Annotations/`.

    The split `llvip_100` spreads 100 images evenly over the test split: sorted by name, every 34th
    (3463 // 100) from the first, the first 100 of them (the subset of that name that SDCUN publishes keeps to
    this rule). It is defined on the complete test split only.
    """

    card: ClassVar[DatasetCard] = DatasetCard(
        name="llvip",
        title="LLVIP",
        splits=("test", "train", "all", SUBSET_SPLIT),
        licence=SOURCES["llvip"].terms,
        source=SOURCES["llvip"].origin,
        paper="Jia et al., LLVIP: A Visible-infrared Paired Dataset for Low-light Vision, ICCVW 2021",
        box_classes=("person",),
        options={LIST_OPTION: LIST_HELP, NATIVE_OPTION: NATIVE_HELP, DEPTH_OPTION: DEPTH_HELP},
    )
    folder_names: ClassVar[tuple[str, ...]] = ("llvip",)
    looked_for: ClassVar[str] = "visible/{train,test} and infrared/{train,test} in it or in LLVIP/"
    splits_of: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "test": ("test",),
        "train": ("train",),
        "all": ("train", "test"),
        SUBSET_SPLIT: ("test",),
    }
    usual_horizon: ClassVar[float] = MAST_HORIZON

    @classmethod
    def native_condition(cls, image_id: str) -> str:
        """`night`: 24 of the 26 scenes are dark; which two are not, its authors do not say by name."""
        del image_id
        return "night"

    @classmethod
    def _layout(cls, folder: Path) -> dict[str, Part]:
        visible, infrared = subfolder(folder, VISIBLE_NAMES), subfolder(folder, INFRARED_NAMES)
        if visible is None or infrared is None:
            return {}
        boxes = subfolder(folder, ANNOTATION_NAMES)
        groups = {}
        for name in ("train", "test"):
            left, right = subfolder(visible, (name,)), subfolder(infrared, (name,))
            if left and right and (holds_images(left) or holds_images(right)):
                groups[name] = Part(left, right, boxes=boxes)
        return groups

    def _chosen(self, options: Mapping[str, str]) -> LLVIP:
        if self.split != SUBSET_SPLIT:
            return listed(self, options)
        ids = [sample.id for sample in self.samples]
        if len(ids) != TEST_PAIRS:
            raise InputError(
                f"{self.parts[0].visible}: {SUBSET_SPLIT} is defined on all {TEST_PAIRS} test pairs, "
                f"found {len(ids)}; complete the download or use --split test"
            )
        chosen = ids[:: TEST_PAIRS // SUBSET_SIZE][:SUBSET_SIZE]
        return listed(replace(self, keep=tuple(chosen)), options)
