"""Files of trained segmenters: a state dictionary as safetensors, the names of its classes in the header."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fusionbench.errors import InputError
from fusionbench.weight_files import HEADER_CLASSES
from fusionbench.whole_files import appearing

if TYPE_CHECKING:
    import torch
    from torch import nn

FILE_NAME = "weights.safetensors"


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
