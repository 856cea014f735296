"""Unpacks zip archives that may be damaged or hostile."""

from __future__ import annotations

import hashlib
import lzma
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from fusionbench.errors import InputError

Progress = Callable[[int, int | None], None]
"""Called with what is done and the total, in bytes; the total is None where it is not known."""

_ZIP_MAGIC = b"PK\x03\x04"
_HTML_STARTS = (b"<!doctype html", b"<html")
_HEAD_BYTES = 512
_MAXIMUM_MEMBERS = 200_000
"""The largest archive, LLVIP, has about 46,500 files."""

_MAC_RESOURCES = "__MACOSX"
"""Folder of resource forks that macOS adds to archives; never images."""

_ENCRYPTED = 0x1
_CHUNK = 1 << 20


class ArchiveError(InputError):
    """An archive that is not what it should be: getting it again may help."""


def require_zip_start(head: bytes, where: str) -> None:
    """Check the first bytes of a file.

    Raises:
        ArchiveError: If it is a web page (share links answer a program with one) or no zip archive.
    """
    if head.startswith(_ZIP_MAGIC):
        return
    require_no_web_page(head, where)
    raise ArchiveError(f"{where}: is not a zip archive; check the address or the file")


def require_no_web_page(head: bytes, where: str) -> None:
    """Check that the first bytes of a file are not those of a web page.

    Raises:
        ArchiveError: If they are: share links answer a program with one.
    """
    if head[:_HEAD_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_HTML_STARTS):
        raise ArchiveError(
            f"{where}: is a web page, not the file; open the link in a browser, then use --from"
        )


def require_sha256(path: Path, expected: str) -> None:
    """Check a file's SHA-256.

    Raises:
        ArchiveError: If it differs from `expected` (hexadecimal digits, any case).
        InputError: If the file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise _unreadable(path, error) from error
    if digest.hexdigest() != expected.strip().lower():
        raise ArchiveError(f"{path.name}: SHA-256 is {digest.hexdigest()}, expected {expected}; get it again")


def inspect(archive: Path, maximum_bytes: int, commit: str | None = None) -> int:
    """Check an archive before anything is unpacked.

    Args:
        archive: The zip file.
        maximum_bytes: Most it may unpack to.
        commit: Commit that GitHub's comment must name; None asks for no comment.

    Returns:
        Bytes it declares to unpack to.

    Raises:
        ArchiveError: If it is no readable zip archive, is of another commit, would write outside its folder,
            holds links, encrypted or repeated members, or declares too much.
        InputError: If the file cannot be opened.
    """
    with _opened(archive) as opened:
        if commit is not None and opened.comment != commit.encode():
            found = opened.comment[:60].decode(errors="replace") or "no commit"
            raise ArchiveError(f"{archive}: is of {found}, expected commit {commit}; download it again")
        members = opened.infolist()
        if len(members) > _MAXIMUM_MEMBERS:
            raise ArchiveError(
                f"{archive}: holds {len(members)} files, more than {_MAXIMUM_MEMBERS}; not unpacked"
            )
        seen: set[str] = set()
        for member in members:
            _require_harmless(member, archive)
            if member.filename in seen:
                raise ArchiveError(f"{archive}: holds {member.filename!r} twice; not unpacked")
            seen.add(member.filename)
    declared = sum(member.file_size for member in members)
    if declared > maximum_bytes:
        raise ArchiveError(
            f"{archive}: declares {declared} bytes unpacked, expected at most {maximum_bytes}; not unpacked"
        )
    return declared


def unpack(archive: Path, folder: Path, progress: Progress) -> None:
    """Unpack an inspected archive into an existing folder, checking each member's CRC.

    Raises:
        ArchiveError: If a member is damaged.
        InputError: If a file cannot be written.
    """
    with _opened(archive) as opened:
        members = [member for member in opened.infolist() if not member.filename.startswith(_MAC_RESOURCES)]
        total, done = sum(member.file_size for member in members), 0
        for member in members:
            _unpack_member(opened, member, folder, archive)
            done += member.file_size
            progress(done, total)


def require_space(folder: Path, needed: int) -> None:
    """Check the free space of the disk a folder is on.

    Raises:
        InputError: If fewer than `needed` bytes are free.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise InputError(
            f"{folder}: {free / 1e9:.1f} GB free, {needed / 1e9:.1f} GB needed; make room or change --root"
        )


def _opened(archive: Path) -> zipfile.ZipFile:
    try:
        with archive.open("rb") as stream:
            require_zip_start(stream.read(_HEAD_BYTES), str(archive))
        return zipfile.ZipFile(archive)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise ArchiveError(f"{archive}: is damaged or incomplete ({error}); download it again") from error
    except OSError as error:
        raise _unreadable(archive, error) from error


def _require_harmless(member: zipfile.ZipInfo, archive: Path) -> None:
    name = member.filename
    path = PurePosixPath(name)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in name or ":" in path.parts[0]:
        raise ArchiveError(f"{archive}: member {name!r} would be written outside its folder; not unpacked")
    mode = member.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ArchiveError(f"{archive}: member {name!r} is a link or device; not unpacked")
    if member.flag_bits & _ENCRYPTED:
        raise ArchiveError(f"{archive}: member {name!r} is encrypted; get the archive from its official page")


def _unpack_member(opened: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, archive: Path) -> None:
    target = folder / member.filename
    try:
        if member.is_dir():
            target.mkdir(parents=True, exist_ok=True)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        with opened.open(member) as source, target.open("xb") as sink:
            shutil.copyfileobj(source, sink, _CHUNK)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError) as error:
        raise ArchiveError(
            f"{archive}: {member.filename!r} is damaged ({error}); download it again"
        ) from error
    except OSError as error:
        raise InputError(f"{target}: cannot be written ({error.strerror or error})") from error


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(f"{path}: cannot be read ({error.strerror or error}); check the path")
