"""The compiled loops work whatever becomes of the folder that keeps their machine code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CODE = """
import numpy as np
from fusionbench_metrics.gaussian_window import gaussian_taps, local_mean
print(float(local_mean(np.full((9, 9), 7.0), gaussian_taps(3, 1.0))[2, 2]))
"""


def measured(cache: Path) -> float:
    """A local mean in a process of its own that keeps machine code in a folder."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    done = subprocess.run(
        [sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


def test_damaged_machine_code_is_made_again(tmp_path):
    expected = measured(tmp_path)
    kept = [path for path in tmp_path.rglob("*.nb?") if path.is_file()]
    assert kept
    for path in kept:
        path.write_bytes(path.read_bytes()[:7])
    assert measured(tmp_path) == expected == 7.0
