"""Leaderboard files: each table in each format."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from fusionbench.errors import InputError
from fusionbench.ranking.markdown import render_markdown
from fusionbench.ranking.table import SHOWN_DIGITS, Table
from fusionbench.ranking.tidy import render_csv

RENDERERS = {"md": render_markdown, "csv": render_csv}
FORMATS = tuple(RENDERERS)


def write_tables(tables: Sequence[Table], folder: Path, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Write each table in each format.

    Args:
        tables: What to write; of several of one name (made with older code) the last stays.
        folder: Created if missing.
        formats: Of `md` and `csv`.

    Returns:
        The files written.

    Raises:
        InputError: If a format is not known, or the folder cannot be written.
    """
    unknown = [name for name in formats if name not in RENDERERS]
    if unknown or not formats:
        raise InputError(f"format {', '.join(unknown) or 'none'}: expected some of {', '.join(FORMATS)}")
    written: dict[Path, None] = {}
    for name, table in _named(tables):
        for suffix in formats:
            path = folder / f"{name}.{suffix}"
            _write(path, RENDERERS[suffix](table))
            written[path] = None
    return list(written)


def _named(tables: Sequence[Table]) -> list[tuple[str, Table]]:
    """Each table with its files' name; tables of one name about other images than the first get a hash."""
    first: dict[str, str] = {}
    named = []
    for table in tables:
        same = first.setdefault(table.file_name, table.samples) == table.samples
        named.append(
            (table.file_name if same else f"{table.file_name}-{table.samples[:SHOWN_DIGITS]}", table)
        )
    return named


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".writing-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}); choose another folder for the tables with --out "
            "(the results themselves are kept)"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
