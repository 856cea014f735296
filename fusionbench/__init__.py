"""fusionbench: the benchmark harness for infrared-visible image fusion under degradation.

The names below are imported when they are first used, so that `import fusionbench` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fusionbench.api import Degraded as Degraded
    from fusionbench.api import Evaluation as Evaluation
    from fusionbench.api import contact_sheet as contact_sheet
    from fusionbench.api import degrade as degrade
    from fusionbench.api import evaluate as evaluate
    from fusionbench.api import fuse as fuse
    from fusionbench.api import leaderboard as leaderboard
    from fusionbench.api import measure as measure
    from fusionbench.api import measurements as measurements
    from fusionbench.api import score as score
    from fusionbench.api import train as train

__version__ = "0.1.0"
__all__ = [
    "Degraded",
    "Evaluation",
    "contact_sheet",
    "degrade",
    "evaluate",
    "fuse",
    "leaderboard",
    "measure",
    "measurements",
    "score",
    "train",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("fusionbench.api"), name)
    raise AttributeError(f"module 'fusionbench' has no attribute {name!r}")
