"""Convolutions of TensorFlow 1 checkpoints, by the names and in the layout that torch's modules have.

The checkpoints were exported to npz files with `|` in place of `/` in the names of their variables.
"""

from __future__ import annotations

import torch

SEPARATOR = "|"


def convolutions(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Kernels and biases for modules that are called as the checkpoint's layers are.

    Args:
        tensors: As in the file, for instance `Generator|encoder|conv1_1|kernel`: kernels as height, width,
            inputs, outputs, and vectors of biases. What a layer calls them differs between checkpoints.

    Returns:
        Without the outermost scope: `encoder.conv1_1.weight`, as outputs, inputs, height, width, and
        `encoder.conv1_1.bias`.
    """
    converted = {}
    for name, value in tensors.items():
        _scope, *layer, _variable = name.split(SEPARATOR)
        is_kernel = value.ndim == 4
        kind = "weight" if is_kernel else "bias"
        converted[".".join([*layer, kind])] = value.permute(3, 2, 0, 1).contiguous() if is_kernel else value
    return converted
