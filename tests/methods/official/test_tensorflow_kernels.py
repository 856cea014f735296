"""Convolutions of TensorFlow 1 checkpoints."""

from __future__ import annotations

import torch

from fusionbench_methods.tensorflow_kernels import convolutions


def test_a_kernel_becomes_a_weight_in_torchs_layout_and_a_vector_a_bias():
    kernel = torch.rand(5, 3, 2, 7)
    converted = convolutions({"outer|inner|conv|w": kernel, "outer|inner|conv|b": torch.rand(7)})
    assert converted.keys() == {"inner.conv.weight", "inner.conv.bias"}
    assert converted["inner.conv.weight"].shape == (7, 2, 5, 3)
    assert converted["inner.conv.weight"][6, 1, 4, 0] == kernel[4, 0, 1, 6]
