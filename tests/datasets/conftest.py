"""Small files in the official formats, for what no real sample shows."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

MakeImage = Callable[..., Path]


@pytest.fixture(autouse=True)
def own_user_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Caches and configuration of the person who runs the tests are neither read nor written."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("FUSIONBENCH_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return home


@pytest.fixture
def image() -> MakeImage:
    """Write an image file; parents are made, the content follows from the size and value."""

    def make(path: Path, size: tuple[int, int] = (16, 12), value: int = 90, mode: str = "RGB") -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        grey = (np.add.outer(np.arange(size[1]), np.arange(size[0])) + value).astype(np.uint8)
        Image.fromarray(grey).convert(mode).save(path)
        return path

    return make


@pytest.fixture
def voc() -> Callable[..., Path]:
    """Write a Pascal VOC file with objects `(name, xmin, ymin, xmax, ymax)`."""

    def make(path: Path, *objects: tuple[object, ...]) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        items = "".join(
            f"<object><name>{name}</name><bndbox><xmin>{a}</xmin><ymin>{b}</ymin>"
            f"<xmax>{c}</xmax><ymax>{d}</ymax></bndbox></object>"
            for name, a, b, c, d in objects
        )
        path.write_text(f"<annotation><filename>{path.stem}</filename>{items}</annotation>", encoding="utf-8")
        return path

    return make


@dataclass
class WebServer:
    """A server on this machine; each test says how it misbehaves."""

    url: str
    content: bytes = b""
    ranges: bool = True
    """Whether Range requests are honoured."""
    cuts: list[int] = field(default_factory=list)
    """For the coming responses: bytes to send before the connection breaks."""
    statuses: list[int] = field(default_factory=list)
    """For the coming responses: an error status to answer with."""
    tag: str | None = '"one"'
    length: bool = True
    """Whether Content-Length is sent."""
    location: str | None = None
    """Where to redirect to."""
    seen: list[dict[str, str]] = field(default_factory=list)
    """Headers of the requests, in order."""

    def respond(self, handler: BaseHTTPRequestHandler) -> None:
        self.seen.append(dict(handler.headers))
        if self.location is not None:
            handler.send_response(302)
            handler.send_header("Location", self.location)
            handler.end_headers()
        elif self.statuses:
            handler.send_error(self.statuses.pop(0))
        else:
            self._send(handler)

    def _send(self, handler: BaseHTTPRequestHandler) -> None:
        start = 0
        asked = handler.headers.get("Range")
        if asked and self.ranges and handler.headers.get("If-Range") == self.tag:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
        if start >= len(self.content) > 0:
            handler.send_error(416)
            return
        body = self.content[start:]
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        if self.tag is not None:
            handler.send_header("ETag", self.tag)
        if self.length:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: self.cuts.pop(0)] if self.cuts else body)


@pytest.fixture
def server() -> Iterator[WebServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            web.respond(self)

        def log_message(self, *arguments: object) -> None:
            """Keep quiet."""

    http_server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web = WebServer(f"http://127.0.0.1:{http_server.server_port}/archive.zip")
    thread = threading.Thread(target=http_server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield web
    http_server.shutdown()
    http_server.server_close()
    thread.join()


@pytest.fixture
def zipped() -> Callable[..., bytes]:
    """Bytes of a zip archive with the given members (name to content) and comment."""

    def make(members: Mapping[str, bytes], comment: str = "") -> bytes:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
            archive.comment = comment.encode()
        return stream.getvalue()

    return make
