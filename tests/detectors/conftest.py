"""Real images that a detector can be given, and weights for one."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusionbench.contracts import LabelledImage, Sample
from fusionbench.datasets import open_dataset


@pytest.fixture(scope="session")
def coco_yolo(shared: Path) -> Path:
    """A checkpoint of ultralytics that knows COCO's classes."""
    path = shared / "weights" / "detectors" / "yolov8n_from_int8.pt"
    if not path.is_file():
        pytest.skip(f"needs {path}, a checkpoint of ultralytics")
    return path


@pytest.fixture(scope="session")
def streets(shared: Path) -> list[LabelledImage]:
    """Visible images of M3FD with their boxes, the first few."""
    dataset = open_dataset("m3fd", root=shared / "data" / "M3FD_Detection")

    def labelled(sample: Sample) -> LabelledImage:
        return LabelledImage(sample.id, dataset.load(sample).visible, dataset.labels(sample).boxes or ())

    return [labelled(sample) for sample in dataset.samples[:3]]
