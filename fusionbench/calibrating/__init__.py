"""Equal-distance severities: a severity does the same measured damage, whichever the degradation.

The damage is 1 - MS-SSIM between the clean and the degraded image; `TARGETS` says how much of it, as the
median over real pairs, each severity does. Calibration finds the parameters that do it.
"""

from fusionbench.calibrating.calibrate import TARGETS, Calibration, calibrate
from fusionbench.calibrating.choosing import CalibrationPair, choose_pairs
from fusionbench.calibrating.measuring import damage
from fusionbench.calibrating.solving import Reached, Search, parameters_at
from fusionbench.calibrating.table import write_table

__all__ = [
    "TARGETS",
    "Calibration",
    "CalibrationPair",
    "Reached",
    "Search",
    "calibrate",
    "choose_pairs",
    "damage",
    "parameters_at",
    "write_table",
]
