"""The authors' outputs, and the pair they are of."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image


class Reference:
    """What the authors' code made of one pair."""

    def __init__(self, folder, name):
        inputs = folder / "reference" / "methods" / "inputs"
        outputs = folder / "reference" / "methods" / name
        self.weights = folder / "weights" / "methods" / name
        if not self.weights.is_dir():
            pytest.skip(f"needs the authors' weights ({self.weights} is not there)")
        self.visible = np.asarray(Image.open(inputs / "LLVIP_1_vis.png").convert("RGB"))
        self.infrared = np.asarray(Image.open(inputs / "LLVIP_1_ir.png").convert("L"))
        stored = np.load(outputs / "LLVIP_1_raw.npz")
        self.low, self.high = float(stored["lo"]), float(stored["hi"])
        self.raw = self.low + stored["q"].astype(np.float64) / 65535 * (self.high - self.low)
        self.image = np.asarray(Image.open(outputs / "LLVIP_1_official.png"))

    def largest_raw_difference(self, ours):
        """In shares of the output's range."""
        return float(np.abs(np.asarray(ours, np.float64) - self.raw).max() / (self.high - self.low))

    def largest_difference(self, image):
        """In grey levels."""
        assert image.dtype == np.uint8 and image.shape == self.image.shape
        return int(np.abs(image.astype(int) - self.image.astype(int)).max())


@pytest.fixture
def reference(shared):
    """Of a method, by name."""
    return lambda name: Reference(shared, name)
