"""Leaderboard files: each table in each format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from fusionbench.errors import InputError
from fusionbench.ranking.markdown import render_markdown
from fusionbench.ranking.table import Table
from fusionbench.ranking.tidy import render_csv

RENDERERS = {"md": render_markdown, "csv": render_csv}
FORMATS = tuple(RENDERERS)

SHOWN_DIGITS = 6
"""Digits of the samples' hash in the names of files that would otherwise be called the same."""


def write_tables(tables: Sequence[Table], folder: Path, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Write each table in each format.

    Tables over different images that would share a name (two lists of one length, say) get a part of the
    images' hash in theirs; of several over the same images (made with older code) the last is written.

    Args:
        tables: What to write.
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
    samples_by_name = {(table.file_name, table.samples) for table in tables}
    shared = Counter(name for name, _ in samples_by_name)
    written: dict[Path, None] = {}
    for table in tables:
        name = table.file_name
        if shared[name] > 1:
            name += f"-{table.samples[:SHOWN_DIGITS]}"
        for suffix in formats:
            path = folder / f"{name}.{suffix}"
            _write(path, RENDERERS[suffix](table))
            written[path] = None
    return list(written)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".writing-{path.name}")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}); choose another folder for the tables with --out "
            "(the results themselves are kept)"
        ) from error
