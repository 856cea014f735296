"""A user's own word on the real conditions that images were taken in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from fusionbench.contracts import NATIVE_CONDITIONS
from fusionbench.datasets.pairing import normal_id
from fusionbench.errors import InputError

NATIVE_OPTION = "native"
NATIVE_HELP = "text file with lines `ID CONDITION` (day, night, fog, smoke): what images were really taken in"


def read_native(path: Path, known: Iterable[str]) -> Mapping[str, str]:
    """Read a user's own list: one image id and its condition a line.

    Args:
        path: The list.
        known: Ids that exist, in whatever split.

    Raises:
        InputError: If it cannot be read, a line is not an id and one of `NATIVE_CONDITIONS`, or an id is
            not known.
    """
    try:
        lines = path.expanduser().read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; give a text file with lines `ID CONDITION`") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a list of conditions ({error})") from error
    found: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        image_id, condition = ("", *line.strip().rsplit(maxsplit=1))[-2:]
        if not image_id or condition not in NATIVE_CONDITIONS:
            raise InputError(
                f"{path}, line {number}: expected an image id and one of {', '.join(NATIVE_CONDITIONS)}, "
                f"got {line.strip()!r}"
            )
        found[normal_id(image_id)] = condition
    unknown = sorted(found.keys() - set(known))
    if unknown:
        raise InputError(f"{path}: {unknown[0]!r} is no image of this dataset; correct or remove the line")
    return found
