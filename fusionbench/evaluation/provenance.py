"""What a result depends on: hashes of plugin code and of arguments, and the environment it ran in."""

from __future__ import annotations

import hashlib
import inspect
import io
import json
import platform
import tokenize
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusionbench import registry
from fusionbench.errors import InputError
from fusionbench.external_methods import deciding_files
from fusionbench.images import image_files
from fusionbench.method_references import MethodReference
from fusionbench.source_files import own_files, read_source

RECORDED_PACKAGES = (
    "ivif-fusionbench",
    "numpy",
    "scipy",
    "numba",
    "scikit-image",
    "pillow",
    "torch",
    "open-clip-torch",
    "torchvision",
    "ultralytics",
    "transformers",
    "faster-coco-eval",
    "pandas",
    "pyarrow",
)


def content_hash(value: Any) -> str:
    """Hash of a value made of JSON types, independent of the order of keys; 32 hexadecimal digits."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def array_hash(values: NDArray[np.generic]) -> str:
    """Hash of an array's shape, type and values; 32 hexadecimal digits."""
    head = f"{values.dtype.str} {values.shape}".encode()
    return hashlib.blake2b(head + np.ascontiguousarray(values).tobytes(), digest_size=16).hexdigest()


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
    files = own_files(Path(source).resolve(), plugin.__module__)
    return content_hash({name: _significant_text(read_source(path)) for name, path in sorted(files.items())})


def method_hash(reference: str) -> str:
    """Hash of the code of a method given by its reference, with that of the enhancements before it."""
    parts = MethodReference(reference)
    code = _own_method_hash(parts)
    if not parts.enhancements:
        return code
    return content_hash([*(code_hash(type(each)) for each in parts.create_enhancements()), code])


def _own_method_hash(reference: MethodReference) -> str:
    if reference.method.startswith(registry.EXTERNAL):
        folder = Path(reference.method.removeprefix(registry.EXTERNAL).strip()).expanduser().resolve()
        files = deciding_files(folder)
        return content_hash([[path.relative_to(folder).as_posix(), file_hash(path)] for path in files])
    code = code_hash(reference.method_class)
    # Two classes of one file may carry one name; two registered ones cannot.
    named = reference.method in registry.names("method")
    return code if named else content_hash([code, reference.method_class.__qualname__])


def weights_hash(path: Path) -> str:
    """Hash of a file of weights, or of every file in a folder of them.

    Raises:
        InputError: If one cannot be read.
    """
    if path.is_file():
        return file_hash(path)
    files = sorted(each for each in path.rglob("*") if each.is_file())
    return content_hash([[each.relative_to(path).as_posix(), file_hash(each)] for each in files])


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
    """Versions and machine a result was computed with; recorded in stamps, never part of a cell's key."""
    machine = {"python": platform.python_version(), "platform": platform.platform(), "device": device}
    return {**machine, **package_versions()}


@cache
def package_versions() -> Mapping[str, str]:
    """Versions of the packages that results come from."""
    found = {}
    for package in RECORDED_PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


@cache
def _significant_text(text: str) -> str:
    """Source without comments and blank lines."""
    lines = text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO("\n".join(lines) + "\n").readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    return "\n".join(line.rstrip() for line in lines if line.strip())
