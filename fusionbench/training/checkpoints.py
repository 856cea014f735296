"""Checkpoints of a run: appear whole or not at all, and are taken only by the run that wrote them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fusionbench.errors import InputError
from fusionbench.whole_files import appearing

CHECKPOINT_FILE = "checkpoint.pt"
"""In a stage's folder."""


def write_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write a checkpoint; a reader finds the old one or the new one, whenever the machine stops.

    Raises:
        InputError: If it cannot be written; the old one stands.
    """
    import torch

    try:
        with appearing(path) as temporary:
            torch.save(dict(state), temporary)
            _sync(temporary)
        _sync(path.parent)
    except (OSError, RuntimeError) as error:
        # torch reports a full disk as a RuntimeError of its zip writer.
        raise InputError(
            f"{path}: cannot be written ({getattr(error, 'strerror', None) or _first_line(error)}); free "
            "some space and run the same command again, it goes on from the last checkpoint"
        ) from error


def read_checkpoint(path: Path) -> dict[str, Any] | None:
    """Read a checkpoint without running what is in it; None where there is none.

    Raises:
        InputError: If it is damaged.
    """
    import torch

    if not path.is_file():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever the reader makes of a file of another kind
        raise InputError(f"{path}: is damaged; remove it to train this stage from its start") from error
    return state


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a stamp.

    Raises:
        InputError: If it cannot be written.
    """
    try:
        with appearing(path) as temporary:
            temporary.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
            _sync(temporary)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error}); free some space") from error


def read_json(path: Path) -> dict[str, Any] | None:
    """Read a stamp; None where there is none.

    Raises:
        InputError: If it is damaged.
    """
    if not path.is_file():
        return None
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict):
            raise ValueError("no table")
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is damaged ({error}); remove it to train this stage again") from error
    return values


def differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """Where two identities differ, in words: `steps is 100 there, 200 here`."""
    return [
        f"{name} is {_short(theirs.get(name))} there, {_short(ours.get(name))} here"
        for name in sorted(ours.keys() | theirs.keys())
        if ours.get(name) != theirs.get(name)
    ]


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _sync(path: Path) -> None:
    """Wait until a file, or a folder's list of files, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
