"""The file of calibrated severities: parameters by degradation, with what they came from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fusionbench import __version__
from fusionbench.calibrating.calibrate import Calibration, fingerprint
from fusionbench.calibrating.choosing import CalibrationPair
from fusionbench.calibrating.measuring import WIDEST
from fusionbench.errors import InputError
from fusionbench.whole_files import appearing


def table_text(calibrations: Sequence[Calibration], pairs: Sequence[CalibrationPair], command: str) -> str:
    """The file's text: provenance after `#`, then the parameters, then after `#` the reached medians."""
    targets = " ".join(f"{level.target:g}" for level in calibrations[0].levels)
    names = [pair.dataset.card.name for pair in pairs]
    counts = ", ".join(f"{name} {names.count(name)}" for name in dict.fromkeys(names))
    severities = ",".join(str(number + 1) for number in range(len(calibrations[0].levels)))
    ordered = sorted(calibrations, key=lambda calibration: calibration.card.name)
    lines = [
        f"# Written by `{command}`, fusionbench {__version__}.",
        f"# Targets: median of 1 - MS-SSIM (clean, degraded) = {targets}, images at most {WIDEST} px wide.",
        f"# Pairs: {counts}; fingerprint {fingerprint(pairs)}.",
        f"degradation,{severities}",
        *(_row(one.card.name, [level.parameter for level in one.levels]) for one in ordered),
        "# Medians reached:",
        f"# degradation,{severities}",
        *("# " + _row(one.card.name, [round(level.damage, 5) for level in one.levels]) for one in ordered),
    ]
    left_out = [
        f"# Left out for {one.card.name}: {', '.join(one.left_out)}" for one in ordered if one.left_out
    ]
    return "\n".join([*lines, *left_out]) + "\n"


def write_table(path: Path, text: str) -> None:
    """Write the file; it appears complete or not at all.

    Raises:
        InputError: If it cannot be written.
    """
    try:
        with appearing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error}); choose another") from error


def _row(name: str, values: Sequence[float]) -> str:
    return ",".join([name, *(f"{value:.10g}" for value in values)])
