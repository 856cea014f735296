"""Finds dataset folders by the names people give them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from fusionbench.errors import InputError
from fusionbench.images import IMAGE_SUFFIXES

VISIBLE_NAMES = ("vi", "vis", "visible")
"""Names of a folder of visible images in the wild, compared without regard to case."""

INFRARED_NAMES = ("ir", "inf", "infrared")
ANNOTATION_NAMES = ("annotation", "annotations")

_SHOWN_ENTRIES = 8

Layout = TypeVar("Layout")


def subfolder(folder: Path, names: tuple[str, ...]) -> Path | None:
    """Find a folder inside `folder` by any of its lower-case names, ignoring case; earlier names win."""
    children = list(_folders(folder))
    for name in names:
        for child in children:
            if child.name.lower() == name:
                return child
    return None


def holds_images(folder: Path | None) -> bool:
    """Whether at least one image file lies directly in the folder."""
    if folder is None:
        return False
    return any(path.suffix.lower() in IMAGE_SUFFIXES for path in folder.iterdir())


def image_folders(folder: Path) -> tuple[Path, Path] | None:
    """Find the visible and the infrared folder, both with images, directly inside `folder`."""
    visible, infrared = subfolder(folder, VISIBLE_NAMES), subfolder(folder, INFRARED_NAMES)
    if visible is None or infrared is None or not (holds_images(visible) and holds_images(infrared)):
        return None
    return visible, infrared


def find_layout(
    root: Path, names: tuple[str, ...], read: Callable[[Path], Layout | None]
) -> tuple[Path, Layout] | None:
    """Find a dataset in its own folder or in a folder that holds it.

    Args:
        root: Where to look.
        names: Lower-case names of the dataset's own folder; `name-main`, `name-<commit>` and a folder nested
            in one of the same name (as archives unpack) count too.
        read: Gives the layout of a candidate folder, or None if it is not there.

    Returns:
        The dataset's folder and what `read` gave for it, or None.

    Raises:
        InputError: If the root is no folder or may not be read.
    """
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; give the dataset's folder or the one that holds it")
    try:
        for candidate in _candidates(root, names):
            layout = read(candidate)
            if layout is not None:
                return candidate, layout
    except PermissionError as error:
        raise InputError(f"{error.filename}: may not be read; check its permissions") from None
    return None


def is_called(folder: Path, *starts: str) -> bool:
    """Whether a folder's name begins in one of these lower-case ways, also where it is given as `.`."""
    return any(name.lower().startswith(starts) for name in (folder.name, folder.resolve().name))


def listing(folder: Path) -> str:
    """What is in a folder, for an error message: the first few names."""
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    if not names:
        return "nothing"
    more = f" and {len(names) - _SHOWN_ENTRIES} more" if len(names) > _SHOWN_ENTRIES else ""
    return ", ".join(names[:_SHOWN_ENTRIES]) + more


def _candidates(root: Path, names: tuple[str, ...]) -> Iterator[Path]:
    yield root
    for child in _named(root, names):
        yield child
        yield from _named(child, names)


def _named(folder: Path, names: tuple[str, ...]) -> list[Path]:
    """Child folders called by one of the names, those with the exact name first."""
    children = list(_folders(folder))
    exact = [child for name in names for child in children if child.name.lower() == name]
    unpacked = [child for name in names for child in children if child.name.lower().startswith(f"{name}-")]
    return [*exact, *unpacked]


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
