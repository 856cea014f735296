"""What a result depends on: hashes of plugin code and of arguments, and the environment it ran in."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import io
import json
import platform
import tokenize
from collections.abc import Iterable
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from fusionbench.errors import InputError
from fusionbench.images import image_files

RECORDED_PACKAGES = ("ivif-fusionbench", "numpy", "scipy", "pillow", "torch", "pandas", "pyarrow")


def content_hash(value: Any) -> str:
    """Hash of a value made of JSON types, independent of the order of keys; 32 hexadecimal digits."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def code_hash(plugin: type) -> str:
    """Hash of the source that defines a plugin: its module and what that imports from its package or folder.

    Comments, blank lines and line endings do not count, so that they invalidate no result. The harness is
    left out on purpose: what it does to the numbers is `evaluation.plan.PIPELINE_VERSION`.

    Args:
        plugin: The plugin class.

    Returns:
        32 hexadecimal digits; the class's qualified name is hashed where there is no source file.
    """
    source = inspect.getsourcefile(plugin)
    if source is None:
        return content_hash(f"{plugin.__module__}.{plugin.__qualname__}")
    files = _own_files(Path(source).resolve(), plugin.__module__)
    return content_hash({name: _significant_text(_read(path)) for name, path in sorted(files.items())})


def file_hash(path: Path) -> str:
    """SHA-256 of a file's content.

    Raises:
        InputError: If it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    return digest.hexdigest()


def folder_hash(folder: Path) -> str:
    """Hash of the names and contents of the images directly in a folder.

    Raises:
        InputError: If the folder or one of its images cannot be read.
    """
    return content_hash([[path.name, file_hash(path)] for path in image_files(folder)])


def environment(device: str) -> dict[str, str]:
    """Versions and machine a result was computed with; recorded in stamps, never part of a key."""
    found = {"python": platform.python_version(), "platform": platform.platform(), "device": device}
    for package in RECORDED_PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _own_files(start: Path, module: str) -> dict[str, Path]:
    """The module's file and those it imports from where it belongs: its package, or else its folder."""
    package, separator, _ = module.partition(".")
    locate = partial(_in_package, package) if separator else partial(_in_folder, start.parent)
    files = {module: start} if separator else {start.stem: start}
    waiting = list(files.items())
    while waiting:
        name, path = waiting.pop()
        for imported in _imports_of(path, name):
            origin = None if imported in files else locate(imported)
            if origin is not None:
                files[imported] = origin
                waiting.append((imported, origin))
    return files


def _in_package(package: str, module: str) -> Path | None:
    """Source of a module of a package, found without running it; None for other names."""
    if module.partition(".")[0] != package:
        return None
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin).resolve()


def _in_folder(folder: Path, module: str) -> Path | None:
    """Source of a module that lies in a folder; None for other names."""
    path = folder.joinpath(*module.split("."))
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()), None)


def _imports_of(path: Path, module: str) -> tuple[str, ...]:
    """Modules that a file imports, anywhere in it, and the names it imports from them: may be modules too."""
    parent = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return _imports_in(_read(path), parent)


@cache
def _imports_in(text: str, parent: str) -> tuple[str, ...]:
    return tuple(name for node in ast.walk(ast.parse(text)) for name in _imported_names(node, parent))


def _imported_names(node: ast.AST, parent: str) -> Iterable[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = node.module or ""
    if node.level:
        above = parent.split(".")
        base = ".".join([*above[: len(above) - node.level + 1], *([base] if base else [])])
    return [base, *(f"{base}.{alias.name}" for alias in node.names)]


@cache
def _significant_text(text: str) -> str:
    """Source without comments and blank lines."""
    lines = text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO("\n".join(lines) + "\n").readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    return "\n".join(line.rstrip() for line in lines if line.strip())


def _read(path: Path) -> str:
    with tokenize.open(path) as stream:
        return stream.read()
