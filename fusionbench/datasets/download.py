"""Installs a dataset under a root: get the archive, check it, unpack it aside, count files, move it in."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fusionbench.datasets import open_dataset
from fusionbench.datasets.archives import (
    ArchiveError,
    Progress,
    inspect,
    require_sha256,
    require_space,
    unpack,
)
from fusionbench.datasets.fetch import fetch_zip
from fusionbench.datasets.sources import Source
from fusionbench.errors import InputError

StepProgress = Callable[[str], Progress]
"""Given the name of a step, returns what is to be told of its progress."""


@dataclass(frozen=True)
class Installed:
    """A dataset that has been put in place."""

    folder: Path
    counts: dict[str, int]
    """Split (or file pattern) to the number of pairs (or files) counted after unpacking."""


def install(
    source: Source,
    root: Path,
    progress: StepProgress,
    *,
    url: str | None = None,
    archive: Path | None = None,
    sha256: str | None = None,
) -> Installed:
    """Download (or take) a dataset's archive and unpack it to `root/<its folder>`.

    An archive from the source's own address must carry the pinned commit; one from a mirror or a file is
    checked by its members' CRCs, by the number of pairs and by `sha256`, if given.

    Args:
        source: What to install.
        root: The folder that is to hold the dataset; made if missing.
        progress: Told of each step's progress.
        url: A mirror to use in place of the source's own address.
        archive: A zip archive on disk to use in place of a download; it is left where it is.
        sha256: Checksum the archive must have.

    Raises:
        InputError: If the dataset is there already, no program can download it, the download fails, the
            archive is not what it should be, or the disk is full. Nothing is left in the dataset's place.
    """
    if url is not None and archive is not None:
        raise InputError("--url and --from: give one of them")
    require_free(source, root)
    if archive is not None:
        return _unpacked(source, archive, root, progress, sha256=sha256)
    address, commit = _address(source, url)
    fetched = root / f"{source.folder}-{hashlib.sha256(address.encode()).hexdigest()[:8]}.zip"
    if not fetched.is_file():
        fetch_zip(address, fetched, progress("downloading"))
    try:
        installed = _unpacked(source, fetched, root, progress, sha256=sha256, commit=commit)
    except ArchiveError:
        fetched.unlink()
        raise
    fetched.unlink()
    return installed


def require_free(source: Source, root: Path) -> Path:
    """The place of a source's folder, in a root that is made if it is missing.

    Raises:
        InputError: If the folder is there already, or the root cannot be made.
    """
    target = root / source.folder
    if target.exists():
        raise InputError(f"{target}: exists already, nothing is overwritten; check it or move it away")
    _make_folder(root)
    return target


def _address(source: Source, url: str | None) -> tuple[str, str | None]:
    """Where to download from, and the commit the archive must name."""
    if url is not None:
        return url, None
    if source.repository is None:
        raise InputError(f"{source.name}: no program can download it; {'; then '.join(source.steps)}")
    return source.repository.url, source.repository.commit


def _unpacked(
    source: Source,
    archive: Path,
    root: Path,
    progress: StepProgress,
    *,
    sha256: str | None = None,
    commit: str | None = None,
) -> Installed:
    if sha256 is not None:
        require_sha256(archive, sha256)
    require_space(root, inspect(archive, source.maximum_bytes, commit))
    try:
        counts = _put_in_place(source, archive, root, progress)
    except OSError as error:
        raise InputError(
            f"{root}: cannot be written ({error.strerror or error}); choose another --root"
        ) from error
    return Installed(folder=root / source.folder, counts=counts)


def _put_in_place(source: Source, archive: Path, root: Path, progress: StepProgress) -> dict[str, int]:
    """Unpack beside the dataset's place, count, and move in: it appears whole or not at all."""
    with tempfile.TemporaryDirectory(prefix=".fusionbench-", dir=root) as aside:
        unpacked = Path(aside, "unpacked")
        unpacked.mkdir()
        unpack(archive, unpacked, progress("unpacking"))
        # The dataset's own name matters to readers: Ir and Vis alone could be either M3FD set.
        named = _only_folder(unpacked).rename(Path(aside, source.folder))
        counts = _counted(source, named, archive)
        named.rename(root / source.folder)
    return counts


def _only_folder(folder: Path) -> Path:
    """The single folder an archive unpacked to, or the folder it was unpacked in if it has no such top."""
    entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    return entries[0] if len(entries) == 1 and entries[0].is_dir() else folder


def _counted(source: Source, folder: Path, archive: Path) -> dict[str, int]:
    counts = {split: _usable(source, folder, split, archive) for split in source.pairs}
    counts |= {pattern: sum(1 for _ in folder.glob(pattern)) for pattern in source.files}
    for name, expected in (*source.pairs.items(), *source.files.items()):
        if counts[name] != expected:
            raise ArchiveError(
                f"{archive}: holds {counts[name]} of {expected} for {name}; it is incomplete, get it again"
            )
    return counts


def _usable(source: Source, folder: Path, split: str, archive: Path) -> int:
    try:
        dataset = open_dataset(source.name, folder, split)
    except InputError as error:
        raise ArchiveError(f"{archive}: does not hold {source.folder} ({error})") from error
    return sum(1 for sample in dataset.samples if sample.problem is None)


def _make_folder(root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{root}: cannot be made ({error.strerror or error}); choose another --root"
        ) from error
