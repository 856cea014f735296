"""Content hashes of image files, remembered so that a second run need not read them again.

The memory is a convenience: where it cannot be written, files are hashed each time.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import time
from pathlib import Path

from platformdirs import user_cache_path

from fusionbench.errors import InputError

_CHUNK = 1 << 20
_DIGEST_BYTES = 20
_SETTLED_SECONDS = 2.0
"""A file changed more recently may change again within one tick of its clock: its hash is not remembered."""

_CREATE = "CREATE TABLE IF NOT EXISTS file_hashes (path TEXT PRIMARY KEY, state TEXT, digest TEXT)"
_FIND = "SELECT digest FROM file_hashes WHERE path = ? AND state = ?"
_KEEP = "INSERT OR REPLACE INTO file_hashes VALUES (?, ?, ?)"


def pair_fingerprint(visible: Path, infrared: Path) -> str:
    """Hash of the contents of a visible and an infrared file, as hexadecimal digits.

    Raises:
        InputError: If a file cannot be read.
    """
    both = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    both.update(content_digest(visible).encode())
    both.update(content_digest(infrared).encode())
    return both.hexdigest()


def content_digest(path: Path) -> str:
    """BLAKE2b hash (20 bytes, hexadecimal) of a file's content.

    Raises:
        InputError: If it cannot be read.
    """
    try:
        resolved = path.resolve()
        status = resolved.stat()
        # The times of change and of the name tell what copying tools that restore the first one hide.
        state = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        key = (str(resolved), ",".join(map(str, state)))
        known = _remembered(key)
        if known is not None:
            return known
        digest = _digest(resolved)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); check the path") from error
    if time.time() - max(status.st_mtime, status.st_ctime) > _SETTLED_SECONDS:
        _remember(key, digest)
    return digest


def cache_file() -> Path:
    """Where hashes are remembered."""
    return user_cache_path("fusionbench", appauthor=False) / "file_hashes.sqlite"


def _digest(path: Path) -> str:
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _remembered(key: tuple[str, str]) -> str | None:
    path = cache_file()
    if not path.is_file():
        return None
    with (
        contextlib.suppress(sqlite3.Error, UnicodeError),
        contextlib.closing(sqlite3.connect(path)) as database,
    ):
        row = database.execute(_FIND, key).fetchone()
        return str(row[0]) if row else None
    return None


def _remember(key: tuple[str, str], digest: str) -> None:
    path = cache_file()
    with contextlib.suppress(sqlite3.Error, OSError, UnicodeError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            # Losing entries in a power cut is harmless; waiting for the disk on every file is not.
            database.execute("PRAGMA synchronous = OFF")
            database.execute(_CREATE)
            database.execute(_KEEP, (*key, digest))
