"""What was measured is let go: a long run needs the memory of one pair."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from fusionbench import registry
from fusionbench.contracts import CANONICAL, MeasuredImage, SourceImages
from fusionbench.measuring import choose_metrics, ready_metrics


@pytest.mark.parametrize("profile", [CANONICAL, *registry.names("profile")])
def test_images_are_freed_as_soon_as_nobody_holds_them(profile):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 192, 176), dtype=np.uint8)
    fused, visible, infrared = (MeasuredImage(image, image) for image in pixels)
    for metric in ready_metrics(choose_metrics(["all"], profile, clean_output=False)).values():
        metric.measure(fused, SourceImages(visible, infrared))
    kept = [weakref.ref(image) for image in (fused, visible, infrared)]
    # Without the collector of reference cycles, which runs seldom.
    gc.disable()
    try:
        del fused, visible, infrared
        assert [reference() for reference in kept] == [None, None, None]
    finally:
        gc.enable()
