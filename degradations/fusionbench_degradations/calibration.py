"""The calibrated severities: for each degradation the parameter at which it does a stated amount of damage.

The table `calibrated.csv` beside this file is written by `fusionbench calibrate`; its first lines, each after
a `#`, say from which pairs and how.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import cast

from fusionbench.contracts import Levels

TABLE = Path(__file__).with_name("calibrated.csv")


def calibrated_levels(name: str) -> Levels:
    """Parameter of a degradation at severities 1 to 5.

    Raises:
        KeyError: If the table has no such degradation.
    """
    return _table()[name]


@cache
def _table() -> dict[str, Levels]:
    lines = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return {
        row["degradation"]: cast("Levels", tuple(float(row[str(severity)]) for severity in range(1, 6)))
        for row in csv.DictReader(lines)
    }
