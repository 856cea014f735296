"""Datasets: readers of the field's layouts, and the procedural scenes.

A reader finds its images under a root (see `fusionbench.datasets.roots`), pairs them by file stem and says
what is wrong with those it cannot use. Nothing here decides what is done with a pair.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fusionbench import registry

if TYPE_CHECKING:
    from fusionbench.contracts import Dataset

__all__ = ["open_dataset"]


def open_dataset(
    name: str,
    root: Path | None = None,
    split: str | None = None,
    options: Mapping[str, str] | None = None,
) -> Dataset:
    """Open a dataset by its registered name.

    Args:
        name: Registered name, e.g. `msrs`.
        root: The dataset's folder or one that holds it; None takes FUSIONBENCH_DATA, then the config file.
        split: Split name; None takes the dataset's default.
        options: The dataset's own options, name to value.

    Raises:
        UnknownNameError: If no dataset has that name.
        InputError: If the layout is not there, or the split or an option is unknown.
    """
    from fusionbench.contracts import DatasetRequest
    from fusionbench.datasets.roots import data_root

    reader = registry.dataset_class(name)
    found = data_root(name, root) if root is not None or reader.card.needs_root else None
    return reader.open(DatasetRequest(root=found, split=split, options=dict(options or {})))
