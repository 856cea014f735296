"""RoadScene: 221 aligned pairs cut from FLIR road videos, each of its own size (Xu et al., AAAI 2020)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from fusionbench.contracts import DatasetCard
from fusionbench.datasets.depth_maps import DEPTH_HELP, DEPTH_OPTION
from fusionbench.datasets.layouts import holds_images, subfolder
from fusionbench.datasets.native import NATIVE_HELP, NATIVE_OPTION
from fusionbench.datasets.native_marks import of_roadscene
from fusionbench.datasets.paired import PairedFiles, Part
from fusionbench.datasets.sources import SOURCES
from fusionbench.datasets.splits import LIST_HELP, LIST_OPTION


class RoadScene(PairedFiles):
    """Reader of the official layout: `crop_LR_visible` with `cropinfrared`, the pair of equal size.

    Packed copies of the dataset renumber the images: results by index do not carry over between them.
    """

    card: ClassVar[DatasetCard] = DatasetCard(
        name="roadscene",
        title="RoadScene",
        splits=("all",),
        licence=SOURCES["roadscene"].terms,
        source=SOURCES["roadscene"].origin,
        paper="Xu et al., FusionDN: A Unified Densely Connected Network for Image Fusion, AAAI 2020",
        options={LIST_OPTION: LIST_HELP, NATIVE_OPTION: NATIVE_HELP, DEPTH_OPTION: DEPTH_HELP},
    )
    folder_names: ClassVar[tuple[str, ...]] = ("roadscene", "road-scene-infrared-visible-images")
    looked_for: ClassVar[str] = "crop_LR_visible/ and cropinfrared/ in it or in RoadScene/"
    splits_of: ClassVar[Mapping[str, tuple[str, ...]]] = {"all": ("all",)}

    @classmethod
    def native_condition(cls, image_id: str) -> str:
        """`day` or `night` for images that have been looked at."""
        return of_roadscene(image_id)

    @classmethod
    def _layout(cls, folder: Path) -> dict[str, Part]:
        visible = subfolder(folder, ("crop_lr_visible",))
        infrared = subfolder(folder, ("cropinfrared",))
        if visible is None or infrared is None or not (holds_images(visible) or holds_images(infrared)):
            return {}
        return {"all": Part(visible, infrared)}
