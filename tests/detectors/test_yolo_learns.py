"""SLOW, a minute on one core: a real training of the smallest network on generated scenes.

Cars by day, of at least 8 pixels, in images of 320x240: that network sees boxes at a stride of 8, and of the
six classes only cars are many enough in 80 images. Three seeds measured: .61 to .65 mAP50.
"""

import numpy as np

from fusionbench.contracts import Box, Detections, DetectorTraining, LabelledImage
from fusionbench.datasets import open_dataset
from fusionbench_detectors.yolo import Yolo

LEAST_SIDE = 8

LEARNING = DetectorTraining(
    classes=("Car",),
    start=None,
    epochs=8,
    image_size=320,
    batch=2,
    seed=0,
    options=(
        ("optimizer", "AdamW"),
        ("lr0", 0.004),
        ("nbs", 2),  # a step a batch: ultralytics would gather 64 images
        ("warmup_epochs", 1.0),
        ("mosaic", 0.0),
        ("scale", 0.2),
    ),
)


def cars(split: str, count: int) -> list[LabelledImage]:
    """Visible images of scenes, with the cars that are large enough to be seen."""

    def seen(box: Box) -> bool:
        return box.label == "Car" and min(box.x_max - box.x_min, box.y_max - box.y_min) >= LEAST_SIDE

    dataset = open_dataset(
        "scenes", split=split, options={"count": str(count), "size": "320x240", "light": "day"}
    )
    return [
        LabelledImage(
            sample.id,
            dataset.load(sample).visible,
            tuple(box for box in dataset.labels(sample).boxes or () if seen(box)),
        )
        for sample in dataset.samples
    ]


def mean_average_precision(images: list[LabelledImage], found: list[Detections]) -> float:
    """COCO's AP of one class at an overlap of .5, by a second library."""
    from faster_coco_eval import COCO, COCOeval_faster

    annotations = [
        {
            "image_id": number,
            "category_id": 1,
            "iscrowd": 0,
            "bbox": [box.x_min, box.y_min, box.x_max - box.x_min, box.y_max - box.y_min],
            "area": (box.x_max - box.x_min) * (box.y_max - box.y_min),
        }
        for number, item in enumerate(images, start=1)
        for box in item.boxes
    ]
    truth = COCO(
        {
            "info": {},
            "images": [{"id": number, "width": 320, "height": 240} for number in range(1, len(images) + 1)],
            "annotations": [{"id": number, **item} for number, item in enumerate(annotations, start=1)],
            "categories": [{"id": 1, "name": "Car"}],
        }
    )
    detections = [
        {
            "image_id": number,
            "category_id": 1,
            "score": score,
            "bbox": [box[0], box[1], box[2] - box[0], box[3] - box[1]],
        }
        for number, item in enumerate(found, start=1)
        for box, score in zip(item.boxes.tolist(), item.scores.tolist(), strict=True)
    ]
    evaluation = COCOeval_faster(truth, truth.loadRes(detections), "bbox", print_function=lambda *_: None)
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return float(evaluation.stats[1])


def test_the_smallest_network_learns_to_find_cars_in_scenes_it_has_not_seen(tmp_path):
    detector = Yolo(Yolo.train(cars("train", 80), LEARNING, tmp_path))
    others = cars("test", 60)
    found = detector.detect([item.image for item in others])
    assert np.mean([len(item.boxes) for item in others]) > 3
    assert mean_average_precision(others, found) > 0.5
