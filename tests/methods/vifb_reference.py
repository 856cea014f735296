"""What the benchmark VIFB made of one real pair, and the pair."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image


def vifb_levels(shared, name):
    """The output of one of its methods before rounding, in grey levels."""
    stored = np.load(shared / "reference" / "classical" / f"LLVIP_1_{name}_raw.npz")
    return stored["lo"] + stored["q"].astype(np.float64) * (stored["hi"] - stored["lo"]) / 65535


def our_levels(shared, method):
    """What a method of ours makes of that pair, as the harness gives it."""
    folder = shared / "reference" / "classical"
    pair = (
        torch.from_numpy(np.asarray(Image.open(folder / f"LLVIP_1_{name}_gray.png")) / np.float32(255))
        for name in ("vis", "ir")
    )
    return method.fuse(*(image[None, None] for image in pair))[0, 0].numpy().astype(np.float64) * 255


def largest_difference(shared, method):
    """Between both, in shares of the range."""
    expected = vifb_levels(shared, method.card.name)
    return float(np.abs(our_levels(shared, method) - expected).max() / np.ptp(expected))
