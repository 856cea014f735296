"""Weights as their authors publish them: found, checked against the method's card, and read.

A method's files are looked for in a folder a person names, in FUSIONBENCH_WEIGHTS and in the user's cache, each
time under the method's name (`seafusion/SeAFusion.pth`) and then without it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fusionbench.contracts import MethodCard, WeightsFile
from fusionbench.errors import InputError
from fusionbench.weight_files import (
    read_header,
    read_tensors,
    require_checksum,
    weights_folders,
)

if TYPE_CHECKING:
    import torch

MADE_FROM = "made_from"
"""In the header of a converted file: the checksums of what it was made of, in the order of the card."""


def official_tensors(card: MethodCard, weights: Path | None = None) -> dict[str, torch.Tensor]:
    """The authors' tensors by the authors' names.

    Args:
        card: Of the method, with its `official_weights`.
        weights: A file, or a folder of the method's files; None looks in the usual places.

    Returns:
        Tensors on the CPU; of a method with several networks, each name begins with `part.`.

    Raises:
        InputError: If a file is missing, or is not the one on the card.
    """
    if weights is not None and weights.is_file():
        return _given(card, weights)
    folders = weights_folders() if weights is None else [weights]
    converted = _first(converted_name(card), card, folders)
    if converted is not None:
        return _converted(card, converted)
    paths = {each: _first(each.name, card, folders) for each in card.official_weights}
    missing = [each.name for each, path in paths.items() if path is None]
    if missing:
        raise InputError(_how_to_get(card, missing, weights))
    return _joined({each: path for each, path in paths.items() if path is not None})


def has_official_weights(card: MethodCard) -> bool:
    """Whether every file of a method's weights lies in one of the usual places, unchecked."""
    folders = weights_folders()
    if _first(converted_name(card), card, folders) is not None:
        return True
    return all(_first(each.name, card, folders) is not None for each in card.official_weights)


def converted_name(card: MethodCard) -> str:
    """What the one file is called that a method's weights are converted to."""
    return f"{card.name}.safetensors"


def _given(card: MethodCard, path: Path) -> dict[str, torch.Tensor]:
    if path.suffix == ".safetensors":
        return _converted(card, path)
    if len(card.official_weights) > 1:
        names = ", ".join(each.name for each in card.official_weights)
        raise InputError(f"{path}: method {card.name} needs {names}; name the folder that holds them")
    (wanted,) = card.official_weights
    return _joined({wanted: path})


def _converted(card: MethodCard, path: Path) -> dict[str, torch.Tensor]:
    expected = " ".join(each.sha256 for each in card.official_weights)
    if read_header(path).get(MADE_FROM) != expected:
        raise InputError(
            f"{path}: was not made from the authors' weights of {card.name}; remove it and run "
            f"fusionbench weights get {card.name}"
        )
    return read_tensors(path).tensors


def _joined(paths: dict[WeightsFile, Path]) -> dict[str, torch.Tensor]:
    tensors: dict[str, torch.Tensor] = {}
    for each, path in paths.items():
        require_checksum(path, each.sha256)
        prefix = f"{each.part}." if each.part else ""
        # Known by its checksum.
        tensors |= {f"{prefix}{name}": value for name, value in read_tensors(path).tensors.items()}
    return tensors


def _first(name: str, card: MethodCard, folders: list[Path]) -> Path | None:
    candidates = [place / name for folder in folders for place in (folder / card.name, folder)]
    return next((path for path in candidates if path.is_file()), None)


def _how_to_get(card: MethodCard, missing: list[str], weights: Path | None) -> str:
    where = "" if weights is None else f"{weights}: "
    return (
        f"{where}method {card.name} needs its authors' weights ({', '.join(missing)}); get them by "
        f"fusionbench weights get {card.name}, or name a folder that holds them in FUSIONBENCH_WEIGHTS or with "
        "--weights"
    )
