"""Pairs two folders of images by file stem.

Never by position in a sorted listing: one stray file (Thumbs.db, an orphan) would shift every pair after it.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from fusionbench.contracts import Sample
from fusionbench.images import image_files


def pair_folders(visible: Path, infrared: Path) -> tuple[Sample, ...]:
    """Pair the images of two folders by stem; the extensions may differ.

    Args:
        visible: Folder of visible images.
        infrared: Folder of infrared images.

    Returns:
        One sample for each stem in either folder, sorted by id. A stem that only one folder has, or that two
        files of one folder share, becomes a sample with a `problem`.

    Raises:
        InputError: If a folder is missing or cannot be listed.
    """
    in_visible, in_infrared = _by_stem(visible), _by_stem(infrared)
    stems = sorted(in_visible.keys() | in_infrared.keys())
    return tuple(
        _sample(stem, in_visible.get(stem, []), in_infrared.get(stem, []), visible, infrared)
        for stem in stems
    )


def join(groups: Iterable[Iterable[Sample]]) -> tuple[Sample, ...]:
    """Merge the samples of several folder pairs, sorted by id; an id found twice becomes a problem."""
    by_id: dict[str, list[Sample]] = defaultdict(list)
    for group in groups:
        for sample in group:
            by_id[sample.id].append(sample)
    return tuple(_only(found) for _, found in sorted(by_id.items()))


def normal_id(name: str) -> str:
    """Composed Unicode form of a name: macOS archives store accents decomposed, other systems do not."""
    return unicodedata.normalize("NFC", name)


def _by_stem(folder: Path) -> dict[str, list[Path]]:
    stems: dict[str, list[Path]] = defaultdict(list)
    for path in image_files(folder):
        stems[normal_id(path.stem)].append(path)
    return stems


def _sample(
    stem: str, visible: list[Path], infrared: list[Path], visible_folder: Path, infrared_folder: Path
) -> Sample:
    problem = None
    readable = stem.encode("utf-8", "backslashreplace").decode()
    if readable != stem:
        problem = f"{readable}: the file's name is no valid UTF-8; rename it"
    for files in (visible, infrared):
        if len(files) > 1:
            names = " and ".join(str(path) for path in files)
            problem = f"{names} share the stem {stem!r}; keep one of them"
    if not visible:
        problem = problem or f"{infrared[0]}: no visible image {stem!r} in {visible_folder}; add or remove it"
    if not infrared:
        problem = (
            problem or f"{visible[0]}: no infrared image {stem!r} in {infrared_folder}; add or remove it"
        )
    return Sample(
        id=readable,
        visible=visible[0] if visible else None,
        infrared=infrared[0] if infrared else None,
        problem=problem,
    )


def _only(found: list[Sample]) -> Sample:
    if len(found) == 1:
        return found[0]
    places = " and ".join(str(sample.visible or sample.infrared) for sample in found)
    return Sample(
        id=found[0].id,
        visible=found[0].visible,
        infrared=found[0].infrared,
        problem=f"{places} share the id {found[0].id!r}; open the splits one at a time or rename one",
    )
