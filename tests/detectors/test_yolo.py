"""The adapter of ultralytics: what it finds, in whose pixels, and what it leaves alone."""

import os
import pickle
import random
import warnings
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest
import torch

from fusionbench import registry
from fusionbench.contracts import Detections, Detector
from fusionbench.errors import InputError
from fusionbench_detectors.yolo import Yolo

SYNONYMS = {"People": "person"}


@pytest.fixture(scope="module")
def detector(coco_yolo) -> Yolo:
    return Yolo(coco_yolo)


def overlap(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of a box and others."""
    width = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
    height = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
    shared = np.clip(width, 0, None) * np.clip(height, 0, None)
    areas = [(edges[..., 2] - edges[..., 0]) * (edges[..., 3] - edges[..., 1]) for edges in (box, others)]
    return shared / (areas[0] + areas[1] - shared)


def same(first: Detections, second: Detections) -> bool:
    return all(
        np.array_equal(getattr(first, name), getattr(second, name)) for name in ("boxes", "scores", "classes")
    )


def test_it_is_registered_and_knows_the_classes_of_its_weights(detector):
    assert registry.load("detector", "yolo") is Yolo
    assert len(detector.classes) == 80
    assert detector.classes[:3] == ("person", "bicycle", "car")
    made: Detector = detector
    assert "AGPL-3.0" in made.card.licence


def test_it_finds_what_people_marked_in_the_pixels_they_marked_it_in(detector, streets):
    assert streets[0].image.shape == (768, 1024, 3)
    matched = marked = 0
    for street, found in zip(streets, detector.detect([item.image for item in streets]), strict=True):
        sure = found.scores > 0.25
        for box in street.boxes:
            name = SYNONYMS.get(box.label, box.label.lower())
            if name not in detector.classes:
                continue
            marked += 1
            of_class = found.boxes[sure & (found.classes == detector.classes.index(name))]
            edges = np.array([box.x_min, box.y_min, box.x_max, box.y_max])
            matched += bool((overlap(edges, of_class) > 0.5).any())
    assert marked > 10
    assert matched >= 0.4 * marked


def test_boxes_lie_in_the_image_and_come_with_the_highest_score_first(detector, streets):
    image = np.ascontiguousarray(streets[0].image[100:433, 17:700])
    (found,) = detector.detect([image])
    assert found.boxes.dtype == found.scores.dtype == np.float64
    assert found.classes.dtype == np.int64
    assert 100 < len(found.scores) <= 300
    assert found.scores.min() > 0.001
    assert (np.diff(found.scores) <= 0).all()
    assert (found.boxes >= 0).all()
    assert (found.boxes <= (683, 333, 683, 333)).all()
    assert (found.boxes[:, 2:] >= found.boxes[:, :2]).all()


def test_what_is_found_does_not_depend_on_other_images_of_the_list(detector, streets):
    images = [streets[0].image, streets[1].image, streets[2].image[:300, :200]]
    together = detector.detect(images)
    alone = [detector.detect([image])[0] for image in images]
    assert all(map(same, together, alone))


def test_an_image_without_structure_is_no_error(detector):
    (found,) = detector.detect([np.full((48, 64, 3), 128, np.uint8)])
    assert found.boxes.shape == (len(found.scores), 4)
    assert detector.detect([]) == []


def test_it_gives_what_ultralytics_gives_for_the_same_file(detector, coco_yolo, streets, tmp_path):
    from ultralytics import YOLO  # imported by the adapter before, so that it is offline

    path = tmp_path / "street.png"
    PIL.Image.fromarray(streets[1].image).save(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (theirs,) = YOLO(coco_yolo).predict(
            path,
            imgsz=640,
            conf=0.001,
            iou=0.7,
            max_det=300,
            rect=False,
            device="cpu",
            verbose=False,
            save=False,
            project=str(tmp_path),
        )
    (ours,) = detector.detect([streets[1].image])
    assert len(ours.scores) == len(theirs.boxes) > 100
    np.testing.assert_allclose(ours.boxes, theirs.boxes.xyxy.numpy(), atol=1e-3)
    np.testing.assert_allclose(ours.scores, theirs.boxes.conf.numpy(), atol=1e-5)
    np.testing.assert_array_equal(ours.classes, theirs.boxes.cls.numpy().astype(int))


def test_it_leaves_the_process_as_it_was(coco_yolo):
    def state():
        replaceable = (PIL.Image.open, torch.save, cv2.imread, cv2.imwrite, cv2.imshow)
        threads = (torch.get_num_threads(), cv2.getNumThreads())
        drawn = (random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist())  # noqa: NPY002
        exact = (torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.deterministic)
        return dict(os.environ), replaceable, threads, drawn, exact, list(warnings.filters)

    before = state()
    Yolo(coco_yolo).detect([np.zeros((64, 64, 3), np.uint8)])
    assert state() == before


def test_a_missing_file_is_named_with_what_to_give(tmp_path):
    with pytest.raises(InputError, match=r"absent\.pt: no such file; .*a checkpoint of ultralytics"):
        Yolo(tmp_path / "absent.pt")


def test_a_file_of_another_kind_is_refused(tmp_path):
    for name, content in (("image.pt", b"\x89PNG\r\n\x1a\n" * 9), ("empty.pt", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=rf"{name}: is no checkpoint of ultralytics"):
            Yolo(tmp_path / name)
    (tmp_path / "network.onnx").write_bytes(b"")
    with pytest.raises(InputError, match=r"network\.onnx: is no \.pt"):
        Yolo(tmp_path / "network.onnx")


def test_a_state_dictionary_is_refused(tmp_path):
    torch.save({"model": {"weight": torch.zeros(3)}}, tmp_path / "state.pt")
    with pytest.raises(InputError, match=r"state\.pt: is no checkpoint of ultralytics"):
        Yolo(tmp_path / "state.pt")


class Touching:
    """Reading this pickle would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_nothing_in_a_file_is_run(tmp_path):
    torch.save({"model": Touching(tmp_path / "ran")}, tmp_path / "zip.pt")
    (tmp_path / "pickle.pt").write_bytes(pickle.dumps(Touching(tmp_path / "ran")))
    for name in ("zip.pt", "pickle.pt"):
        with pytest.raises(InputError, match="would have to be run"):
            Yolo(tmp_path / name)
    assert not (tmp_path / "ran").exists()
