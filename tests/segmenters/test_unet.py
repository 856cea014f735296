"""The compact U-Net: what it writes, repeats, reads and refuses. What it learns: `test_unet_learns`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from fusionbench import registry
from fusionbench.contracts import SegmentedImage, Segmenter, SegmenterTraining, TrainableSegmenter
from fusionbench.errors import InputError, TrainingError
from fusionbench_segmenters.compact_unet import CompactUNet
from fusionbench_segmenters.unet import UNet
from tests.segmenters.drawn_patches import CLASSES, patches, unread

SHORT = SegmenterTraining(CLASSES, start=None, epochs=1, image_size=64, batch=2, seed=3)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    return UNet.train(patches(4), SHORT, tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="module")
def segmenter(trained) -> UNet:
    return UNet(trained)


def with_options(**options) -> SegmenterTraining:
    return replace(SHORT, options=tuple(options.items()))


def test_it_is_registered_and_can_be_trained(segmenter):
    assert registry.load("segmenter", "unet") is UNet
    made: Segmenter = segmenter
    assert made.classes == CLASSES
    assert isinstance(UNet, TrainableSegmenter)


def test_it_has_as_many_parameters_as_its_card_says():
    count = sum(parameter.numel() for parameter in CompactUNet(9, width=16).parameters())
    assert round(count / 1e6, 1) == 0.2
    assert UNet.card.summary.startswith(".2 million parameters")


@pytest.mark.parametrize("size", [(40, 56), (48, 64), (1, 1), (37, 70)])
def test_every_pixel_of_an_image_of_any_size_gets_a_class(segmenter, size):
    image = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
    (found,) = segmenter.segment([image])
    assert found.shape == size
    assert found.dtype == np.uint8
    assert found.max() < len(CLASSES)


def test_what_is_found_does_not_depend_on_other_images_of_the_list(segmenter):
    images = [item.image for item in (*patches(2), *patches(2, height=33, seed=1))]
    for image, found in zip(images, segmenter.segment(images), strict=True):
        np.testing.assert_array_equal(segmenter.segment([image])[0], found)


def test_segmenting_leaves_the_image_as_it_is(segmenter):
    (item,) = patches(1)
    before = item.image.copy()
    segmenter.segment([item.image])
    np.testing.assert_array_equal(item.image, before)


def test_the_file_names_its_classes_and_holds_no_date(trained):
    with safe_open(trained, "pt") as opened:
        assert opened.metadata() == {"classes": json.dumps(list(CLASSES))}


def test_the_same_seed_gives_the_same_file_in_another_folder(trained, tmp_path):
    torch.rand(3)
    again = UNet.train(iter(patches(4)), SHORT, tmp_path / "again")
    assert again.read_bytes() == trained.read_bytes()


def test_another_seed_gives_other_weights(trained, tmp_path):
    other = UNet.train(patches(4), replace(SHORT, seed=4), tmp_path)
    assert other.read_bytes() != trained.read_bytes()


def test_training_leaves_the_generator_of_torch_as_it_was(tmp_path):
    before = torch.get_rng_state()
    UNet.train(patches(2), SHORT, tmp_path)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_patch_that_stands_out_is_learnt(tmp_path):
    training = replace(with_options(learning_rate=0.01), epochs=12)
    segmenter = UNet(UNet.train(patches(12), training, tmp_path))
    others = patches(6, seed=9)
    found = segmenter.segment([item.image for item in others])
    both = sum(int(((item.mask == 1) & (mask == 1)).sum()) for item, mask in zip(others, found, strict=True))
    either = sum(
        int(((item.mask == 1) | (mask == 1)).sum()) for item, mask in zip(others, found, strict=True)
    )
    assert both / either > 0.5


def test_pixels_beyond_the_classes_are_not_learnt_from(trained, tmp_path):
    def marked(value: int) -> list[SegmentedImage]:
        images = patches(4)
        for item in images:
            item.mask[:5] = value
        return images

    unlearnt = [UNet.train(marked(value), SHORT, tmp_path / str(value)) for value in (2, 255)]
    assert unlearnt[0].read_bytes() == unlearnt[1].read_bytes()
    assert unlearnt[0].read_bytes() != trained.read_bytes()


def test_images_of_several_sizes_and_larger_than_asked_for_are_learnt_from(tmp_path):
    images = [*patches(2, height=30, width=90), *patches(1, height=70, width=24, seed=1)]
    assert UNet(UNet.train(images, replace(SHORT, image_size=48), tmp_path)).classes == CLASSES


def test_one_image_and_a_batch_of_one_can_be_learnt_from(tmp_path):
    for batch in (1, 4):
        assert UNet.train(patches(1), replace(SHORT, batch=batch), tmp_path / str(batch)).is_file()


def test_a_training_can_start_from_weights_of_other_classes(trained, tmp_path):
    three = replace(SHORT, start=trained, classes=("unlabelled", "car", "patch"))
    assert UNet(UNet.train(patches(4), three, tmp_path)).classes == three.classes


def test_a_start_has_its_own_width(tmp_path):
    narrow = UNet.train(patches(2), with_options(width=4), tmp_path / "narrow")
    later = UNet.train(patches(2), replace(SHORT, start=narrow), tmp_path / "later")
    assert load_file(later)["head.weight"].shape == (2, 4, 1, 1)


def test_a_start_without_training_stays_what_it_was(trained, tmp_path):
    still = replace(with_options(learning_rate=0.0, weight_decay=0.0), start=trained)
    before, after = load_file(trained), load_file(UNet.train(patches(4), still, tmp_path))
    assert all(torch.equal(before[name], after[name]) for name in before if name.endswith("weight"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"learning": 1}, "option 'learning' is none of the training"),
        ({"learning_rate": "much"}, "option 'learning_rate' is a number from 0, not 'much'"),
        ({"learning_rate": -1.0}, "option 'learning_rate' is a number from 0, not -1.0"),
        ({"mirror": 1}, "option 'mirror' is true or false, not 1"),
        ({"width": 2.5}, "option 'width' is a whole number from 1, not 2.5"),
        ({"width": 513}, "option 'width' is 513; expected a whole number up to 512"),
        ({"width": 0}, "option 'width' is a whole number from 1, not 0"),
        ({"class_weights": "all"}, "option 'class_weights' is none or balanced, not 'all'"),
    ],
)
def test_an_option_that_cannot_be_is_refused_before_there_are_images(options, message):
    with pytest.raises(InputError, match=message):
        UNet.check_training(with_options(**options))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs of a training is 0"),
        ({"batch": 0}, "batch of a training is 0"),
        ({"classes": ()}, "a training is of 1 to 255 classes, not 0"),
        ({"start": Path("absent.safetensors")}, "absent.safetensors: no such weights file"),
    ],
)
def test_a_training_that_cannot_be_is_refused(changes, message, tmp_path):
    with pytest.raises(InputError, match=message):
        UNet.train(unread(), replace(SHORT, **changes), tmp_path)


def test_checking_a_training_draws_no_random_number(trained):
    before = torch.get_rng_state()
    UNet.check_training(replace(SHORT, start=trained))
    UNet.check_training(SHORT)
    assert torch.equal(before, torch.get_rng_state())


def test_images_that_nothing_can_be_learnt_from_are_refused(tmp_path):
    (item,) = patches(1)
    nothing = SegmentedImage("x", item.image, np.full_like(item.mask, 255))
    with pytest.raises(InputError, match="no image to train on has a pixel of unlabelled, patch"):
        UNet.train([nothing], SHORT, tmp_path)
    with pytest.raises(InputError, match="image y: is 56x40 but its mask is 40x56"):
        UNet.train([SegmentedImage("y", item.image, item.mask.T)], SHORT, tmp_path)


def test_a_training_whose_loss_runs_away_is_given_up(tmp_path):
    with pytest.raises(TrainingError, match="the loss is no number after epoch"):
        UNet.train(patches(4), replace(with_options(learning_rate=1e30), epochs=8), tmp_path)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (None, "knows 2 classes without naming them"),
        ({"classes": "patch"}, "is no JSON list of names"),
        ({"classes": '["patch"]'}, "its header names 1 classes, its weights know 2"),
    ],
)
def test_weights_that_do_not_name_their_classes_are_refused(trained, tmp_path, header, message):
    path = tmp_path / "unnamed.safetensors"
    save_file(load_file(trained), path, header)
    with pytest.raises(InputError, match=message):
        UNet(path)


def test_weights_of_another_network_are_refused(trained, tmp_path):
    tensors = load_file(trained)
    save_file({"other": tensors["head.bias"]}, tmp_path / "other.safetensors")
    save_file({"head.weight": tensors["head.weight"]}, tmp_path / "part.safetensors")
    with pytest.raises(
        InputError, match=r"other.safetensors: holds other weights than the segmenter unet has"
    ):
        UNet(tmp_path / "other.safetensors")
    with pytest.raises(InputError, match=r"part.safetensors: holds other weights than CompactUNet has"):
        UNet(tmp_path / "part.safetensors")
    with pytest.raises(InputError, match=r"part.safetensors: holds other weights .* does not fit"):
        UNet.train(patches(2), replace(SHORT, start=tmp_path / "part.safetensors"), tmp_path)
