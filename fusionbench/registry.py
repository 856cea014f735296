"""Names to plugins, through entry points, loaded only when asked for.

Bundled plugins register through the same entry-point groups as anyone else's: `fusionbench.methods`,
`fusionbench.enhancements`, `fusionbench.metrics`, `fusionbench.profiles`, `fusionbench.degradations`,
`fusionbench.degradation_profiles`, `fusionbench.datasets`, `fusionbench.detectors`,
`fusionbench.segmenters`.
"""

from __future__ import annotations

import hashlib
import importlib
import logging
import sys
from contextlib import redirect_stdout
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from fusionbench.errors import FusionbenchError, InputError, UnknownNameError
from fusionbench.source_files import USER_MODULE, own_files, read_source

if TYPE_CHECKING:
    from fusionbench.contracts import (
        Dataset,
        Degradation,
        DegradationProfile,
        Enhancement,
        FusionMethod,
    )

Kind = Literal[
    "method",
    "enhancement",
    "metric",
    "degradation",
    "dataset",
    "profile",
    "degradation_profile",
    "detector",
    "segmenter",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

EXTERNAL = "external:"
"""Begins a reference to a method that runs as a program of its own."""

logger = logging.getLogger(__name__)

_user_modules: dict[Path, tuple[dict[str, str], ModuleType]] = {}
"""Method files imported so far: the text of each of their modules then, and the module."""


def names(kind: Kind) -> list[str]:
    """Registered names of one kind, sorted, without importing any plugin.

    Raises:
        FusionbenchError: If two installed packages register one name.
    """
    return sorted(_entry_points(kind))


def load(kind: Kind, name: str) -> Any:
    """Import the plugin class registered under a name.

    Raises:
        UnknownNameError: If nothing registers the name; the message suggests the nearest.
        FusionbenchError: If the plugin's module fails to import.
    """
    found = _entry_points(kind).get(name)
    if found is None:
        raise UnknownNameError(kind.replace("_", " "), name, _entry_points(kind))
    try:
        return found.load()
    except Exception as error:
        package = found.dist.name if found.dist is not None else found.value
        raise FusionbenchError(
            f"{kind.replace('_', ' ')} {name!r} (from {package}) failed to import: "
            f"{type(error).__name__}: {error}; repair or uninstall that package"
        ) from error


def load_all(kind: Kind) -> dict[str, Any]:
    """Import every plugin of one kind; one that fails is left out with a warning in the log."""
    loaded: dict[str, Any] = {}
    for name in names(kind):
        try:
            loaded[name] = load(kind, name)
        except FusionbenchError as error:
            logger.warning("%s", error)
    return loaded


def enhancement(name: str) -> Enhancement:
    """Create the enhancement registered under a name."""
    return cast("Enhancement", load("enhancement", name)())


def degradation(name: str) -> Degradation:
    """Create the degradation registered under a name."""
    return cast("Degradation", load("degradation", name)())


def degradation_profile(name: str) -> DegradationProfile:
    """Create the profile of degradations registered under a name."""
    return cast("DegradationProfile", load("degradation_profile", name)())


def dataset_class(name: str) -> type[Dataset]:
    """Find the dataset class registered under a name."""
    return cast("type[Dataset]", load("dataset", name))


def method_class(name: str) -> type[FusionMethod]:
    """Find a method by registered name, in a Python file (`path/to/file.py:ClassName`) or elsewhere.

    `external:FOLDER` names a program of its own: see `fusionbench.external_methods`.

    Raises:
        InputError: If the file does not load or has no such class, or the folder holds no such program.
        UnknownNameError: If it is neither a registered name nor a file reference.
    """
    if name.startswith(EXTERNAL):
        from fusionbench.external_methods import external_method_class

        return external_method_class(Path(name.removeprefix(EXTERNAL).strip()))
    if ".py" in name:
        return _method_in_file(name)
    return cast("type[FusionMethod]", load("method", name))


@cache
def _entry_points(kind: Kind) -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=f"fusionbench.{kind}s"):
        other = found.get(point.name)
        if other is not None and other.value != point.value:
            raise FusionbenchError(
                f"two packages register the {kind} {point.name!r}: "
                f"{other.value} and {point.value}; uninstall one"
            )
        found[point.name] = point
    return found


def _method_in_file(reference: str) -> type[FusionMethod]:
    file_name, separator, class_name = reference.rpartition(":")
    if not separator or not class_name.isidentifier():
        raise InputError(f"{reference}: write a method in a file as path/to/file.py:ClassName")
    path = Path(file_name).expanduser().resolve()
    if not path.is_file():
        raise InputError(f"{path}: no such file; --method takes path/to/file.py:ClassName")
    found = getattr(_import_file(path), class_name, None)
    if not isinstance(found, type) or not callable(getattr(found, "fuse", None)):
        raise InputError(f"{path}: has no class {class_name} with a fuse(visible, infrared) method")
    return cast("type[FusionMethod]", found)


def _import_file(path: Path) -> ModuleType:
    """Import a file as Python runs a script, modules beside it included; again when one of them has changed.

    Raises:
        InputError: If it fails, or imports a module whose name one in another method's folder has taken.
    """
    module_name = USER_MODULE + hashlib.blake2b(str(path).encode(), digest_size=8).hexdigest()
    try:
        files = own_files(path, module_name)
        text = {name: read_source(file) for name, file in files.items()}
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"{path}: is no Python that can be read ({error})") from error
    known = _user_modules.get(path)
    if known is not None and known[0] == text:
        return known[1]
    for name, file in files.items():
        _make_way(name, file, path)
    module = _executed(path, module_name, text[path.stem])
    _user_modules[path] = text, module
    return module


def _make_way(name: str, file: Path, path: Path) -> None:
    """Drop an older version of a module that a method file imports, so that it is read again."""
    loaded = sys.modules.get(name)
    source = getattr(loaded, "__file__", None)
    if source is None:
        return
    if Path(source).resolve() == file.resolve():
        del sys.modules[name]
    elif any(Path(source).resolve().is_relative_to(other.parent) for other in _user_modules):
        raise InputError(f"{path}: imports {name!r}, but {source} has that name already; rename one of them")


def _executed(path: Path, module_name: str, text: str) -> ModuleType:
    module = ModuleType(module_name)
    module.__file__ = str(path)
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    importlib.invalidate_caches()
    sys.modules[module_name] = module
    writes_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        # What is printed here is not part of a command's output, which may be JSON. The source is compiled
        # as it is now: bytecode files tell two versions of one second and size apart by nothing.
        with redirect_stdout(sys.stderr):
            exec(compile(text, str(path), "exec"), module.__dict__)  # noqa: S102
    except (Exception, SystemExit) as error:
        del sys.modules[module_name]
        raise InputError(f"{path}: failed to import: {type(error).__name__}: {error}") from error
    finally:
        sys.dont_write_bytecode = writes_bytecode
    return module
