"""From names of datasets to the frames a stage learns from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fusionbench import registry
from fusionbench.contracts import Dataset, Sample, StageCard, StageData
from fusionbench.datasets import open_dataset
from fusionbench.errors import InputError
from fusionbench.training.frames import FrameSettings, KeptFrames
from fusionbench.training.parts import Part, part_of, require_pairs
from fusionbench.training.settings import DataSettings


def open_datasets(names: Sequence[str], root: Path | None) -> list[Dataset]:
    """Open datasets by name, each with its split where one is given (`llvip:train`).

    Raises:
        InputError: If none is named, or one cannot be opened.
        UnknownNameError: If no dataset has a name.
    """
    if not names:
        raise InputError("--dataset: name the datasets to learn from, such as --dataset msrs:train")
    opened = []
    for text in dict.fromkeys(names):
        name, _, split = text.partition(":")
        takes_root = registry.dataset_class(name).card.needs_root
        opened.append(open_dataset(name, root if takes_root else None, split or None))
    return opened


def stage_data(
    card: StageCard, settings: DataSettings, seed: int, root: Path | None, folder: Path
) -> StageData:
    """The frames of a stage.

    Args:
        card: Of the stage.
        settings: Of its data.
        seed: Of the run.
        root: Where datasets are.
        folder: Where frames are kept.

    Raises:
        InputError: If a dataset cannot be opened, is too small to be split, or lacks masks that are needed.
    """
    datasets = open_datasets(settings.datasets, root)
    classes = _mask_classes(card, datasets)
    made = FrameSettings(
        settings.conditions, settings.severities, settings.variants, settings.longest_side, seed
    )
    frames = {}
    for part in ("train", "choose"):
        sources = [(each, samples_of(each, part, settings.limit)) for each in datasets]
        if card.needs_masks:
            for dataset, samples in sources:
                _require_masks(card, dataset, samples)
        frames[part] = KeptFrames(sources, made, folder, with_masks=card.needs_masks)
    return StageData(frames["train"], frames["choose"], classes)


def samples_of(dataset: Dataset, part: Part, limit: int = 0) -> list[Sample]:
    """The samples of one part of a dataset.

    Args:
        dataset: The dataset.
        part: `train`, `choose` or `judge`.
        limit: Only so many, spread over the part; 0 takes all.

    Raises:
        InputError: If the dataset is too small to be split.
    """
    usable = [sample for sample in dataset.samples if sample.problem is None]
    chosen = part_of(usable, part)
    require_pairs(chosen, part, dataset.card.name, len(usable))
    if not limit or len(chosen) <= limit:
        return chosen
    return [chosen[position * len(chosen) // limit] for position in range(limit)]


def _mask_classes(card: StageCard, datasets: Sequence[Dataset]) -> tuple[str, ...]:
    found = {dataset.card.mask_classes for dataset in datasets}
    if card.needs_masks and len(found) > 1:
        names = ", ".join(dataset.card.name for dataset in datasets)
        raise InputError(
            f"stage {card.name}: {names} have masks of different classes; name one of them: "
            f"--set {card.name}.datasets={datasets[0].card.name}"
        )
    return found.pop() if len(found) == 1 else ()


def _require_masks(card: StageCard, dataset: Dataset, samples: Sequence[Sample]) -> None:
    for sample in samples:
        if dataset.labels(sample).mask is None:
            raise InputError(
                f"stage {card.name}: {dataset.card.name} has no mask for {sample.id}; add its segmentation "
                f"labels, or learn from another dataset there: --set {card.name}.datasets=scenes"
            )
