"""Pairs to damage: one made by integer arithmetic (the same on any clone), and a few real ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fusionbench.contracts import ImagePair
from fusionbench.images import read_pair

REAL = {
    "roadscene": ("RoadScene/crop_LR_visible/{}.jpg", "RoadScene/cropinfrared/{}.jpg", "FLIR_00060", 0.45),
    "msrs-day": ("MSRS/test/vi/{}.png", "MSRS/test/ir/{}.png", "00055D", 0.45),
    "msrs-night": ("MSRS/test/vi/{}.png", "MSRS/test/ir/{}.png", "00004N", 0.45),
    "m3fd": ("M3FD_Detection/Vis/{}.png", "M3FD_Detection/Ir/{}.png", "01587", 0.45),
    "llvip": ("LLVIP/visible/test/{}.jpg", "LLVIP/infrared/test/{}.jpg", "190001", 0.02),
}


@pytest.fixture(scope="session")
def street() -> ImagePair:
    """A street of 121 x 161: cold bright flat sky, textured houses, a road, and a hot person."""
    y, x = np.mgrid[0:121, 0:161]
    texture = (x * 37 + y * 91 + (x * y) % 53 * 13) % 41
    sky = (y < 45) & (np.abs(x - 80) + 15 > y)
    road = y > 62
    grey = np.where(sky, 205 + y // 8, np.where(road, 70 + texture // 2 + y // 6, 45 + 2 * texture))
    visible = np.stack([grey, grey + 3, np.where(sky, grey + 20, grey - 8)], axis=2)
    person = (np.abs(x - 110) < 5) & (np.abs(y - 75) < 16)
    infrared = np.where(person, 230, np.where(sky, 15, 90 + texture + np.where(road, -30, 0)))
    return ImagePair("street", visible.astype(np.uint8), infrared.astype(np.uint8))


@pytest.fixture(scope="session", params=list(REAL))
def real_pair(request: pytest.FixtureRequest, shared: Path) -> ImagePair:
    """One real pair of each dataset, MSRS by day and by night."""
    visible, infrared, name, horizon = REAL[request.param]
    data = shared / "data"
    return read_pair(name, data / visible.format(name), data / infrared.format(name), horizon=horizon)
