"""SLOW, about a minute on one core: a real training of the compact network on generated scenes.

Forty visible images by day and night, of 320x240. In twenty others there are eight of the nine classes, most
of them in a few pixels: what can be learnt from so little are cars and painted lines. Two seeds measured:
mIoU .21 and .20, cars .42 and .36; to call everything background gives .11.
"""

from __future__ import annotations

import numpy as np

from fusionbench.contracts import Labels, SegmentedImage, SegmenterTraining
from fusionbench.datasets import open_dataset
from fusionbench.datasets.scenes import Scenes
from fusionbench_metrics.confusion import IntersectionOverUnion, confusion_matrix
from fusionbench_metrics.mean_iou import MeanIoU
from fusionbench_segmenters.unet import UNet

LEARNING = SegmenterTraining(
    classes=Scenes.card.mask_classes,
    start=None,
    epochs=12,
    image_size=320,
    batch=2,
    seed=0,
    options=(("learning_rate", 0.01), ("class_weights", "balanced")),
)


def scenes(split: str, count: int) -> list[SegmentedImage]:
    """Visible images of scenes with their masks."""
    dataset = open_dataset("scenes", split=split, options={"count": str(count), "size": "320x240"})
    return [
        SegmentedImage(sample.id, dataset.load(sample).visible, mask)
        for sample in dataset.samples
        if (mask := dataset.labels(sample).mask) is not None
    ]


def constant_guess(images: list[SegmentedImage]) -> float:
    """The figure of a segmenter that calls everything background."""
    classes = Scenes.card.mask_classes
    matrices = [
        confusion_matrix(item.mask, np.zeros(item.mask.shape, np.int64), len(classes)) for item in images
    ]
    return IntersectionOverUnion(np.stack(matrices), classes, classes).scores()["miou"]


def test_the_compact_network_learns_classes_of_scenes_it_has_not_seen(tmp_path):
    metric = MeanIoU(UNet(UNet.train(scenes("train", 40), LEARNING, tmp_path)))
    others = scenes("test", 20)
    records = [metric.observe(item.image, Labels(mask=item.mask), Scenes.card) for item in others]
    scores = metric.summarise(records).scores()
    assert constant_guess(others) < 0.12
    assert scores["miou"] > 0.16
    assert scores["iou/car"] > 0.3
