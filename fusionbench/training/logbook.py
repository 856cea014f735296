"""What a run tells of itself: a CSV a step, the same for TensorBoard, and a plot of the losses."""

from __future__ import annotations

import csv
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from fusionbench.whole_files import appearing

CSV_FILE, PLOT_FILE = "log.csv", "losses.png"
COUNTED = "step"

SMOOTHING = 0.9
"""Memory of the running mean that a plot shows over the single steps."""

logger = logging.getLogger(__name__)


class Logbook:
    """The log of one stage.

    Args:
        folder: Of the stage.
        step: Where the run goes on; what an interrupted run wrote beyond it is dropped.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self._path = folder / CSV_FILE
        self._rows = [row for row in read_log(folder) if row[COUNTED] < step]
        self._pending: list[dict[str, float]] = []
        self._writer = _tensorboard(folder, step)
        self._rewrite = True

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Note one step."""
        row = {COUNTED: step, **values}
        self._rows.append(row)
        self._pending.append(row)
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(name, value, step)

    def flush(self) -> None:
        """Put everything noted on the disk."""
        if self._writer is not None:
            self._writer.flush()
        if self._rewrite and self._rows:
            with appearing(self._path) as temporary, temporary.open("w", encoding="utf-8") as file:
                self._write(file, self._rows, with_head=True)
            self._rewrite = False
        elif self._pending:
            with self._path.open("a", encoding="utf-8") as file:
                self._write(file, self._pending, with_head=False)
        self._pending = []

    def _write(self, file: TextIO, rows: list[dict[str, float]], *, with_head: bool) -> None:
        writer = csv.DictWriter(file, list(self._rows[0]), lineterminator="\n")
        if with_head:
            writer.writeheader()
        writer.writerows(rows)

    def close(self, title: str) -> None:
        """Flush, and draw the plot."""
        self.flush()
        if self._writer is not None:
            self._writer.close()
        draw_losses(self._rows, title, self._path.with_name(PLOT_FILE))


def read_log(folder: Path) -> list[dict[str, float]]:
    """The rows of a stage's log, without a torn last line; empty where there is none."""
    path = folder / CSV_FILE
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    whole = [line for line in lines if line.endswith("\n")]
    rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(whole)]
    return [{**row, COUNTED: int(row[COUNTED])} for row in rows]


def draw_losses(rows: list[dict[str, float]], title: str, path: Path) -> None:
    """Draw every loss over the steps, the running mean above the single steps."""
    if not rows:
        return
    from matplotlib.figure import Figure

    names = [name for name in rows[0] if name not in (COUNTED, "seconds")]
    columns = min(3, len(names))
    lines = -(-len(names) // columns)
    figure = Figure(figsize=(4.2 * columns, 2.8 * lines), layout="constrained")
    steps = [row[COUNTED] for row in rows]
    for position, name in enumerate(names):
        axes = figure.add_subplot(lines, columns, position + 1)
        values = [row[name] for row in rows]
        is_rate = name == "learning_rate"
        axes.plot(steps, values, color="tab:blue" if is_rate else "0.8", linewidth=1.4 if is_rate else 0.7)
        if not is_rate:
            axes.plot(steps, _smooth(values), color="tab:blue", linewidth=1.4)
        axes.set_title(name, fontsize=9)
        axes.set_xlabel("step", fontsize=8)
        axes.tick_params(labelsize=7)
    figure.suptitle(f"{title}: each step in grey, running mean in blue", fontsize=11)
    figure.savefig(path, dpi=110)


def _smooth(values: list[float]) -> list[float]:
    running, weight, smooth = 0.0, 0.0, []
    for value in values:
        running = SMOOTHING * running + (1 - SMOOTHING) * value
        weight = SMOOTHING * weight + (1 - SMOOTHING)
        smooth.append(running / weight)
    return smooth


def _tensorboard(folder: Path, step: int) -> Any:
    """A writer for TensorBoard; None, with a word in the log, where it is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        logger.warning("tensorboard is not installed; %s has the same numbers", folder / CSV_FILE)
        return None
    return SummaryWriter(str(folder), purge_step=step)
