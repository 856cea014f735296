"""Images and the seven metrics, as the tests of this folder use them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from fusionbench.contracts import MeasuredImage, Metric, SourceImages
from fusionbench_metrics.en import Entropy
from fusionbench_metrics.mi import MutualInformation
from fusionbench_metrics.qabf import EdgePreservation
from fusionbench_metrics.sd import StandardDeviation
from fusionbench_metrics.sf import SpatialFrequency
from fusionbench_metrics.ssim import StructuralSimilarity
from fusionbench_metrics.vif import VisualInformationFidelity

Image = NDArray[np.uint8]
Measure = Callable[[str, Image, Image, Image], float]


@pytest.fixture(scope="session")
def all_metrics() -> dict[str, Metric]:
    """The seven metrics by name."""
    classes = (
        Entropy,
        StandardDeviation,
        SpatialFrequency,
        MutualInformation,
        VisualInformationFidelity,
        EdgePreservation,
        StructuralSimilarity,
    )
    return {metric.card.name: metric for metric in (each() for each in classes)}


@pytest.fixture(scope="session")
def measure(all_metrics: dict[str, Metric]) -> Measure:
    """Measure one fused image from scratch: nothing kept from an earlier call."""

    def from_scratch(name: str, fused: Image, visible: Image, infrared: Image) -> float:
        sources = SourceImages(MeasuredImage(visible, visible), MeasuredImage(infrared, infrared))
        return all_metrics[name].measure(MeasuredImage(fused, fused), sources)

    return from_scratch


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
