"""Any two folders of images as a dataset."""

from __future__ import annotations

import math
from pathlib import Path
from typing import ClassVar

from fusionbench.contracts import DRIVING_HORIZON, DatasetCard, DatasetRequest
from fusionbench.datasets import splits
from fusionbench.datasets.depth_maps import DEPTH_HELP, DEPTH_OPTION
from fusionbench.datasets.layouts import image_folders, listing
from fusionbench.datasets.native import NATIVE_HELP, NATIVE_OPTION
from fusionbench.datasets.paired import PairedFiles, Part, depth_maps, listed, natives
from fusionbench.datasets.splits import LIST_HELP, LIST_OPTION
from fusionbench.errors import InputError

VISIBLE_OPTION = "visible"
INFRARED_OPTION = "infrared"
HORIZON_OPTION = "horizon"


class FolderDataset(PairedFiles):
    """Pairs of equal stem from two folders.

    The folders are the options `visible` and `infrared` (relative to the working directory), or, without
    them, the folders of the usual names (`vi`, `ir`, ...) directly inside the root.
    """

    card: ClassVar[DatasetCard] = DatasetCard(
        name="folder",
        title="Two folders of images",
        splits=("all",),
        licence="yours",
        source="your own images: a visible and an infrared folder, paired by file name without extension",
        needs_root=False,
        options={
            VISIBLE_OPTION: "folder of visible images",
            INFRARED_OPTION: "folder of infrared images",
            HORIZON_OPTION: "height of the vanishing line in image heights from the top (default 0.45)",
            LIST_OPTION: LIST_HELP,
            NATIVE_OPTION: NATIVE_HELP,
            DEPTH_OPTION: DEPTH_HELP,
        },
    )

    @classmethod
    def open(cls, request: DatasetRequest) -> FolderDataset:
        """Find the two folders.

        Raises:
            InputError: If a folder is not given, missing or without images, or an option is not understood.
        """
        split = splits.chosen_split(cls.card, request.split)
        options = splits.checked_options(cls.card, request.options)
        visible, infrared = _folders(request)
        dataset = cls(
            parts=(Part(visible, infrared),),
            split=split,
            horizon=_horizon(options.get(HORIZON_OPTION, str(DRIVING_HORIZON))),
            depth_maps=depth_maps(options),
            natives=natives(options, [Part(visible, infrared)]),
        )
        if not dataset.samples:
            raise InputError(f"{visible}: no images there nor in {infrared}; check both folders")
        return listed(dataset, options)


def _folders(request: DatasetRequest) -> tuple[Path, Path]:
    given = [request.options.get(option) for option in (VISIBLE_OPTION, INFRARED_OPTION)]
    if given == [None, None] and request.root is not None:
        return _folders_inside(request.root)
    visible, infrared = given
    if not visible or not infrared:
        options = {VISIBLE_OPTION: visible, INFRARED_OPTION: infrared}
        missing = [name for name, folder in options.items() if not folder]
        raise InputError(
            f"folder: no {' and no '.join(missing)} folder is given; add "
            + " and ".join(f"--{name} DIR" for name in missing)
        )
    if Path(visible).expanduser().resolve() == Path(infrared).expanduser().resolve():
        raise InputError(f"folder: visible and infrared are both {visible}; give two folders")
    return Path(visible).expanduser(), Path(infrared).expanduser()


def _folders_inside(root: Path) -> tuple[Path, Path]:
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; give one that holds a visible and an infrared folder")
    found = image_folders(root)
    if found is None:
        raise InputError(
            f"{root}: no folders of images called vi (vis, visible) and ir (inf, infrared); found "
            f"{listing(root)}; name them with --dataset-option visible=DIR --dataset-option infrared=DIR"
        )
    return found


def _horizon(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not -1.0 <= value <= 1.0:
        raise InputError(f"folder: horizon={text!r} must be a number of image heights from -1 to 1")
    return value
