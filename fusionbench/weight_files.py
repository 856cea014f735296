"""Files of trained weights: read without running what is in them, found in the usual places, downloaded."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from platformdirs import user_cache_path

from fusionbench.errors import InputError

if TYPE_CHECKING:
    import torch

    from fusionbench.datasets.archives import Progress

HEADER_CLASSES = "classes"
"""Entry of a safetensors header: a JSON list of names, in the order of the ids. The only one: several would
be written in an order that differs from process to process."""

ENVIRONMENT_VARIABLE = "FUSIONBENCH_WEIGHTS"
"""Names a folder of weights, which goes before the user's cache."""

_WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "params", "weight")
"""Under which training scripts put the tensors into a larger dictionary."""

_DATA_PARALLEL = "module."


class TensorFile(NamedTuple):
    """What a file of weights holds."""

    tensors: dict[str, torch.Tensor]
    """On the CPU."""
    header: Mapping[str, str]
    """Of a safetensors file; empty for others."""


def read_tensors(path: Path, *, trusted: bool = False) -> TensorFile:
    """Read a file of weights: safetensors, arrays in an npz, or what `torch.save` wrote.

    Nothing in the file is executed: pickles are read with torch's list of harmless types.

    Args:
        path: The file.
        trusted: Read a TorchScript archive as well, which can run code when it is read: for a file whose
            checksum is known, or whose sender is.

    Raises:
        InputError: If it is missing, damaged, or holds more than tensors.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such weights file")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    if path.suffix == ".npz":
        return TensorFile(_read_arrays(path), {})
    return TensorFile(_tensors_in(_unpickled(path, trusted), path), {})


def read_header(path: Path) -> Mapping[str, str]:
    """The header of a safetensors file, without its tensors; empty for a file of another kind.

    Raises:
        InputError: If it is missing or damaged.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such weights file")
    if path.suffix != ".safetensors":
        return {}
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as opened:
            return opened.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: is no safetensors file ({error}); copy or download it again") from error


def load_exactly(module: torch.nn.Module, tensors: Mapping[str, torch.Tensor], path: Path) -> None:
    """Load weights into a module, all of them and no others.

    Args:
        module: To be filled.
        tensors: By the module's own names.
        path: Where they come from, for the message.

    Raises:
        InputError: Naming the tensors that are missing, extra or of another shape.
    """
    expected = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    differences = {
        "missing": sorted(expected.keys() - found.keys()),
        "extra": sorted(found.keys() - expected.keys()),
        "misshapen": [
            f"{name} is {found[name]}, expected {expected[name]}"
            for name in sorted(expected.keys() & found.keys())
            if expected[name] != found[name]
        ],
    }
    if any(differences.values()):
        listed = "; ".join(f"{kind}: {_some(names)}" for kind, names in differences.items() if names)
        raise InputError(f"{path}: holds other weights than {type(module).__name__} has ({listed})")
    module.load_state_dict(dict(tensors))


def find_weights(name: str, beside: Path | None = None) -> Path | None:
    """Look for a file of weights: in a folder, in FUSIONBENCH_WEIGHTS, in the user's cache."""
    folders = [beside, weights_folder(), _cache()]
    candidates = [folder / name for folder in folders if folder is not None]
    return next((path for path in candidates if path.is_file()), None)


def weights_folder() -> Path:
    """Where downloaded weights are kept: FUSIONBENCH_WEIGHTS, or the user's cache."""
    configured = os.environ.get(ENVIRONMENT_VARIABLE)
    return Path(configured).expanduser() if configured else _cache()


def weights_folders() -> list[Path]:
    """Where weights are looked for: FUSIONBENCH_WEIGHTS, then the user's cache."""
    return list(dict.fromkeys([weights_folder(), _cache()]))


def _cache() -> Path:
    return user_cache_path("fusionbench", appauthor=False) / "weights"


def require_checksum(path: Path, sha256: str) -> None:
    """Check what a file of weights is.

    Raises:
        InputError: If its SHA-256 is another.
    """
    from fusionbench.datasets.archives import require_sha256

    require_sha256(path, sha256)


def download_weights(url: str, name: str, sha256: str, progress: Progress | None = None) -> Path:
    """Download a file of weights to FUSIONBENCH_WEIGHTS or the user's cache; resumes, and checks it.

    Args:
        url: An http or https address.
        name: What to call it, with folders of its own if it has any (`seafusion/SeAFusion.pth`).
        sha256: What it must be.
        progress: Told of the bytes received and expected.

    Returns:
        Where it lies; an earlier download is not repeated.

    Raises:
        InputError: If it cannot be had, or is another file; nothing is left in its place then.
    """
    from fusionbench.datasets.fetch import fetch_file

    target = weights_folder() / name
    if target.is_file():
        require_checksum(target, sha256)
        return target
    arriving = target.with_name(f"{target.name}.unchecked")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        fetch_file(url, arriving, progress or (lambda _received, _total: None))
        require_checksum(arriving, sha256)
        arriving.replace(target)
    except OSError as error:
        raise InputError(
            f"{target}: cannot be written ({error.strerror or error}); name another folder in "
            f"{ENVIRONMENT_VARIABLE}"
        ) from error
    finally:
        arriving.unlink(missing_ok=True)
    return target


def _read_safetensors(path: Path) -> TensorFile:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    header = read_header(path)
    try:
        return TensorFile(load_file(path), header)
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: is damaged ({error}); copy or download it again") from error


def _read_arrays(path: Path) -> dict[str, torch.Tensor]:
    import zipfile

    import numpy as np
    import torch

    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    except (OSError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: is no archive of arrays ({error}); copy or download it again") from error


def _unpickled(path: Path, trusted: bool) -> Any:
    import torch

    try:
        with warnings.catch_warnings():
            # TorchScript is out of favour, but weights were published in it.
            warnings.simplefilter("ignore")
            if trusted and _is_torchscript(path):
                return torch.jit.load(path, map_location="cpu").state_dict()  # type: ignore[no-untyped-call]
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever the readers make of a file of another kind
        # What torch says would advise to trust the file.
        raise InputError(
            f"{path}: is no file of tensors alone (a state_dict as .pth or .safetensors); it is damaged, of "
            "another kind, or holds objects that would have to be run"
        ) from error


def _is_torchscript(path: Path) -> bool:
    import zipfile

    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def _tensors_in(content: Any, path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a state dictionary, or of one in a larger dictionary, or of a data-parallel module."""
    import torch

    if isinstance(content, Mapping):
        inner = next((content[name] for name in _WRAPPERS if isinstance(content.get(name), Mapping)), content)
        if inner and all(isinstance(part, Mapping) for part in inner.values()):
            # Several networks in one file, each by its name.
            inner = {f"{part}.{name}": value for part, held in inner.items() for name, value in held.items()}
        tensors = {str(name): value for name, value in inner.items() if isinstance(value, torch.Tensor)}
        if tensors and all(name.startswith(_DATA_PARALLEL) for name in tensors):
            tensors = {name.removeprefix(_DATA_PARALLEL): value for name, value in tensors.items()}
        if tensors:
            return tensors
    raise InputError(f"{path}: holds no tensors by name; give a state_dict")


def _some(names: list[str]) -> str:
    """The first few of some names."""
    shown = 5
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def classes_in(header: Mapping[str, str], count: int, path: Path) -> tuple[str, ...]:
    """The names of the classes that weights know.

    Args:
        header: Of the file.
        count: How many the weights know.
        path: The file.

    Raises:
        InputError: If they are not named, or not all.
    """
    text = header.get(HEADER_CLASSES)
    if text is None:
        raise InputError(
            f"{path}: knows {count} classes without naming them; give a safetensors file whose header has "
            f"{HEADER_CLASSES!r}, a JSON list of names"
        )
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise InputError(f"{path}: its header's {HEADER_CLASSES!r} is no JSON list of names; repair it")
    if len(found) != count:
        raise InputError(
            f"{path}: its header names {len(found)} classes, its weights know {count}; repair the header"
        )
    return tuple(found)
