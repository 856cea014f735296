"""M3FD: road and campus scenes by day, night and in bad weather (Liu et al., TarDAL, CVPR 2022).

Two sets of one name: 4200 pairs with boxes for detection, and 300 other pairs, without boxes, for fusion.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from fusionbench.contracts import DatasetCard
from fusionbench.datasets.depth_maps import DEPTH_HELP, DEPTH_OPTION
from fusionbench.datasets.layouts import ANNOTATION_NAMES, image_folders, is_called, subfolder
from fusionbench.datasets.native import NATIVE_HELP, NATIVE_OPTION
from fusionbench.datasets.native_marks import of_m3fd
from fusionbench.datasets.paired import PairedFiles, Part
from fusionbench.datasets.sources import SOURCES
from fusionbench.datasets.splits import LIST_HELP, LIST_OPTION

_PAPER = (
    "Liu et al., Target-aware Dual Adversarial Learning and a Multi-scenario Multi-Modality Benchmark "
    "to Fuse Infrared and Visible for Object Detection, CVPR 2022"
)


class M3FD(PairedFiles):
    """Reader of the detection set, `M3FD_Detection/{Ir,Vis,Annotation}`.

    There is no official split, and random ones leak (neighbouring images are video frames): make one with
    `fusionbench data split m3fd`, or get published ones (`data download m3fd_splits`), for the option `list`.
    """

    card: ClassVar[DatasetCard] = DatasetCard(
        name="m3fd",
        title="M3FD detection set",
        splits=("all",),
        licence=SOURCES["m3fd"].terms,
        source=SOURCES["m3fd"].origin,
        paper=_PAPER,
        box_classes=("People", "Car", "Bus", "Motorcycle", "Lamp", "Truck"),
        # COCO has no lamp, and its traffic lights are other things: that class has no synonym.
        box_synonyms={"People": "person"},
        options={LIST_OPTION: LIST_HELP, NATIVE_OPTION: NATIVE_HELP, DEPTH_OPTION: DEPTH_HELP},
    )
    folder_names: ClassVar[tuple[str, ...]] = ("m3fd_detection", "m3fd")
    looked_for: ClassVar[str] = "Ir/, Vis/ and Annotation/ in it, in M3FD_Detection/ or in M3FD/"
    splits_of: ClassVar[Mapping[str, tuple[str, ...]]] = {"all": ("all",)}

    @classmethod
    def native_condition(cls, image_id: str) -> str:
        """Time of day by the published scene attribute."""
        return of_m3fd(image_id)

    @classmethod
    def _layout(cls, folder: Path) -> dict[str, Part]:
        images = image_folders(folder)
        boxes = subfolder(folder, ANNOTATION_NAMES)
        # Any pair of folders may be called Ir and Vis: without boxes only the name tells this dataset apart.
        named = is_called(folder, *cls.folder_names) and not is_called(folder, *M3FDFusion.folder_names)
        if images is None or not (boxes or named):
            return {}
        return {"all": Part(*images, boxes=boxes)}


class M3FDFusion(PairedFiles):
    """Reader of the 300 independent pairs, `M3FD_Fusion/{Ir,Vis}`, which have no boxes."""

    card: ClassVar[DatasetCard] = DatasetCard(
        name="m3fd_fusion",
        title="M3FD fusion set",
        splits=("all",),
        licence=SOURCES["m3fd_fusion"].terms,
        source=SOURCES["m3fd_fusion"].origin,
        paper=_PAPER,
        options={LIST_OPTION: LIST_HELP, NATIVE_OPTION: NATIVE_HELP, DEPTH_OPTION: DEPTH_HELP},
    )
    folder_names: ClassVar[tuple[str, ...]] = ("m3fd_fusion", "m3fd-fusion", "m3fdfusion")
    looked_for: ClassVar[str] = "Ir/ and Vis/ (without Annotation/) in it or in M3FD_Fusion/"
    splits_of: ClassVar[Mapping[str, tuple[str, ...]]] = {"all": ("all",)}

    @classmethod
    def _layout(cls, folder: Path) -> dict[str, Part]:
        images = image_folders(folder)
        if images is None or subfolder(folder, ANNOTATION_NAMES) or not is_called(folder, *cls.folder_names):
            return {}
        return {"all": Part(*images)}
