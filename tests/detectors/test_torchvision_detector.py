"""The adapter of torchvision, with weights drawn at random: shapes, ranges, names and files."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import detection

from fusionbench import registry
from fusionbench.contracts import Detections, Detector, Uint8Image
from fusionbench.errors import InputError
from fusionbench_detectors.torchvision_detector import TorchvisionDetector


def drawn_network(classes: int = 91, seed: int = 0):
    """A network whose random weights find many things."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = detection.fasterrcnn_mobilenet_v3_large_fpn(
            weights=None, weights_backbone=None, num_classes=classes, rpn_score_thresh=0.0
        )
        with torch.no_grad():
            network.roi_heads.box_predictor.cls_score.weight.mul_(20)
    return network


def drawn_images() -> list[Uint8Image]:
    generator = np.random.default_rng(0)
    coarse = [generator.integers(0, 256, (height, width, 3), np.uint8) for height, width in ((6, 8), (9, 5))]
    return [np.kron(image, np.ones((20, 20, 1), np.uint8)) for image in coarse]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("torchvision") / "drawn.pth"
    torch.save(drawn_network().state_dict(), path)
    return path


@pytest.fixture(scope="module")
def detector(weights) -> TorchvisionDetector:
    return TorchvisionDetector(weights)


@pytest.fixture(scope="module")
def found(detector) -> list[Detections]:
    return detector.detect(drawn_images())


def test_it_is_registered_and_knows_cocos_classes(detector):
    assert registry.load("detector", "torchvision") is TorchvisionDetector
    made: Detector = detector
    assert len(made.classes) == 91
    assert made.classes[:4] == ("__background__", "person", "bicycle", "car")
    assert made.classes[12] == "N/A"


def test_boxes_lie_in_the_image_and_come_with_the_highest_score_first(found):
    for image, item in zip(drawn_images(), found, strict=True):
        height, width = image.shape[:2]
        assert 0 < len(item.scores) <= 300
        assert item.boxes.shape == (len(item.scores), 4)
        assert item.boxes.dtype == item.scores.dtype == np.float64
        assert item.classes.dtype == np.int64
        assert (item.boxes >= 0).all()
        assert (item.boxes <= (width, height, width, height)).all()
        assert item.scores.min() > 0.001
        assert item.scores.max() <= 1
        assert (np.diff(item.scores) <= 0).all()
        assert item.classes.min() >= 1
        assert item.classes.max() <= 90


def test_what_is_found_does_not_depend_on_other_images_of_the_list(detector, found):
    for image, item in zip(drawn_images(), found, strict=True):
        (alone,) = detector.detect([image])
        np.testing.assert_array_equal(alone.boxes, item.boxes)
        np.testing.assert_array_equal(alone.scores, item.scores)


def test_it_gives_what_torchvision_gives_for_a_plain_tensor(weights, found):
    network = detection.fasterrcnn_mobilenet_v3_large_fpn(
        weights=None,
        weights_backbone=None,
        num_classes=91,
        box_score_thresh=0.001,
        box_nms_thresh=0.7,
        box_detections_per_img=300,
    )
    network.load_state_dict(torch.load(weights, weights_only=True))
    network.eval()
    image = torch.from_numpy(drawn_images()[0]).permute(2, 0, 1) / 255
    with torch.no_grad():
        (theirs,) = network([image])
    np.testing.assert_allclose(found[0].boxes, theirs["boxes"].numpy(), atol=1e-3)
    np.testing.assert_allclose(found[0].scores, theirs["scores"].numpy(), atol=1e-6)
    np.testing.assert_array_equal(found[0].classes, theirs["labels"].numpy())


def test_weights_as_torchvision_published_them_fit(tmp_path, found):
    # Trained with frozen normalisation, which counts no batches, and under the names of earlier versions.
    old = {}
    for name, tensor in drawn_network().state_dict().items():
        for new, before in (
            *(
                (f"{part}_blocks.{n}.0.", f"{part}_blocks.{n}.")
                for part in ("inner", "layer")
                for n in range(2)
            ),
            ("rpn.head.conv.0.0.", "rpn.head.conv."),
        ):
            name = name.replace(new, before)
        if not name.endswith("num_batches_tracked"):
            old[name] = tensor
    assert "backbone.fpn.inner_blocks.0.weight" in old
    torch.save(old, tmp_path / "old.pth")
    (again,) = TorchvisionDetector(tmp_path / "old.pth").detect(drawn_images()[:1])
    np.testing.assert_array_equal(again.boxes, found[0].boxes)


def test_weights_of_other_classes_name_them_in_their_header(tmp_path):
    tensors = {name: value.contiguous() for name, value in drawn_network(3).state_dict().items()}
    save_file(tensors, tmp_path / "named.safetensors", {"classes": json.dumps(["Car", "People"])})
    assert TorchvisionDetector(tmp_path / "named.safetensors").classes == ("__background__", "Car", "People")
    save_file(tensors, tmp_path / "short.safetensors", {"classes": json.dumps(["Car"])})
    with pytest.raises(
        InputError, match=r"short\.safetensors: its header names 1 classes, its weights know 2"
    ):
        TorchvisionDetector(tmp_path / "short.safetensors")
    save_file(tensors, tmp_path / "torn.safetensors", {"classes": "Car, People"})
    with pytest.raises(
        InputError, match=r"torn\.safetensors: its header's 'classes' is no JSON list of names"
    ):
        TorchvisionDetector(tmp_path / "torn.safetensors")
    save_file(tensors, tmp_path / "nameless.safetensors")
    with pytest.raises(InputError, match=r"nameless\.safetensors: knows 2 classes without naming them"):
        TorchvisionDetector(tmp_path / "nameless.safetensors")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"absent\.pth: no such weights file"):
        TorchvisionDetector(tmp_path / "absent.pth")


def test_a_file_of_another_kind_is_refused(tmp_path, weights):
    (tmp_path / "image.pth").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(InputError, match=r"image\.pth: is no file of tensors"):
        TorchvisionDetector(tmp_path / "image.pth")
    torch.save({"weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(InputError, match=r"other\.pth: is no state dictionary of fasterrcnn"):
        TorchvisionDetector(tmp_path / "other.pth")
    part = dict(list(torch.load(weights, weights_only=True).items())[50:])
    torch.save(part, tmp_path / "part.pth")
    with pytest.raises(InputError, match=r"part\.pth: holds other weights than fasterrcnn"):
        TorchvisionDetector(tmp_path / "part.pth")


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_images_are_taken_as_red_green_and_blue(detector, channel):
    # What reaches the network is the image itself, each channel in its place and from 0 to 1.
    image = np.zeros((60, 80, 3), np.uint8)
    image[..., channel] = 255
    seen = []
    handle = detector._network.register_forward_pre_hook(lambda _, given: seen.append(given[0][0].clone()))
    detector.detect([image])
    handle.remove()
    assert seen[0].shape == (3, 60, 80)
    assert seen[0].mean(dim=(1, 2)).tolist() == [float(channel == place) for place in range(3)]
