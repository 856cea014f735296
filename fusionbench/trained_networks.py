"""A folder of networks trained for methods: `training.json` on how, and `METHOD/seedN.pt`, each with a stamp.

All of a folder are of one training: networks of two are no comparison. Several processes may train into it at
once, for other methods or seeds: each has a room of its own there, which it holds while it runs.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fusionbench.errors import InputError
from fusionbench.evaluation.provenance import content_hash, file_hash
from fusionbench.whole_files import appearing, file_name

TRAINING_FILE = "training.json"

STAMP_SUFFIX = ".json"
"""Of the file beside each network that says what it was trained for."""

_ROOM, _HELD = ".training-", ".held"
"""How a process's room begins, and how the file ends that it holds."""

_JOINING = ".joining"
"""Held while a process looks at what is there and takes a room."""


@dataclass(frozen=True)
class TrainedNetworks:
    """Such a folder.

    Args:
        folder: It need not be there before something is kept in it.
    """

    folder: Path

    @property
    def training(self) -> Mapping[str, Any]:
        """How they were trained: a `note` for people, and the `settings`.

        Raises:
            InputError: If the folder does not say.
        """
        path = self.folder / TRAINING_FILE
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            content["note"], content["settings"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path}: does not say how its networks were trained ({error}); train them with "
                "fusionbench train-detector or train-segmenter"
            ) from error
        found: Mapping[str, Any] = content
        return found

    def of(self, method: str) -> dict[str, Path]:
        """The networks trained for a method, by run; none where there are none.

        Raises:
            InputError: If one was trained otherwise than the folder says.
        """
        settings = content_hash(self.training["settings"])
        found = {}
        for stamp in sorted((self.folder / file_name(method)).glob(f"seed*{STAMP_SUFFIX}")):
            content = _read_stamp(stamp)
            path = stamp.with_name(str(content.get("file")))
            if content.get("training") != settings or not path.is_file():
                raise InputError(
                    f"{stamp}: is not of the training that {TRAINING_FILE} tells of, or its network is gone; "
                    "train again into another folder"
                )
            found[stamp.stem] = path
        return found

    def done(self, method: str, seed: int, identity: str) -> Path | None:
        """The network of a seed, if it is there, whole, and of the method as it is now.

        Args:
            method: Its name.
            seed: Of the training.
            identity: Hash of the method.
        """
        stamp = self._stamp(method, seed)
        content = _read_stamp(stamp)
        path = stamp.with_name(str(content.get("file")))
        asked_for = {"method": identity, "training": content_hash(self.training["settings"])}
        if not path.is_file() or content != {**asked_for, "file": path.name, "sha256": file_hash(path)}:
            return None
        return path

    def keep(self, trained: Path, method: str, seed: int, identity: str) -> Path:
        """Keep a trained network; returns its file. The stamp comes last: without it there is none."""
        stamp = self._stamp(method, seed)
        path = stamp.with_suffix(trained.suffix)
        with appearing(path) as temporary:
            shutil.copyfile(trained, temporary)
        content = {
            "method": identity,
            "training": content_hash(self.training["settings"]),
            "file": path.name,
            "sha256": file_hash(path),
        }
        with appearing(stamp) as temporary:
            temporary.write_text(json.dumps(content) + "\n", encoding="utf-8")
        return path

    @contextmanager
    def joined(self, settings: Mapping[str, Any], note: str) -> Iterator[Path]:
        """Train into the folder.

        Args:
            settings: Everything that decides the training but the method and the seed.
            note: The same in words.

        Yields:
            A folder for this process alone, which goes when the block ends.

        Raises:
            InputError: If the folder holds, or another process is making, networks of another training, or
                it cannot be written.
        """
        from filelock import FileLock

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"{self.folder}: is no folder that can be written ({error.strerror}); give another --out"
            ) from error
        room = self.folder / f"{_ROOM}{secrets.token_hex(4)}"
        held = FileLock(room.with_name(room.name + _HELD))
        with FileLock(self.folder / _JOINING):
            self._agree_on(settings, note, others=self._others())
            held.acquire()
            room.mkdir()
        try:
            yield room
        finally:
            _leave(room, held)

    def _agree_on(self, settings: Mapping[str, Any], note: str, *, others: bool) -> None:
        """Write how networks are trained here, or compare with it where there are or will be some."""
        path = self.folder / TRAINING_FILE
        try:
            there = self.training["settings"]
        except InputError:
            there = None
        if there == json.loads(json.dumps(settings)):
            return
        if others or any(self.folder.glob(f"*/seed*{STAMP_SUFFIX}")):
            raise InputError(
                f"{path}: is not there, or tells of another training (other images, settings or network); "
                "networks of two trainings are no comparison: choose another --out"
            )
        with appearing(path) as temporary:
            content = {"note": note, "settings": settings}
            temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    def _others(self) -> bool:
        """Whether another process trains into the folder; rooms of those that were killed are removed."""
        from filelock import FileLock, Timeout

        found = False
        for path in self.folder.glob(f"{_ROOM}*{_HELD}"):
            held = FileLock(path)
            try:
                held.acquire(timeout=0)
            except Timeout:
                found = True
                continue
            _leave(path.with_name(path.name.removesuffix(_HELD)), held)
        return found

    def _stamp(self, method: str, seed: int) -> Path:
        return self.folder / file_name(method) / f"seed{seed}{STAMP_SUFFIX}"


def _leave(room: Path, held: Any) -> None:
    """Remove a room and the file that held it."""
    shutil.rmtree(room, ignore_errors=True)
    held.release()
    with suppress(OSError):
        Path(held.lock_file).unlink(missing_ok=True)


def _read_stamp(path: Path) -> Mapping[str, Any]:
    """What a stamp says; nothing where there is none or it is damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
