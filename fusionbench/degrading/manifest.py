"""What a folder of degraded images says about itself: `set.json` for all of it, `manifest.jsonl` an image.

Hashes are of decoded pixels, so that a PNG re-compressed by another program is still the same image.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusionbench.errors import InputError
from fusionbench.whole_files import appearing

SETTINGS_NAME = "set.json"
MANIFEST_NAME = "manifest.jsonl"
SEAL_NAME = "manifest.sha256"
"""Hashes of the two others, as `sha256sum --check` reads them; written when a run has come to its end."""

Record = dict[str, Any]
"""One line of the manifest."""

_FIELDS: Mapping[str, type] = {
    "id": str,
    "input": dict,
    "outputs": dict,
    "visible_file": str,
    "infrared_file": str,
    "annotations": dict,
}
"""What every record has."""


def array_hash(array: NDArray[Any]) -> str:
    """SHA-256 of an array: its dtype and shape as text (`|u1 480x640x3`), a zero byte, its values in C order.

    Multi-byte values are hashed little-endian.
    """
    portable = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    shape = "x".join(str(length) for length in array.shape)
    digest = hashlib.sha256(f"{portable.dtype.str} {shape}\0".encode())
    digest.update(portable.data if portable.size else b"")
    return digest.hexdigest()


def claim_folder(folder: Path, settings: Mapping[str, Any]) -> None:
    """Take a folder for one set of degraded images, or check that it already belongs to the same set.

    Args:
        folder: Created if it is missing.
        settings: What makes the set: JSON values.

    Raises:
        InputError: If the folder holds another set (naming what differs) or other files, or is not writable.
    """
    path = folder / SETTINGS_NAME
    with _named_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if path.exists():
            _require_same(folder, read_settings(folder), settings)
            return
        if any(not entry.name.startswith(".") for entry in folder.iterdir()):
            raise InputError(f"{folder}: holds other files; give an empty or a new folder with --out")
        _replace(path, json.dumps(settings, indent=1, sort_keys=True) + "\n")


def read_settings(folder: Path) -> dict[str, Any]:
    """Read what made a set.

    Raises:
        InputError: If the folder holds no set, or its settings are damaged.
    """
    path = folder / SETTINGS_NAME
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{folder}: is no set of degraded images ({SETTINGS_NAME} is missing)") from None
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: cannot be read ({error}); write the set again into a new folder"
        ) from error
    if not isinstance(settings, dict) or not isinstance(settings.get("condition"), str):
        raise InputError(f"{path}: is damaged; write the set again into a new folder")
    return settings


def condition_written_around(file: Path) -> str:
    """The condition of the set of degraded images that a file belongs to; empty if it belongs to none.

    Raises:
        InputError: If the settings of the set are damaged.
    """
    for folder in file.absolute().parents:
        if (folder / SETTINGS_NAME).is_file() and (folder / MANIFEST_NAME).is_file():
            return str(read_settings(folder)["condition"])
    return ""


def read_manifest(folder: Path) -> dict[str, Record]:
    """Read the records of a set by image id; a line cut short by a killed run is left out.

    Raises:
        InputError: If the manifest cannot be read.
    """
    parsed = [_record(line) for line in _lines(folder)]
    return {record["id"]: record for record in parsed if record is not None}


def damaged_lines(folder: Path) -> list[int]:
    """Numbers of the manifest's lines that are no record, from 1.

    Raises:
        InputError: If the manifest cannot be read.
    """
    lines = enumerate(_lines(folder), start=1)
    return [number for number, line in lines if line.strip() and _record(line) is None]


def _lines(folder: Path) -> list[str]:
    path = folder / MANIFEST_NAME
    with _named_errors(folder):
        return path.read_text(encoding="utf-8", errors="replace").split("\n") if path.exists() else []


def _record(line: str) -> Record | None:
    """The record in a line of the manifest; None if it holds none."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    if not isinstance(record, dict):
        return None
    is_whole = all(isinstance(record.get(name), kind) for name, kind in _FIELDS.items())
    return record if is_whole else None


def append_record(folder: Path, record: Record) -> None:
    """Add a finished image to the manifest; from here on it survives the process being killed.

    Raises:
        InputError: If it cannot be written.
    """
    # The leading line break separates this record from one that a killed run left half written.
    with _named_errors(folder), (folder / MANIFEST_NAME).open("a", encoding="utf-8") as stream:
        stream.write("\n" + _line(record))


def tidy_manifest(folder: Path) -> None:
    """Rewrite the manifest with one line an image, sorted by id: the same however often a run was cut short.

    Raises:
        InputError: If it cannot be read or written.
    """
    records = read_manifest(folder)
    text = "".join(_line(records[image_id]) for image_id in sorted(records))
    with _named_errors(folder):
        _replace(folder / MANIFEST_NAME, text)


def seal(folder: Path) -> None:
    """Write down what the manifest and the settings are, so that a later change to them shows.

    Raises:
        InputError: If one cannot be read, or the seal not be written.
    """
    with _named_errors(folder):
        _replace(folder / SEAL_NAME, _seal_of(folder))


def unseal(folder: Path) -> None:
    """Take the seal off while the manifest changes.

    Raises:
        InputError: If that cannot be done.
    """
    with _named_errors(folder):
        (folder / SEAL_NAME).unlink(missing_ok=True)


def broken_seals(folder: Path) -> list[str]:
    """One line for each reason to doubt what the set says of itself.

    Raises:
        InputError: If the manifest cannot be read.
    """
    path = folder / SEAL_NAME
    if not path.is_file():
        return [f"{folder}: was not finished ({SEAL_NAME} is missing); run the same degrade command again"]
    with _named_errors(folder):
        found = path.read_text(encoding="utf-8", errors="replace").splitlines()
        expected = _seal_of(folder).splitlines()
    changed = [line.split("  ")[1] for line in expected if line not in found]
    return [
        f"{folder / name}: is not what was written; write the set again into a new folder" for name in changed
    ]


def _seal_of(folder: Path) -> str:
    names = (MANIFEST_NAME, SETTINGS_NAME)
    return "".join(f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names)


def write_maps(path: Path, maps: Mapping[str, NDArray[Any]]) -> None:
    """Write ground-truth maps as one compressed NPZ without pickled objects.

    Raises:
        InputError: If it cannot be written.
    """
    with _named_errors(path), appearing(path) as temporary, temporary.open("wb") as stream:
        # numpy before 2.1 stores `allow_pickle` as an array of that name; numbers need no such switch.
        np.savez_compressed(stream, **maps)  # type: ignore[arg-type]


def write_annotation(path: Path, content: Path | bytes) -> str:
    """Write a file that goes with an image, as it is; returns the SHA-256 of its content.

    Args:
        path: Where to.
        content: The file to copy, or the content itself.

    Raises:
        InputError: If a file cannot be read or written.
    """
    with _named_errors(content if isinstance(content, Path) else path):
        data = content.read_bytes() if isinstance(content, Path) else content
    with _named_errors(path), appearing(path) as temporary:
        temporary.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def annotation_hash(path: Path) -> str:
    """SHA-256 of a file's content.

    Raises:
        InputError: If it is missing or cannot be read.
    """
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; run the same degrade command again") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); run degrade again") from error


def _line(record: Record) -> str:
    return json.dumps(record, sort_keys=True, ensure_ascii=False) + "\n"


def _require_same(folder: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    differing = [key for key in sorted({*found, *wanted}) if found.get(key) != wanted.get(key)]
    if differing:
        key = differing[0]
        raise InputError(
            f"{folder}: holds another set ({key} is {json.dumps(found.get(key))}, "
            f"asked for {json.dumps(wanted.get(key))}); give another folder with --out"
        )


def _replace(path: Path, text: str) -> None:
    with appearing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


@contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{path}: cannot be read or written ({reason}); choose another folder") from error
