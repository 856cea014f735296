"""Which samples of a dataset: its split, its options, and a user's own list of ids."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from fusionbench.contracts import DatasetCard
from fusionbench.datasets.pairing import normal_id
from fusionbench.errors import InputError
from fusionbench.images import IMAGE_SUFFIXES

LIST_OPTION = "list"
LIST_HELP = "text file with one image id a line: only these images, e.g. a published split"

_SHOWN_IDS = 5


def chosen_split(card: DatasetCard, split: str | None) -> str:
    """The split asked for, or the card's first.

    Raises:
        InputError: If the dataset has no such split.
    """
    if split is None:
        return card.splits[0]
    if split not in card.splits:
        raise InputError(f"{card.name}: has no split {split!r}; its splits are {', '.join(card.splits)}")
    return split


def checked_options(card: DatasetCard, options: Mapping[str, str]) -> Mapping[str, str]:
    """The options as given.

    Raises:
        InputError: If the card does not list one of them; the message suggests the nearest.
    """
    for name in options:
        if name not in card.options:
            near = difflib.get_close_matches(name, card.options, n=1)
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(card.options) or 'none'}"
            raise InputError(f"{card.name}: has no option {name!r}; {hint}")
    return options


def chosen_value(card: DatasetCard, option: str, value: str, allowed: Sequence[str]) -> str:
    """The value of an option.

    Raises:
        InputError: If it is not one of those allowed.
    """
    if value not in allowed:
        raise InputError(f"{card.name}: option {option}={value!r} must be one of {', '.join(allowed)}")
    return value


def read_list(path: Path, known: Collection[str]) -> tuple[str, ...]:
    """Read a split list: one id a line, with or without an image extension, blank lines ignored.

    Args:
        path: The list.
        known: Ids that exist.

    Returns:
        The ids, sorted.

    Raises:
        InputError: If the list cannot be read, is empty, names an id twice, or names one that is not known.
    """
    ids = [_without_suffix(normal_id(line.strip())) for line in _lines(path) if line.strip()]
    if not ids:
        raise InputError(f"{path}: lists no image; write one id a line")
    twice = sorted(name for name, count in Counter(ids).items() if count > 1)
    if twice:
        raise InputError(f"{path}: lists {_some(twice)} more than once; remove the repetition")
    unknown = sorted(set(ids) - set(known))
    if unknown:
        raise InputError(
            f"{path}: {_some(unknown)} not in this split; correct the list or choose another split"
        )
    return tuple(sorted(ids))


def list_text(ids: Iterable[str]) -> str:
    """The text of a split list that `read_list` reads as these ids.

    Raises:
        InputError: If a line cannot hold one of them.
    """
    lines = [f"{name}.png" if _without_suffix(name) != name else name for name in ids]
    for line in lines:
        if len(line.splitlines()) != 1 or normal_id(line.strip()) != line:
            raise InputError(f"{line!r}: cannot stand in a list of ids; rename the file")
    return "".join(f"{line}\n" for line in lines)


def _lines(path: Path) -> list[str]:
    try:
        return path.expanduser().read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; give a text file with one image id a line") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a list of ids ({error})") from error


def _without_suffix(name: str) -> str:
    path = Path(name)
    return name[: -len(path.suffix)] if path.suffix.lower() in IMAGE_SUFFIXES else name


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN_IDS} more" if len(names) > _SHOWN_IDS else ""
    return ", ".join(names[:_SHOWN_IDS]) + more
