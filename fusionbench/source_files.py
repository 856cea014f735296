"""Which source files define a plugin: its module, and what that imports from its package or folder."""

from __future__ import annotations

import ast
import importlib.util
import tokenize
from collections.abc import Callable, Iterable
from functools import cache, partial
from pathlib import Path

USER_MODULE = "_fusionbench_user_"
"""Beginning of the names under which method files given by path are imported."""

HARNESS = "fusionbench"


def own_files(start: Path, module: str) -> dict[str, Path]:
    """Source files that define a module, by module name.

    Args:
        start: The module's own file.
        module: Its name. A module of a package brings what it imports from that package, a method file given
            by path what it imports from its folder, any other module itself alone.
    """
    package, separator, _ = module.partition(".")
    if module.startswith(USER_MODULE):
        return _reachable({start.stem: start}, partial(_in_folder, start.parent))
    return _reachable({module: start}, partial(_in_package, package)) if separator else {module: start}


def _reachable(files: dict[str, Path], locate: Callable[[str], Path | None]) -> dict[str, Path]:
    waiting = list(files.items())
    while waiting:
        name, path = waiting.pop()
        for imported in _imports_of(path, name):
            for origin_name, origin in _with_parents(imported, locate):
                if origin_name not in files:
                    files[origin_name] = origin
                    waiting.append((origin_name, origin))
    return files


def _with_parents(module: str, locate: Callable[[str], Path | None]) -> Iterable[tuple[str, Path]]:
    """A module and the packages it lies in, whose `__init__.py` run before it."""
    parts = module.split(".")
    names = (".".join(parts[: depth + 1]) for depth in range(len(parts)))
    return [(name, path) for name in names if (path := locate(name)) is not None]


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
    """Source of a module that lies in a folder; None for other names, the harness's among them."""
    if module.partition(".")[0] == HARNESS:
        return None
    path = folder.joinpath(*module.split("."))
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()), None)


def _imports_of(path: Path, module: str) -> tuple[str, ...]:
    """Modules that a file imports, anywhere in it, and the names it imports from them: may be modules too."""
    parent = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return _imports_in(read_source(path), parent)


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


def read_source(path: Path) -> str:
    """Text of a Python file, in the encoding it declares."""
    with tokenize.open(path) as stream:
        return stream.read()
