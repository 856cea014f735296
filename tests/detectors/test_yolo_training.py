"""What a training of ultralytics writes, repeats and refuses. What it learns: `cli/test_train_detector`."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionbench.contracts import Box, DetectorTraining, LabelledImage, TrainableDetector
from fusionbench.errors import InputError
from fusionbench_detectors.yolo import Yolo
from fusionbench_detectors.yolo_files import write_training_files
from tests.detectors.drawn_squares import squares

SHORT = DetectorTraining(classes=("square",), start=None, epochs=2, image_size=64, batch=2, seed=3)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    return Yolo.train(squares(4), SHORT, tmp_path_factory.mktemp("trained"))


def test_the_adapter_can_be_trained():
    assert isinstance(Yolo, TrainableDetector)


def test_weights_hold_the_class_and_the_size_they_were_trained_at(trained):
    detector = Yolo(trained)
    assert detector.classes == ("square",)
    assert detector.detect([squares(1)[0].image])[0].boxes.shape[1] == 4
    assert detector._size == 64


def test_the_same_seed_gives_the_same_file_in_another_folder(trained, tmp_path):
    assert Yolo.train(iter(squares(4)), SHORT, tmp_path / "again").read_bytes() == trained.read_bytes()


def test_another_seed_gives_other_weights(trained, tmp_path):
    other = Yolo.train(squares(4), replace(SHORT, seed=4), tmp_path)
    assert other.read_bytes() != trained.read_bytes()


def test_a_training_can_start_from_weights_of_other_classes(trained, tmp_path):
    boxes = [
        LabelledImage(item.id, item.image, (replace(item.boxes[0], label="Car"),)) for item in squares(4)
    ]
    later = Yolo.train(boxes, replace(SHORT, start=trained, classes=("Bus", "Car")), tmp_path)
    assert Yolo(later).classes == ("Bus", "Car")


def test_a_training_can_start_from_a_description(trained, tmp_path):
    description = trained.parent / "yolo" / "network.yaml"
    again = Yolo.train(squares(4), replace(SHORT, start=description), tmp_path)
    assert again.read_bytes() == trained.read_bytes()


def test_images_and_labels_are_written_as_ultralytics_reads_them(tmp_path):
    image = np.arange(40 * 80 * 3, dtype=np.uint8).reshape(40, 80, 3)
    boxes = (Box("b", 20, 10, 60, 30), Box("a", -8, 0, 8, 40), Box("c", 1, 1, 9, 9), Box("a", 80, 1, 90, 9))
    write_training_files([LabelledImage("x", image, boxes)], ("a", "b"), tmp_path)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "images" / "000000.png")), image)
    lines = (tmp_path / "labels" / "000000.txt").read_text().splitlines()
    found = [[float(field) for field in line.split()] for line in lines]
    assert found == [[1, 0.5, 0.5, 0.5, 0.5], [0, 0.05, 0.5, 0.1, 1.0]]


def test_images_without_a_box_of_the_classes_are_refused(tmp_path):
    with pytest.raises(InputError, match="no image to train on has a box of Car, Bus"):
        Yolo.train(squares(2), replace(SHORT, classes=("Car", "Bus")), tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"learning": 1}, "'learning' is none that a training here can set"),
        ({"seed": 1}, "'seed' is none that a training here can set"),
        ({"amp": True}, "'amp' is none that a training here can set"),
        ({"task": "segment"}, "'task' is none that a training here can set"),
        ({"distill_model": "x.pt"}, "'distill_model' is none that a training here can set"),
        ({"optimizer": "Foo"}, "'optimizer' is 'Foo'; expected one of adam"),
        ({"freeze": "abc"}, "'freeze' is 'abc'; expected a whole number"),
        ({"lr0": "much"}, "an option of training does not fit"),
    ],
)
def test_an_option_that_cannot_be_is_refused_before_there_are_images(options, message):
    with pytest.raises(InputError, match=message):
        Yolo.check_training(replace(SHORT, options=tuple(options.items())))


def test_a_start_that_cannot_be_read_is_refused_before_anything_is_written(tmp_path):
    (tmp_path / "bad.yaml").write_text("nothing: here")
    for name, message in (
        ("absent.yaml", "no such file"),
        ("absent.pt", "no such file"),
        ("bad.yaml", "is no"),
    ):
        with pytest.raises(InputError, match=rf"{name}: {message}"):
            Yolo.train(squares(2), replace(SHORT, start=tmp_path / name), tmp_path / "out")
    assert not (tmp_path / "out").exists()
