"""Where torch runs."""

from __future__ import annotations

from typing import Literal

from fusionbench.contracts import Device
from fusionbench.errors import InputError


def choose_device(device: Device) -> Literal["cpu", "cuda", "mps"]:
    """Resolve `auto` to the fastest device here, and check that a named one is there.

    Raises:
        InputError: If the device asked for is not available.
    """
    import torch

    available: dict[Literal["cuda", "mps", "cpu"], bool] = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        return next(name for name in available if available[name])
    if not available[device]:
        raise InputError(f"--device {device}: this machine has none; use --device cpu")
    return device
