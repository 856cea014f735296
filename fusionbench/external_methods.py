"""Methods that run as programs of their own: a folder of pairs goes in, a folder of fused images comes out.

This is how a method enters the table whose code cannot be imported here: its authors' checkout stays where it
is, with its own interpreter, and is started once for a batch of pairs. What it has to do:

- read `VISIBLE/NAME.png` (8-bit RGB) and `INFRARED/NAME.png` (8-bit grey), of the same names and sizes;
- write `OUT/NAME.png` for each, 8-bit, of the same size: grey, which is taken for luminance and gets the
  visible image's chroma, or RGB, which is taken as it is;
- end with exit status 0.

How it is started stands in `fusionbench.toml` in its folder:

    name = "CDDFuse"
    command = ["{python}", "test.py", "--visible", "{visible}", "--infrared", "{infrared}", "--out", "{out}"]
    seconds_to_start = 120
    seconds_per_pair = 60

Without that file the command is `{python} fuse.py {visible} {infrared} {out}`. It runs in its own folder,
in a session of its own and with few of this process's environment variables, and is killed with all it
started when its time is over.
"""

from __future__ import annotations

import contextlib
import fnmatch
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusionbench.contracts import ImagePair, MethodCard, Uint8Image
from fusionbench.errors import InputError, MethodError
from fusionbench.images import read_fused, write_png

if TYPE_CHECKING:
    from fusionbench.contracts import FusionMethod

SETTINGS_FILE = "fusionbench.toml"
DEFAULT_SCRIPT = "fuse.py"

KEPT_VARIABLES = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "SYSTEMROOT", "LD_LIBRARY_PATH")
"""Of the environment, with those that begin as in `KEPT_PREFIXES`."""

KEPT_PREFIXES = ("CUDA_", "NVIDIA_", "OMP_", "MKL_", "HF_", "TORCH_")

IMAGE_AND_TEXT_SUFFIXES = frozenset(
    {
        *(".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".gif", ".webp", ".mp4", ".avi"),
        *(".log", ".txt", ".md", ".pdf", ".csv", ".pyc"),
    }
)
"""Files that do not decide what a program computes: its data, its output, and what is said of it."""

EXAMPLE = '["{python}", "test.py", "{visible}", "{infrared}", "{out}"]'

READ_BYTES = 4096
SHOWN_LINES, SHOWN_CHARACTERS = 3, 200
"""Of what a program said before it failed."""


@dataclass(frozen=True)
class ExternalSettings:
    """How a program is started."""

    name: str
    command: tuple[str, ...]
    """With `{python}`, `{visible}`, `{infrared}` and `{out}` in place."""
    seconds_to_start: float = 120.0
    seconds_per_pair: float = 60.0
    ignore: tuple[str, ...] = ()
    """Files and folders that the program writes beside itself, as patterns: they do not make it another."""


class ExternalMethod:
    """A program that fuses folders.

    Args:
        folder: Where it lies and runs.
        settings: How it is started.
        python: Interpreter for `{python}`; None takes this one.

    Raises:
        InputError: If there is no such interpreter.
    """

    def __init__(self, folder: Path, settings: ExternalSettings, python: Path | None = None) -> None:
        self._folder = folder
        self._settings = settings
        self._python = Path(sys.executable) if python is None else find_interpreter(python)
        self.card = MethodCard(name=settings.name, title=settings.name, summary=f"runs in {folder.name}")

    def fuse_images(self, pairs: Sequence[ImagePair]) -> list[Uint8Image]:
        """Fuse pairs by one start of the program.

        Returns:
            Images `(H, W)` or `(H, W, 3)`, in order.

        Raises:
            MethodError: If it cannot be started, fails, takes too long, or writes other images than it
                should.
        """
        with tempfile.TemporaryDirectory(prefix="fusionbench-", ignore_cleanup_errors=True) as name:
            try:
                return self._fuse_in(Path(name).resolve(), pairs)
            except (OSError, InputError) as error:
                raise MethodError(
                    f"method {self._settings.name}: its folders cannot be used ({error})"
                ) from error

    def _fuse_in(self, temporary: Path, pairs: Sequence[ImagePair]) -> list[Uint8Image]:
        folders = {each: temporary / each for each in ("visible", "infrared", "out", "tmp")}
        for folder in folders.values():
            folder.mkdir()
        names = [f"{index:06d}.png" for index in range(len(pairs))]
        for file_name, pair in zip(names, pairs, strict=True):
            write_png(folders["visible"] / file_name, pair.visible)
            write_png(folders["infrared"] / file_name, pair.infrared)
        self._run(folders, temporary / "log.txt", len(pairs))
        self._require_every_image(folders["out"], names)
        return [
            self._output(folders["out"] / file_name, pair)
            for file_name, pair in zip(names, pairs, strict=True)
        ]

    def _run(self, folders: Mapping[str, Path], log: Path, count: int) -> None:
        places = {each: str(path) for each, path in folders.items()}
        places["python"] = str(self._python)
        command = [_filled(word, places) for word in self._settings.command]
        limit = self._settings.seconds_to_start + count * self._settings.seconds_per_pair
        try:
            with log.open("wb") as told:
                process = subprocess.Popen(  # noqa: S603 - the user's own program
                    command,
                    cwd=self._folder,
                    env=_environment(folders["tmp"]),
                    stdin=subprocess.DEVNULL,
                    stdout=told,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            raise MethodError(
                f"method {self._settings.name}: {command[0]} cannot be started ({error.strerror}); check "
                f"--python and the command in {self._folder / SETTINGS_FILE}"
            ) from error
        try:
            status = process.wait(timeout=limit)
        except subprocess.TimeoutExpired as error:
            raise MethodError(
                f"method {self._settings.name}: took longer than {limit:.0f} s for {count} pairs and was "
                f"stopped; raise seconds_to_start or seconds_per_pair in {self._folder / SETTINGS_FILE}"
                f"{_last_words(log)}"
            ) from error
        finally:
            _stop(process)
        if status != 0:
            raise MethodError(
                f"method {self._settings.name}: ended with exit status {status}{_last_words(log)}"
            )

    def _require_every_image(self, out: Path, names: Sequence[str]) -> None:
        found = {path.name for path in out.iterdir() if path.is_file()} if out.is_dir() else set()
        missing = [name for name in names if name not in found]
        if missing:
            others = sorted(found - set(names))
            instead = f"; it wrote {others[0]} instead" if others else ""
            raise MethodError(
                f"method {self._settings.name}: wrote {len(names) - len(missing)} of {len(names)} images, "
                f"{missing[0]} is missing{instead}; it must write OUT/NAME.png for each VISIBLE/NAME.png"
            )

    def _output(self, path: Path, pair: ImagePair) -> Uint8Image:
        try:
            image = read_fused(path)
        except InputError as error:
            told = str(error).replace(str(path), path.name)
            raise MethodError(f"method {self._settings.name}: wrote what cannot be used: {told}") from error
        if image.shape[:2] != pair.size:
            height, width = pair.size
            raise MethodError(
                f"method {self._settings.name}: wrote {image.shape[1]}x{image.shape[0]} for a pair of "
                f"{width}x{height}; it must keep the size"
            )
        return image


def external_method_class(folder: Path) -> type[FusionMethod]:
    """The class of the method in a folder: its constructor takes `python`.

    Raises:
        InputError: If the folder is not there, or nothing in it says how to start the method.
    """
    if folder == Path():
        raise InputError("--method external: name the method's folder, as in external:./TheirCheckout")
    place = folder.expanduser().resolve()
    settings = read_settings(place)

    class External(ExternalMethod):
        card = MethodCard(name=settings.name, title=settings.name, summary=f"runs in {place.name}")

        def __init__(self, python: Path | None = None) -> None:
            super().__init__(place, settings, python)

    External.__qualname__ = f"External({settings.name})"
    return External  # type: ignore[return-value]


def read_settings(folder: Path) -> ExternalSettings:
    """How the method in a folder is started.

    Raises:
        InputError: If the folder is not there, or nothing in it says how to start the method.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; --method external:FOLDER names a method's checkout")
    path = folder / SETTINGS_FILE
    if path.is_file():
        return _settings_in(path)
    if (folder / DEFAULT_SCRIPT).is_file():
        command = ("{python}", DEFAULT_SCRIPT, "{visible}", "{infrared}", "{out}")
        return ExternalSettings(folder.name, command)
    raise InputError(
        f"{folder}: has neither {SETTINGS_FILE} nor {DEFAULT_SCRIPT}; write one that says how to fuse a "
        "folder (docs/methods.md)"
    )


def deciding_files(folder: Path) -> list[Path]:
    """Files of a checkout that decide what it computes: code, settings and weights.

    All but images, logs and texts, what `ignore` in its settings names, hidden folders, caches of Python and
    virtual environments. Links are followed.
    """
    ignored = read_settings(folder).ignore
    seen: set[str] = set()
    found: list[Path] = []
    for place, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders[:] = []
            continue
        seen.add(real)
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name != "__pycache__"
            and not (Path(place) / name / "pyvenv.cfg").is_file()
        )
        found += [
            Path(place) / name
            for name in sorted(files)
            if Path(name).suffix.lower() not in IMAGE_AND_TEXT_SUFFIXES and (Path(place) / name).is_file()
        ]
    return [path for path in found if not _is_ignored(path.relative_to(folder), ignored)]


def find_interpreter(python: Path) -> Path:
    """An interpreter by its path, relative to where fusionbench runs, or by its name.

    Raises:
        InputError: If there is none.
    """
    # Not resolved: a virtual environment is known by the link, not by what that leads to.
    given = str(Path.cwd() / python.expanduser()) if python.parent != Path() else str(python)
    found = shutil.which(given)
    if found is None:
        raise InputError(f"--python {python}: no such program; name an interpreter that can be run")
    return Path(found)


def _is_ignored(path: Path, patterns: Sequence[str]) -> bool:
    names = [path.as_posix(), *(parent.as_posix() for parent in path.parents)]
    return any(fnmatch.fnmatch(name, pattern.rstrip("/")) for name in names for pattern in patterns)


def _settings_in(path: Path) -> ExternalSettings:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error
    unknown = content.keys() - {"name", "command", "seconds_to_start", "seconds_per_pair", "ignore"}
    if unknown:
        raise InputError(f"{path}: {sorted(unknown)[0]} is not known; see docs/methods.md")
    return ExternalSettings(
        name=_text(content, "name", path, path.parent.name),
        command=_command(content, path),
        seconds_to_start=_seconds(content, "seconds_to_start", path, ExternalSettings.seconds_to_start),
        seconds_per_pair=_seconds(content, "seconds_per_pair", path, ExternalSettings.seconds_per_pair),
        ignore=_words(content.get("ignore", []), "ignore", path),
    )


def _text(content: Mapping[str, Any], key: str, path: Path, otherwise: str) -> str:
    value = content.get(key, otherwise)
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{path}: {key} must be a text")
    return value.strip()


def _command(content: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    words = content.get("command")
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        raise InputError(f"{path}: command must be a list of words, such as {EXAMPLE}")
    for place in ("{visible}", "{infrared}", "{out}"):
        if not any(place in word for word in words):
            raise InputError(f"{path}: command must contain {place}")
    return tuple(words)


def _words(value: object, key: str, path: Path) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise InputError(f"{path}: {key} must be a list of texts")
    return tuple(value)


def _seconds(content: Mapping[str, Any], key: str, path: Path, otherwise: float) -> float:
    value = content.get(key, otherwise)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
        raise InputError(f"{path}: {key} must be a number of seconds above 0")
    return float(value)


def _filled(word: str, places: Mapping[str, str]) -> str:
    for name, value in places.items():
        word = word.replace(f"{{{name}}}", value)
    return word


def _environment(temporary: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in KEPT_VARIABLES or name.startswith(KEPT_PREFIXES)
    }
    return {**kept, "TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"}


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Kill a program and whatever it started and left behind."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def _last_words(log: Path) -> str:
    if not log.is_file():
        return "; it removed what it said"
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - READ_BYTES))
        text = stream.read().decode("utf-8", errors="replace")
    told = [line.strip()[-SHOWN_CHARACTERS:] for line in text.splitlines() if line.strip()][-SHOWN_LINES:]
    return f"; its last words: {' | '.join(told)}" if told else "; it said nothing"
