"""Fetches one file over HTTP: resumes, retries, and never takes a web page or half a file for an archive."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any, NoReturn

from fusionbench.datasets.archives import (
    ArchiveError,
    Progress,
    require_no_web_page,
    require_space,
    require_zip_start,
)
from fusionbench.errors import InputError

RequireStart = Callable[[bytes, str], None]
"""Checks the first bytes of a file; the second argument is where it is from."""

_SCHEMES = ("https", "http")
_CHUNK = 1 << 16
_TIMEOUT_SECONDS = 30.0
_MOST_BYTES = 40_000_000_000
"""Ten times the largest dataset read here: what no archive of one reaches."""

_BACK_OFF_SECONDS = (1.0, 2.0, 4.0, 8.0)
"""Pauses before each further attempt; the count starts anew whenever more of the file has arrived."""

_PASSING_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})


class _BrokenOffError(Exception):
    """A transfer that stopped early and is worth another attempt."""


@dataclass(frozen=True)
class _Transfer:
    """What is to be fetched, who is told, and how its first bytes are judged."""

    url: str
    progress: Progress
    require_start: RequireStart


@dataclass(frozen=True)
class _Partial:
    """A file on its way: `NAME.part` with the bytes, `NAME.part.json` with what they belong to."""

    data: Path
    note: Path

    @classmethod
    def of(cls, target: Path) -> _Partial:
        return cls(target.with_name(f"{target.name}.part"), target.with_name(f"{target.name}.part.json"))

    def size(self) -> int:
        return self.data.stat().st_size if self.data.is_file() else 0

    def validator(self, url: str) -> str | None:
        """The server's name for the version that the bytes belong to; None if they cannot be resumed."""
        try:
            note = json.loads(self.note.read_text(encoding="utf-8"))
            return str(note["validator"]) if note["url"] == url and self.size() > 0 else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def remember(self, url: str, validator: str | None) -> None:
        self.note.unlink(missing_ok=True)
        if validator is not None:
            self.note.write_text(json.dumps({"url": url, "validator": validator}), encoding="utf-8")

    def discard(self) -> None:
        self.data.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)


def fetch_zip(
    url: str,
    target: Path,
    progress: Progress,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Download a zip archive: `fetch_file`, refusing what does not begin like one."""
    fetch_file(url, target, progress, pause, require_start=require_zip_start)


def fetch_file(
    url: str,
    target: Path,
    progress: Progress,
    pause: Callable[[float], None] = time.sleep,
    *,
    require_start: RequireStart = require_no_web_page,
) -> None:
    """Download a file; `target` appears complete, or not at all.

    What arrived stays in `NAME.part`, and the next call goes on from there if the server still has the same
    version.

    Args:
        url: An http or https address.
        target: The file to write, in an existing folder.
        progress: Told of the bytes received and expected.
        pause: Waits between attempts.
        require_start: Looks at the first bytes; raises ArchiveError if they are not what they should be.

    Raises:
        InputError: If the address is refused, the server says no, the transfer keeps breaking off, the disk
            is full, or the content is a web page or otherwise not what it should be.
    """
    if _scheme(url) not in _SCHEMES:
        raise InputError(f"{url}: only http and https addresses are downloaded; use --from for a file")
    transfer, partial = _Transfer(url, progress, require_start), _Partial.of(target)
    failures, most = 0, partial.size()
    while True:
        try:
            _attempt(transfer, partial)
            break
        except _BrokenOffError as error:
            failures = 1 if partial.size() > most else failures + 1
            most = max(most, partial.size())
            if failures > len(_BACK_OFF_SECONDS):
                raise InputError(f"{url}: download broke off ({error}); run it again to resume") from error
            pause(_BACK_OFF_SECONDS[failures - 1])
    _finish(url, partial, target)


def _scheme(url: str) -> str:
    try:
        return urllib.parse.urlsplit(url).scheme
    except ValueError as error:
        raise InputError(f"{url}: is no address ({error}); check --url") from error


def _attempt(transfer: _Transfer, partial: _Partial) -> None:
    """Fetch the file, or the rest of it.

    Raises:
        _BrokenOffError: If it is not complete afterwards.
        InputError: If another attempt would not help.
    """
    url = transfer.url
    validator = partial.validator(url)
    headers = {"User-Agent": "fusionbench", "Accept-Encoding": "identity"}
    if validator is not None:
        headers |= {"Range": f"bytes={partial.size()}-", "If-Range": validator}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310  (the scheme is checked above)
    try:
        with _opener().open(request, timeout=_TIMEOUT_SECONDS) as response:
            _receive(response, transfer, partial)
    except urllib.error.HTTPError as error:
        with error:
            _judge_status(error, url, partial)
    except ValueError as error:
        raise InputError(
            f"{url}: the server's answer makes no sense ({error}); give a mirror with --url"
        ) from error
    except (OSError, http.client.HTTPException) as error:  # URLError, timeouts and TLS errors are OSErrors
        raise _BrokenOffError(str(getattr(error, "reason", error)) or type(error).__name__) from error


def _judge_status(error: urllib.error.HTTPError, url: str, partial: _Partial) -> NoReturn:
    if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        partial.discard()
        raise _BrokenOffError("the server has no such range, starting over") from error
    if error.code in _PASSING_STATUS:
        raise _BrokenOffError(f"the server answered {error.code} {error.reason}") from error
    raise InputError(
        f"{url}: the server answered {error.code} {error.reason}; give a mirror with --url"
    ) from error


def _receive(response: Any, transfer: _Transfer, partial: _Partial) -> None:
    resumed = response.status == HTTPStatus.PARTIAL_CONTENT
    start = partial.size() if resumed else 0
    if resumed and not str(response.headers.get("Content-Range", "")).startswith(f"bytes {start}-"):
        partial.discard()
        raise _BrokenOffError("the server sent another range than asked for, starting over")
    length = response.headers.get("Content-Length")
    total = start + int(length) if length is not None else None
    if total is not None:
        require_space(partial.data.parent, total - start)
    try:
        with _sink(partial, transfer.url, response, resumed=resumed) as sink:
            received = _copy(response, sink, start, total, transfer)
    except ArchiveError:
        partial.discard()
        raise
    if total is not None and received < total:
        raise _BrokenOffError(f"{received} of {total} bytes arrived")


def _sink(partial: _Partial, url: str, response: Any, *, resumed: bool) -> IO[bytes]:
    """The partial file, open at its end; emptied first unless the server resumes."""
    try:
        if not resumed:
            partial.discard()
            partial.remember(url, _validator_of(response))
        return partial.data.open("ab")
    except OSError as error:
        raise _unwritable(partial.data, error) from error


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(f"{path}: cannot be written ({error.strerror or error}); choose another --root")


def _copy(response: Any, sink: IO[bytes], start: int, total: int | None, transfer: _Transfer) -> int:
    received = start
    while chunk := response.read(_CHUNK):
        if received == 0:
            transfer.require_start(chunk, transfer.url)
        try:
            sink.write(chunk)
        except OSError as error:
            raise _unwritable(Path(sink.name), error) from error
        received += len(chunk)
        if received > _MOST_BYTES:
            raise ArchiveError(
                f"{transfer.url}: sent more than {_MOST_BYTES / 1e9:.0f} GB; give a mirror with --url"
            )
        transfer.progress(received, total)
    return received


def _validator_of(response: Any) -> str | None:
    """What If-Range can compare: a strong entity tag, else the date of change (RFC 9110, 13.1.5)."""
    tag = response.headers.get("ETag")
    if tag is not None and not tag.startswith("W/"):
        return str(tag)
    changed = response.headers.get("Last-Modified")
    return str(changed) if changed is not None else None


def _finish(url: str, partial: _Partial, target: Path) -> None:
    if partial.size() == 0:
        partial.discard()
        raise ArchiveError(f"{url}: the server sent an empty file; give a mirror with --url")
    partial.data.replace(target)
    partial.note.unlink(missing_ok=True)


class _WebRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to http and https only; the base class would also go to ftp."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if urllib.parse.urlsplit(newurl).scheme not in _SCHEMES:
            raise InputError(f"{req.full_url}: leads to {newurl}, which is not http or https; refused")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """An opener that knows http and https and nothing else (no file, no ftp, no data addresses)."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
        _WebRedirects(),
    ):
        opener.add_handler(handler)
    return opener
