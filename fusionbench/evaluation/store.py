"""Results on disk: one immutable Parquet file and JSON stamp a cell, and journals of unfinished cells.

A cell is done when both files exist and agree. Files are written under a temporary name, synced and renamed,
so a reader never sees half of one and several machines may write one store. While a cell runs, each finished
image is a line in its journal; a run that was killed continues from there.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from fusionbench.contracts import CANONICAL
from fusionbench.errors import FusionbenchError, InputError
from fusionbench.evaluation.plan import Cell
from fusionbench.evaluation.provenance import file_hash
from fusionbench.measuring import Measurement
from fusionbench.whole_files import file_name

if TYPE_CHECKING:
    import pyarrow

STAMP_FORMAT = 1

STAMP_PARTS = frozenset(
    {"key", "identity", "dataset", "split", "degradation", "severity", "seed", "method", "images"}
    | {"failed_images", "display", "environment", "finished", "rows_sha256"}
)
"""What every stamp has; one without all of it is damaged."""

IDENTITY_PARTS = frozenset({"pipeline", "dataset", "condition", "method", "metrics"})
"""What every identity in a stamp has."""

LEFTOVER_SECONDS = 3600.0
"""Age at which an unfinished file counts as left behind by a killed process."""


@dataclass(frozen=True)
class ImageResult:
    """Everything a cell keeps of one image."""

    image: str
    measurements: tuple[Measurement, ...]
    clamped: float = 0.0
    """Fraction of the method's values that lay outside [0, 1]."""
    fuse_seconds: float = 0.0
    measure_seconds: float = 0.0

    @property
    def reasons(self) -> list[str]:
        """Why values are missing, each reason once."""
        return list(dict.fromkeys(m.reason for m in self.measurements if m.reason))


class StoreError(FusionbenchError):
    """The store cannot be written: read-only folder, full disk."""


class Store:
    """A folder of cells.

    Args:
        folder: Created on first writing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def rows_path(self, cell: Cell) -> Path:
        """Where the cell's rows are kept."""
        name = f"{file_name(cell.method.name)}-{cell.key[:16]}.parquet"
        return self.folder / file_name(cell.dataset) / file_name(cell.condition.name) / name

    def stamp_path(self, cell: Cell) -> Path:
        """Where the cell's stamp is kept."""
        return self.rows_path(cell).with_suffix(".json")

    def is_done(self, cell: Cell) -> bool:
        """Whether the cell's rows and stamp exist and agree with each other and with the cell."""
        rows, stamp = self.rows_path(cell), read_stamp(self.stamp_path(cell))
        if stamp is None or not rows.is_file():
            return False
        return bool(stamp.get("key") == cell.key and stamp.get("rows_sha256") == file_hash(rows))

    def stamp(self, cell: Cell) -> dict[str, Any]:
        """The stamp of a finished cell."""
        return read_stamp(self.stamp_path(cell)) or {}

    def results(self, cell: Cell) -> dict[str, ImageResult]:
        """Results of a finished cell by image id, without the times, which rows do not hold."""
        return _read_rows(self.rows_path(cell))

    def covered(self, cell: Cell) -> dict[str, ImageResult]:
        """Results of a cell out of another finished one that differs only in measuring more; else none."""
        for path in sorted(self.rows_path(cell).parent.glob("*.json")):
            stamp, rows = read_stamp(path), path.with_suffix(".parquet")
            if stamp is None or not rows.is_file() or not _covers(stamp["identity"], cell.identity):
                continue
            if stamp["rows_sha256"] == file_hash(rows):
                found = _read_rows(rows)
                return {image: _only(result, cell.identity["metrics"]) for image, result in found.items()}
        return {}

    def journalled(self, cell: Cell) -> dict[str, ImageResult]:
        """Images of an unfinished cell that earlier runs completed, by id; a torn last line is ignored."""
        found: dict[str, ImageResult] = {}
        for path in self._journals(cell):
            for result in _read_journal(path):
                if result.image not in found or found[result.image].reasons:
                    found[result.image] = result
        return found

    def open_journal(self, cell: Cell) -> Journal:
        """Start a journal of this process for a cell.

        Raises:
            StoreError: If the store cannot be written.
        """
        path = self.rows_path(cell)
        name = f"{path.stem}.{os.getpid()}-{secrets.token_hex(3)}.partial.jsonl"
        with _writing(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            return Journal(path.with_name(name))

    def confirm(self, cell: Cell) -> None:
        """Say that a finished cell is the current one, if another of its method was computed after it.

        Code that was changed and changed back leads back to cells that are older than others; what was asked
        for last is what `leaderboard` shows, and by the real conditions that images are now said to be of. A
        store that cannot be written stays as it is.
        """
        own = self.stamp(cell)
        native = cell.display.get("native", {})
        if own["display"].get("native", {}) != native:
            own = {**own, "display": {**own["display"], "native": native}}
            with contextlib.suppress(OSError):
                _write_stamp(self.stamp_path(cell), own)
        stamps = [read_stamp(path) for path in self.rows_path(cell).parent.glob("*.json")]
        # What judged the images is one for all methods of a table: see `ranking.set_scores`.
        judged = any("set" in card for card in own["display"]["metrics"].values())
        newest = max(
            stamp["finished"] for stamp in stamps if stamp and (judged or stamp["method"] == own["method"])
        )
        if newest > own["finished"]:
            with contextlib.suppress(OSError):
                _write_stamp(self.stamp_path(cell), {**own, "finished": _now()})

    def finish(self, cell: Cell, results: Sequence[ImageResult], environment: dict[str, str]) -> None:
        """Write a cell's rows and stamp, then drop its journals.

        Args:
            cell: The cell.
            results: One result for each of the plan's samples, in their order.
            environment: Versions and device, for the stamp.

        Raises:
            StoreError: If the store cannot be written; journals are kept.
        """
        path = self.rows_path(cell)
        with _writing(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_rows(path, results)
            stamp = _make_stamp(cell, results, environment, file_hash(path))
            _write_stamp(self.stamp_path(cell), stamp)
            for journal in self._journals(cell):
                journal.unlink(missing_ok=True)
            _remove_leftovers(path)

    def _journals(self, cell: Cell) -> list[Path]:
        path = self.rows_path(cell)
        return sorted(path.parent.glob(f"{path.stem}.*.partial.jsonl"))


class Journal:
    """Append-only record of one process's finished images of one cell; created with its first line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stream: IO[str] | None = None

    def add(self, result: ImageResult) -> None:
        """Append a result; it survives the process being killed from here on.

        Raises:
            StoreError: If it cannot be written.
        """
        with _writing(self.path.parent):
            if self._stream is None:
                self._stream = self.path.open("a", encoding="utf-8")
            self._stream.write(json.dumps(asdict(result)) + "\n")
            self._stream.flush()

    def close(self) -> None:
        """Close the file."""
        if self._stream is not None:
            with contextlib.suppress(OSError):
                self._stream.close()


def read_stamp(path: Path) -> dict[str, Any] | None:
    """Read a stamp; None if there is none or it is damaged (its cell then counts as not done)."""
    try:
        stamp = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    known = isinstance(stamp, dict) and stamp.get("format") == STAMP_FORMAT
    return stamp if known and _is_whole(stamp) else None


def _is_whole(stamp: Mapping[str, Any]) -> bool:
    if not stamp.keys() >= STAMP_PARTS or not isinstance(stamp["identity"], dict):
        return False
    texts = all(isinstance(stamp[part], str) for part in ("key", "finished", "rows_sha256", "method"))
    return texts and stamp["identity"].keys() >= IDENTITY_PARTS


def _covers(identity: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a cell holds every metric another wants, in the same version, and is the same otherwise."""
    parts = (identity.keys() | wanted.keys()) - {"metrics"}
    same = all(identity.get(part) == wanted.get(part) for part in parts)
    return same and all(identity["metrics"].get(name) == own for name, own in wanted["metrics"].items())


def _only(result: ImageResult, metrics: Mapping[str, Any]) -> ImageResult:
    by_name = {name: [m for m in result.measurements if m.metric == name] for name in metrics}
    return ImageResult(result.image, tuple(m for of_metric in by_name.values() for m in of_metric))


def _read_rows(path: Path) -> dict[str, ImageResult]:
    import pyarrow.parquet

    measurements: dict[str, list[Measurement]] = {}
    for row in pyarrow.parquet.read_table(path).to_pylist():
        image = row.pop("image")
        measurements.setdefault(image, []).append(Measurement(**row))
    return {image: ImageResult(image, tuple(of)) for image, of in measurements.items()}


def _make_stamp(
    cell: Cell, results: Sequence[ImageResult], environment: dict[str, str], rows_sha256: str
) -> dict[str, Any]:
    return {
        "format": STAMP_FORMAT,
        "key": cell.key,
        "identity": cell.identity,
        "dataset": cell.dataset,
        "split": cell.split,
        "condition": cell.condition.name,
        "severity": cell.severity,
        "degradation": cell.degradation,
        "seed": cell.seed,
        "profile": cell.identity.get("profile", CANONICAL),
        "method": cell.method.name,
        "images": len(results),
        "display": cell.display,
        "failed_images": sum(1 for result in results if result.reasons),
        "clamped_images": sum(1 for result in results if result.clamped > 0),
        "seconds": {
            "fuse": sum(result.fuse_seconds for result in results),
            "measure": sum(result.measure_seconds for result in results),
        },
        "environment": environment,
        "finished": _now(),
        "rows_sha256": rows_sha256,
    }


def _write_rows(path: Path, results: Sequence[ImageResult]) -> None:
    import pyarrow.parquet

    temporary = _temporary(path)
    try:
        with temporary.open("wb") as stream:
            pyarrow.parquet.write_table(_table(results), stream, compression="zstd")
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _table(results: Sequence[ImageResult]) -> pyarrow.Table:
    import pyarrow

    rows = [(result.image, *measurement) for result in results for measurement in result.measurements]
    text, number = pyarrow.string(), pyarrow.float64()
    names = ("image", "metric", "reference", "value", "reason", "record")
    types = (text, text, text, number, text, text)
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    # Only metrics of whole sets keep records.
    shown = len(names) if any(columns[-1]) else len(names) - 1
    kept = list(zip(names, columns, types, strict=True))[:shown]
    return pyarrow.table({name: pyarrow.array(column, kind) for name, column, kind in kept})


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="microseconds")


def _write_stamp(path: Path, stamp: Mapping[str, Any]) -> None:
    temporary = _temporary(path)
    try:
        with temporary.open("w", encoding="utf-8") as stream:
            stream.write(json.dumps(stamp, indent=1, sort_keys=True) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _temporary(path: Path) -> Path:
    """Name to write under: one that no reader takes for a result, should the process be killed on the way."""
    return path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(3)}.writing")


def _remove_leftovers(path: Path) -> None:
    """Remove what killed processes were writing of a cell; nobody writes one file for an hour."""
    for leftover in path.parent.glob(f".{path.stem}.*.writing"):
        with contextlib.suppress(OSError):
            if time.time() - leftover.stat().st_mtime > LEFTOVER_SECONDS:
                leftover.unlink()


def _read_journal(path: Path) -> Iterator[ImageResult]:
    try:
        lines: Iterable[str] = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return
    for line in lines:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            record = json.loads(line)
            record["measurements"] = tuple(Measurement(*m) for m in record["measurements"])
            if isinstance(record["image"], str):
                yield ImageResult(**record)


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{folder}: results cannot be written ({error.strerror or error}); free space or choose another "
            "folder with --results; what was computed before is kept"
        ) from error


def require_writable(folder: Path) -> None:
    """Check that results can be kept before anything is computed.

    Raises:
        InputError: If the folder cannot be created or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = _temporary(folder / "probe")
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written to ({error.strerror or error}); "
            "choose another folder with --results"
        ) from error
