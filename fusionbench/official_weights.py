"""Weights as their authors publish them: found, checked against the method's card, and read.

A method's files are looked for in a folder a person names, in FUSIONBENCH_WEIGHTS and in the user's cache,
each time under the method's name (`seafusion/SeAFusion.pth`) and then without it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from fusionbench.contracts import MethodCard, WeightsFile
from fusionbench.datasets.archives import ArchiveError
from fusionbench.errors import InputError
from fusionbench.weight_files import (
    ENVIRONMENT_VARIABLE,
    download_weights,
    read_header,
    read_tensors,
    require_checksum,
    weights_folder,
    weights_folders,
)
from fusionbench.whole_files import appearing

if TYPE_CHECKING:
    import torch

    from fusionbench.datasets.archives import Progress

MADE_FROM = "made_from"
"""In the header of a converted file: the checksums of what it was made of, in the order of the card."""

HOLDS = "holds"
"""In the header of a converted file: the checksum of its tensors."""


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
    return _joined(card, {each: path for each, path in paths.items() if path is not None})


def problem_with_official_weights(card: MethodCard) -> str:
    """Why a method's weights in the usual places cannot be used; empty if they can."""
    try:
        official_tensors(card)
    except InputError as error:
        return str(error)
    return ""


def has_official_weights(card: MethodCard) -> bool:
    """Whether every file of a method's weights lies in one of the usual places, unchecked."""
    return where_official_weights_are(card) is not None


def where_official_weights_are(card: MethodCard) -> Path | None:
    """The converted file, else the folder of the authors' own files, else None; unchecked."""
    folders = weights_folders()
    if (converted := _first(converted_name(card), card, folders)) is not None:
        return converted
    found = [_first(each.name, card, folders) for each in card.official_weights]
    return None if None in found or not found else found[0].parent  # type: ignore[union-attr]


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
    return _joined(card, {wanted: path})


def _converted(card: MethodCard, path: Path) -> dict[str, torch.Tensor]:
    header, tensors = read_header(path), read_tensors(path).tensors
    if header.get(MADE_FROM) != _made_from(card) or header.get(HOLDS) != _checksum(tensors):
        raise InputError(
            f"{path}: does not hold the authors' weights of {card.name}; remove it and run "
            f"fusionbench weights get {card.name}"
        )
    return tensors


def _joined(card: MethodCard, paths: dict[WeightsFile, Path]) -> dict[str, torch.Tensor]:
    tensors: dict[str, torch.Tensor] = {}
    for each, path in paths.items():
        try:
            require_checksum(path, each.sha256)
        except ArchiveError as error:
            raise InputError(
                f"{path}: is not the authors' file of method {card.name} ({error}); remove it and run "
                f"fusionbench weights get {card.name}"
            ) from error
        prefix = f"{each.part}." if each.part else ""
        tensors |= {f"{prefix}{name}": value for name, value in read_tensors(path).tensors.items()}
    return tensors


def _first(name: str, card: MethodCard, folders: list[Path]) -> Path | None:
    own = [card.name, *([card.family] if card.family else [])]
    places = [place for folder in folders for place in (*(folder / each for each in own), folder)]
    candidates = [place / name for place in places]
    return next((path for path in candidates if path.is_file()), None)


def _how_to_get(card: MethodCard, missing: list[str], weights: Path | None) -> str:
    where = "" if weights is None else f"{weights}: "
    return (
        f"{where}method {card.name} needs its authors' weights ({', '.join(missing)}); get them by "
        f"fusionbench weights get {card.name}, or name a folder that holds them in FUSIONBENCH_WEIGHTS or "
        "with --weights"
    )


def get_official_weights(
    card: MethodCard, source: Path | None = None, progress: Progress | None = None
) -> Path:
    """Bring a method's weights to FUSIONBENCH_WEIGHTS or the user's cache, as one safetensors file.

    Args:
        card: Of the method.
        source: Folder that holds the authors' files already; None downloads those that are nowhere yet.
        progress: Told of the bytes received and expected.

    Returns:
        The converted file. What was there before and is right is not made again.

    Raises:
        InputError: If a file cannot be had or is another one than the card says, or nothing can be written.
    """
    target = weights_folder() / card.name / converted_name(card)
    if target.is_file() and not _damaged(card, target):
        return target
    folders = weights_folders() if source is None else [source]
    paths = {each: _first(each.name, card, folders) for each in card.official_weights}
    if source is not None and None in paths.values():
        missing = next(each.name for each, path in paths.items() if path is None)
        raise InputError(f"{source}: has no {missing} of method {card.name}; copy it there")
    tensors = _joined(card, {each: path or _downloaded(card, each, progress) for each, path in paths.items()})
    _write(target, tensors, card)
    return target


def _damaged(card: MethodCard, converted: Path) -> bool:
    try:
        _converted(card, converted)
    except InputError:
        return True
    return False


def _downloaded(card: MethodCard, each: WeightsFile, progress: Progress | None) -> Path:
    if not each.url:
        raise InputError(
            f"{each.name} of method {card.name} cannot be downloaded as it is ({each.note}); convert it "
            f"(docs/methods.md), and name its folder with --from or in {ENVIRONMENT_VARIABLE}"
        )
    return download_weights(each.url, f"{card.name}/{each.name}", each.sha256, progress)


def _write(target: Path, tensors: dict[str, torch.Tensor], card: MethodCard) -> None:
    from safetensors.torch import save_file

    licences = "; ".join(dict.fromkeys(each.licence for each in card.official_weights))
    header = {
        MADE_FROM: _made_from(card),
        HOLDS: _checksum(tensors),
        "method": card.name,
        "licence": licences,
    }
    try:
        with appearing(target) as temporary:
            save_file({name: value.contiguous() for name, value in tensors.items()}, temporary, header)
    except OSError as error:
        raise InputError(
            f"{target}: cannot be written ({error.strerror or error}); name another folder in "
            f"{ENVIRONMENT_VARIABLE}"
        ) from error


def _checksum(tensors: dict[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _made_from(card: MethodCard) -> str:
    return " ".join(each.sha256 for each in card.official_weights)
