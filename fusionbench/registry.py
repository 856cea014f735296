"""Names to plugins, through entry points, loaded only when asked for.

Bundled plugins register through the same entry-point groups as anyone else's: `fusionbench.methods`,
`fusionbench.metrics`, `fusionbench.degradations`, `fusionbench.datasets`.
"""

from __future__ import annotations

import importlib.util
import logging
import sys
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from fusionbench.errors import FusionbenchError, InputError, UnknownNameError

if TYPE_CHECKING:
    from fusionbench.contracts import Dataset, Degradation, FusionMethod, Metric

Kind = Literal["method", "metric", "degradation", "dataset"]
KINDS: tuple[Kind, ...] = get_args(Kind)

logger = logging.getLogger(__name__)


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
        raise UnknownNameError(kind, name, _entry_points(kind))
    try:
        return found.load()
    except Exception as error:
        package = found.dist.name if found.dist is not None else found.value
        raise FusionbenchError(
            f"{kind} {name!r} (from {package}) failed to import: {type(error).__name__}: {error}; "
            "repair or uninstall that package"
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


def degradation(name: str) -> Degradation:
    """Create the degradation registered under a name."""
    return cast("Degradation", load("degradation", name)())


def metric(name: str) -> Metric:
    """Create the metric registered under a name."""
    return cast("Metric", load("metric", name)())


def dataset_class(name: str) -> type[Dataset]:
    """Find the dataset class registered under a name."""
    return cast("type[Dataset]", load("dataset", name))


def method_class(name: str) -> type[FusionMethod]:
    """Find a method by registered name, or in a Python file given as `path/to/file.py:ClassName`.

    Raises:
        InputError: If the file does not load or has no such class.
        UnknownNameError: If it is neither a registered name nor a file reference.
    """
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
    status = path.stat()
    found = getattr(_import_file(path, status.st_mtime_ns, status.st_size), class_name, None)
    if not isinstance(found, type) or not callable(getattr(found, "fuse", None)):
        raise InputError(f"{path}: has no class {class_name} with a fuse(visible, infrared) method")
    return cast("type[FusionMethod]", found)


@cache
def _import_file(path: Path, _changed: int, _size: int) -> ModuleType:
    """Import a file as Python runs a script: modules beside it can be imported; again when it has changed."""
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    module_name = f"_fusionbench_user_{path.stem}_{abs(hash(path)):x}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path}: is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[module_name]
        raise InputError(f"{path}: failed to import: {type(error).__name__}: {error}") from error
    return module
