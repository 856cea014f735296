"""exp(-x) by table: library exponentials differ in the last bit between CPUs, a look-up does not."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

STEPS = 8192
"""Table entries per unit of x."""

_LENGTH = 65536
LAST_STEP = _LENGTH - 1
"""Largest x, in steps; beyond it the last entry is given."""


def decay(steps: NDArray[np.int32]) -> NDArray[np.float32]:
    """Look up exp(-steps / 8192), float32; steps beyond the table's [0, 65535] take its nearest end."""
    return _table().take(steps, mode="clip")


@cache
def _table() -> NDArray[np.float32]:
    return np.array([math.exp(-step / STEPS) for step in range(_LENGTH)], dtype=np.float32)
