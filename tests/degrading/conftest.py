"""A small pair for tests of the framework."""

from __future__ import annotations

import numpy as np
import pytest

from fusionbench.contracts import ImagePair


@pytest.fixture
def pair() -> ImagePair:
    """A colour pair of odd size, 37 x 53, with every 8-bit level in it."""
    visible = (np.arange(37 * 53 * 3) * 7 % 256).astype(np.uint8).reshape(37, 53, 3)
    infrared = (np.arange(37 * 53) * 11 % 256).astype(np.uint8).reshape(37, 53)
    return ImagePair(id="ramp", visible=visible, infrared=infrared)
