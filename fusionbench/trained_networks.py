"""A folder of networks trained for methods: `training.json` on how, and `METHOD/seedN.pt`, each with a stamp.

All of a folder are of one training: networks of two are no comparison. Several processes of one machine may
train into it at once, for other methods or seeds: each has a room of its own there, which it holds while it
runs.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusionbench.errors import InputError
from fusionbench.evaluation.provenance import content_hash, file_hash
from fusionbench.whole_files import appearing, file_name

if TYPE_CHECKING:
    from filelock import FileLock

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
        settings = _hash_of(self.training["settings"])
        found = {}
        for stamp in sorted((self.folder / file_name(method)).glob(f"seed*{STAMP_SUFFIX}")):
            content = _read_stamp(stamp)
            path = _network_of(stamp, content)
            if path is None:
                raise InputError(
                    f"{stamp}: is damaged, or its network is gone; the same training again into this folder "
                    "makes it anew"
                )
            if content.get("training") != settings:
                raise InputError(
                    f"{stamp}: is not of the training that {TRAINING_FILE} tells of; train all methods again "
                    "into another folder"
                )
            found[stamp.stem] = path
        return found

    @contextmanager
    def joined(self, settings: Mapping[str, Any], note: str) -> Iterator[TrainingPart]:
        """Train into the folder.

        Args:
            settings: Everything that decides the training but the method and the seed.
            note: The same in words.

        Yields:
            This process's part, with a room that goes when the block ends.

        Raises:
            InputError: If the folder holds, or another process is making, networks of another training, or
                it cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            part, held = self._enter(settings, note)
        except OSError as error:
            raise InputError(
                f"{self.folder}: is no folder that can be written ({error.strerror or error}); give another "
                "--out"
            ) from error
        try:
            yield part
        finally:
            _leave(part.room, held)

    def _enter(self, settings: Mapping[str, Any], note: str) -> tuple[TrainingPart, FileLock]:
        from filelock import FileLock

        room = self.folder / f"{_ROOM}{secrets.token_hex(4)}"
        held = FileLock(room.with_name(room.name + _HELD))
        with FileLock(self.folder / _JOINING):
            self._agree_on(settings, note, others=self._others())
            held.acquire()
            room.mkdir()
        return TrainingPart(self, room, _hash_of(settings)), held

    def _agree_on(self, settings: Mapping[str, Any], note: str, *, others: bool) -> None:
        """Write how networks are trained here, or compare with it where there are or will be some."""
        path = self.folder / TRAINING_FILE
        try:
            there = self.training["settings"]
        except InputError:
            there = None
        if there is not None and _hash_of(there) == _hash_of(settings):
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
        from filelock import FileLock

        found = False
        for path in self.folder.glob(f"{_ROOM}*{_HELD}"):
            held = FileLock(path)
            try:
                held.acquire(timeout=0)
            except OSError:  # held, or another user's
                found = True
                continue
            _leave(path.with_name(path.name.removesuffix(_HELD)), held)
        return found


@dataclass(frozen=True)
class TrainingPart:
    """What one process has to do with a training."""

    networks: TrainedNetworks
    room: Path
    """A folder for this process alone."""
    settings: str
    """Hash of everything that decides the training but the method and the seed."""

    def done(self, method: str, seed: int, identity: str) -> Path | None:
        """The network of a seed, if it is there, whole, of this training, and of the method as it is now.

        Args:
            method: Its name.
            seed: Of the training.
            identity: Hash of the method.
        """
        stamp = self._stamp(method, seed)
        content = _read_stamp(stamp)
        path = _network_of(stamp, content)
        asked_for = {"method": identity, "training": self.settings}
        if path is None or content != {**asked_for, "file": path.name, "sha256": file_hash(path)}:
            return None
        return path

    def keep(self, trained: Path, method: str, seed: int, identity: str) -> Path:
        """Keep a trained network; returns its file. The stamp comes last: without it there is none.

        Raises:
            InputError: If the folder became one of another training meanwhile.
        """
        if _hash_of(self.networks.training["settings"]) != self.settings:
            raise InputError(
                f"{self.networks.folder}: became a folder of another training while this one ran; train into "
                "another --out"
            )
        stamp = self._stamp(method, seed)
        path = stamp.with_suffix(trained.suffix)
        with appearing(path) as temporary:
            shutil.copyfile(trained, temporary)
        told = {"method": identity, "training": self.settings}
        content = {**told, "file": path.name, "sha256": file_hash(path)}
        with appearing(stamp) as temporary:
            temporary.write_text(json.dumps(content) + "\n", encoding="utf-8")
        return path

    def _stamp(self, method: str, seed: int) -> Path:
        return self.networks.folder / file_name(method) / f"seed{seed}{STAMP_SUFFIX}"


def _leave(room: Path, held: FileLock) -> None:
    """Remove a room and the file that held it; what cannot be removed is left to the next to come."""
    shutil.rmtree(room, ignore_errors=True)
    held.release()
    if not room.exists():
        with suppress(OSError):
            Path(held.lock_file).unlink(missing_ok=True)


def _hash_of(settings: Mapping[str, Any]) -> str:
    """Of settings as they were given or as they were read from a file."""
    return content_hash(json.loads(json.dumps(settings)))


def _read_stamp(path: Path) -> Mapping[str, Any]:
    """What a stamp says; nothing where there is none or it is damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _network_of(stamp: Path, content: Mapping[str, Any]) -> Path | None:
    """The network beside a stamp, if it is there."""
    name = str(content.get("file", ""))
    path = stamp.parent / name
    return path if path.name == name and path.is_file() else None
