"""Where a dataset lies: `--root`, then the environment, then a configuration file.

    [data]
    root = "/data"              # holds LLVIP/, MSRS/, ...

    [data.roots]
    m3fd = "/elsewhere/M3FD"    # one dataset's own folder

The configuration file is `fusionbench.toml` in the working directory, then in the user's configuration
folder; relative paths in it start at the file's own folder.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from fusionbench import registry
from fusionbench.errors import InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ENVIRONMENT_VARIABLE = "FUSIONBENCH_DATA"
CONFIG_NAME = "fusionbench.toml"

logger = logging.getLogger(__name__)


def data_root(name: str | None, root: Path | None = None) -> Path | None:
    """The folder to look for a dataset in.

    Args:
        name: Registered name of the dataset; None asks for the folder that holds all of them.
        root: What the user gave on the command line; it wins over everything else.

    Returns:
        The folder (which need not exist), or None if nothing names one.

    Raises:
        InputError: If a configuration file cannot be understood.
    """
    if root is not None:
        return root.expanduser()
    from_environment = os.environ.get(ENVIRONMENT_VARIABLE)
    if from_environment:
        return Path(from_environment).expanduser()
    for path in config_files():
        found = _configured(path, name)
        if found is not None:
            return found
    return None


def config_files() -> tuple[Path, Path]:
    """Configuration files that are looked for, the one that wins first."""
    return Path(CONFIG_NAME).absolute(), user_config_path("fusionbench", appauthor=False) / CONFIG_NAME


def _configured(path: Path, name: str | None) -> Path | None:
    data = _table(_read(path), "data", path)
    roots = _table(data, "roots", path)
    for unknown in sorted(set(roots) - set(registry.names("dataset"))):
        logger.warning("%s: [data.roots] names %r, which is no installed dataset", path, unknown)
    own = roots.get(name) if name else None
    value = data.get("root") if own is None else own
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        key = "data.root" if own is None else f"data.roots.{name}"
        raise InputError(f"{path}: {key} must be a folder in quotes, got {value!r}")
    return path.parent / Path(value).expanduser()


def _read(path: Path) -> dict[str, Any]:
    try:
        tables: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is not valid TOML ({error}); repair it") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    return tables


def _table(tables: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
    table = tables.get(name, {})
    if not isinstance(table, dict):
        raise InputError(f"{path}: [{name}] must be a table, got {table!r}")
    return table
