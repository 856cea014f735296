"""Files of trained segmenters: a state dictionary as safetensors, the names of its classes in the header."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fusionbench.errors import InputError
from fusionbench.whole_files import appearing

if TYPE_CHECKING:
    import torch
    from torch import nn

FILE_NAME = "weights.safetensors"

HEADER_CLASSES = "classes"
"""Entry of the header: a JSON list of names, in the order of the ids. The only one: several would be written
in an order that differs from process to process."""


def write_network(network: nn.Module, classes: Sequence[str], folder: Path) -> Path:
    """Write a trained network, without dates or paths: equal networks give equal files.

    Returns:
        `weights.safetensors` in the folder.
    """
    from safetensors.torch import save_file

    tensors = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    header = {HEADER_CLASSES: json.dumps(list(classes), ensure_ascii=False)}
    path = folder / FILE_NAME
    with appearing(path) as temporary:
        save_file(tensors, temporary, header)
    return path


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


def load_start(
    network: nn.Module, tensors: Mapping[str, torch.Tensor], needed: Callable[[str], bool], path: Path
) -> None:
    """Fill a network with weights to start from; what they lack stays as it was drawn.

    Args:
        network: To be filled.
        tensors: By the network's own names. One of another shape is left out, as a head of other classes is.
        needed: Whether a start without the tensor of a name is none.
        path: Where they come from, for the message.

    Raises:
        InputError: If one that is needed is not there.
    """
    own = network.state_dict()
    fitting = {
        name: value for name, value in tensors.items() if name in own and own[name].shape == value.shape
    }
    lacking = next((name for name in own if needed(name) and name not in fitting), None)
    if lacking is not None:
        raise InputError(
            f"{path}: holds other weights than {type(network).__name__} has ({lacking} does not fit); give "
            "other weights to start from, or none"
        )
    network.load_state_dict(fitting, strict=False)
