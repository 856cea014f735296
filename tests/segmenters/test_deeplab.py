"""The adapter of torchvision's DeepLabV3, with weights drawn at random: shapes, names, files and starts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torchvision.models import mobilenet_v3_large, segmentation

from fusionbench import registry
from fusionbench.contracts import Segmenter, SegmenterTraining, TrainableSegmenter
from fusionbench.errors import InputError
from fusionbench_segmenters.deeplab import DeepLab
from tests.segmenters.drawn_patches import CLASSES, patches, unread

SHORT = SegmenterTraining(CLASSES, start=None, epochs=1, image_size=64, batch=2, seed=3)


def published(classes: int = 21, seed: int = 0):
    """A network as torchvision publishes it: with a second head."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return segmentation.deeplabv3_mobilenet_v3_large(
            weights=None, weights_backbone=None, num_classes=classes, aux_loss=True
        ).eval()


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    return DeepLab.train(patches(3), SHORT, tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="module")
def voc(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("published") / "voc.pth"
    torch.save(published().state_dict(), path)
    return path


def test_it_is_registered_and_can_be_trained(trained):
    assert registry.load("segmenter", "deeplab") is DeepLab
    made: Segmenter = DeepLab(trained)
    assert made.classes == CLASSES
    assert isinstance(DeepLab, TrainableSegmenter)


def test_the_same_seed_gives_the_same_file(trained, tmp_path):
    assert DeepLab.train(patches(3), SHORT, tmp_path).read_bytes() == trained.read_bytes()


def test_it_gives_what_torchvision_gives_for_the_image_normalised_by_hand(voc):
    image = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    mean, spread = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    planes = ((torch.from_numpy(image) / 255 - mean) / spread).permute(2, 0, 1)
    with torch.no_grad():
        logits = published()(planes[None])["out"][0]
    (found,) = DeepLab(voc).segment([image])
    assert (found == logits.argmax(0).numpy()).mean() > 0.999


def test_each_image_is_segmented_at_its_own_size_and_by_itself(voc):
    segmenter = DeepLab(voc)
    images = [patches(1, height=33, width=50)[0].image, patches(1)[0].image]
    for image, found in zip(images, segmenter.segment(images), strict=True):
        assert found.shape == image.shape[:2]
        np.testing.assert_array_equal(segmenter.segment([image])[0], found)


def test_weights_of_21_classes_are_taken_for_pascal_voc(voc):
    classes = DeepLab(voc).classes
    assert (len(classes), classes[0], classes[7], classes[15]) == (21, "__background__", "car", "person")


def test_other_weights_have_to_name_their_classes(tmp_path):
    torch.save(published(5).state_dict(), tmp_path / "five.pth")
    with pytest.raises(InputError, match=r"five\.pth: knows 5 classes without naming them"):
        DeepLab(tmp_path / "five.pth")


def test_a_training_starts_from_the_backbone_of_imagenet(tmp_path):
    backbone = mobilenet_v3_large(weights=None)
    torch.save(backbone.state_dict(), tmp_path / "backbone.pth")
    still = replace(
        SHORT, start=tmp_path / "backbone.pth", options=(("learning_rate", 0.0), ("weight_decay", 0.0))
    )
    after = load_file(DeepLab.train(patches(2), still, tmp_path))
    name = "0.0.weight"
    assert torch.equal(after[f"backbone.{name}"], backbone.state_dict()[f"features.{name}"])


def test_a_training_starts_from_weights_of_other_classes(voc, tmp_path):
    later = DeepLab.train(patches(2), replace(SHORT, start=voc), tmp_path)
    assert DeepLab(later).classes == CLASSES


def test_a_batch_of_one_is_refused_before_there_are_images(tmp_path):
    with pytest.raises(InputError, match="learns from 2 images a batch or more, not 1"):
        DeepLab.train(unread(), replace(SHORT, batch=1), tmp_path)


def test_weights_of_another_network_are_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"head.weight": torch.zeros(2, 4, 1, 1)}, path)
    with pytest.raises(InputError, match="is no state dictionary of deeplabv3_mobilenet_v3_large"):
        DeepLab(path)
    with pytest.raises(InputError, match=r"holds other weights .* does not fit"):
        DeepLab.check_training(replace(SHORT, start=path))
