"""Images that the tests of this folder measure."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

Image = NDArray[np.uint8]


@pytest.fixture(scope="session")
def scene() -> tuple[Image, Image, Image]:
    """A fused, a visible and an infrared image of 64x75 with texture, edges, flat and saturated parts."""
    random = np.random.default_rng(20)
    rows, columns = np.mgrid[0:64, 0:75]
    visible = 120 + 60 * np.sin(columns / 5) + 25 * random.standard_normal(rows.shape)
    visible[:20, :30] = 255
    infrared = 40 + rows + 8 * random.standard_normal(rows.shape)
    infrared[30:50, 40:60] = 230
    infrared[52:, :25] = 0
    fused = 0.6 * visible + 0.4 * infrared + 3 * random.standard_normal(rows.shape)
    visible_image, infrared_image, fused_image = (
        np.clip(np.round(image), 0, 255).astype(np.uint8) for image in (visible, infrared, fused)
    )
    return fused_image, visible_image, infrared_image
