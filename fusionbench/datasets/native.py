"""Real conditions that images were taken in, as far as names and published lists tell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fusionbench.contracts import NATIVE_CONDITIONS
from fusionbench.datasets.pairing import normal_id
from fusionbench.errors import InputError

NATIVE_OPTION = "native"
NATIVE_HELP = "text file with lines `ID CONDITION` (day, night, fog, smoke): what images were really taken in"


def by_last_letter(image_id: str) -> str:
    """`day` for a name that ends in D, `night` for N, else nothing."""
    return {"D": "day", "N": "night"}.get(image_id[-1:], "")


def read_native(path: Path) -> Mapping[str, str]:
    """Read a user's own list: one image id and its condition a line.

    Raises:
        InputError: If it cannot be read, or a line is not an id and one of `NATIVE_CONDITIONS`.
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
        image_id, _, condition = line.strip().rpartition(" ")
        if not image_id or condition not in NATIVE_CONDITIONS:
            raise InputError(
                f"{path}, line {number}: expected an image id and one of {', '.join(NATIVE_CONDITIONS)}, "
                f"got {line.strip()!r}"
            )
        found[normal_id(image_id.strip())] = condition
    return found


M3FD_RUNS: tuple[tuple[int, str], ...] = (
    (0, "day"),
    (244, ""),
    (324, "night"),
    (342, ""),
    (386, "night"),
    (709, ""),
    (719, "day"),
    (743, ""),
    (825, "day"),
    (865, ""),
    (970, "day"),
    (1227, "night"),
    (1301, ""),
    (1444, "night"),
    (1494, ""),
    (1580, "day"),
    (1863, ""),
    (1912, "day"),
    (1935, ""),
    (1995, "day"),
    (2044, ""),
    (2095, "day"),
    (2201, ""),
    (2243, "day"),
    (2756, "night"),
    (2779, "day"),
    (2939, ""),
    (2970, "day"),
    (3376, ""),
    (3403, "day"),
    (3575, ""),
    (3588, "day"),
    (3613, ""),
    (3615, "day"),
    (3616, ""),
    (3627, "day"),
    (3628, ""),
    (3631, "day"),
    (3632, ""),
    (3633, "day"),
    (3634, ""),
    (3635, "day"),
    (3636, ""),
    (3640, "day"),
    (3641, ""),
    (3661, "day"),
    (3855, "night"),
    (4103, "day"),
)
"""First id of each run of M3FD images with one scene attribute, and what it says of the time of day.

After the scene attribute that TarDAL's authors publish for the detection set: `overcast` and `daytime` are
by day; runs they call `challenge` mix glare, fog and smoke, and are left unmarked.
"""


def of_m3fd(image_id: str) -> str:
    """Time of day of an image of the M3FD detection set; empty where its attribute does not tell."""
    if not image_id.isdecimal():
        return ""
    return next((native for first, native in reversed(M3FD_RUNS) if int(image_id) >= first), "")
