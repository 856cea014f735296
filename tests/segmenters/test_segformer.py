"""The adapter of transformers' SegFormer, with weights drawn at random: shapes, names, files and starts."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from fusionbench import registry
from fusionbench.contracts import Segmenter, SegmenterTraining, TrainableSegmenter
from fusionbench.errors import InputError
from fusionbench.weight_files import HEADER_CLASSES
from fusionbench_segmenters.segformer import SIZES, SegFormer
from tests.segmenters.drawn_patches import CLASSES, patches, unread

transformers = pytest.importorskip("transformers")

SHORT = SegmenterTraining(CLASSES, start=None, epochs=1, image_size=64, batch=2, seed=3)
STILL = replace(SHORT, options=(("learning_rate", 0.0), ("weight_decay", 0.0)))


def configuration(**changes):
    return transformers.SegformerConfig(
        hidden_sizes=[8, 16, 24, 32], decoder_hidden_size=16, **{"depths": [1, 2, 1, 1], **changes}
    )


def saved(network, folder: Path) -> Path:
    """A network as its publishers save it."""
    network.save_pretrained(folder)
    return folder / "model.safetensors"


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    return SegFormer.train(patches(3), SHORT, tmp_path_factory.mktemp("trained"))


@pytest.fixture
def drawn(tmp_path):
    """A small network with names of its classes, and its file."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = transformers.SegformerForSemanticSegmentation(configuration(num_labels=3)).eval()
        with torch.no_grad():
            network.decode_head.classifier.weight.normal_()
    path = tmp_path / "named.safetensors"
    tensors = load_file(saved(network, tmp_path / "published"))
    save_file(tensors, path, {HEADER_CLASSES: '["a", "b", "c"]'})
    return network, path


def test_it_is_registered_and_can_be_trained(trained):
    assert registry.load("segmenter", "segformer") is SegFormer
    made: Segmenter = SegFormer(trained)
    assert made.classes == CLASSES
    assert isinstance(SegFormer, TrainableSegmenter)


def test_the_same_seed_gives_the_same_file(trained, tmp_path):
    assert SegFormer.train(patches(3), SHORT, tmp_path).read_bytes() == trained.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["weights.safetensors"]


def test_its_file_has_the_published_names(trained):
    names = load_file(trained)
    assert "segformer.encoder.patch_embeddings.0.proj.weight" in names
    assert "segformer.encoder.block.3.1.attention.self.query.weight" in names


@pytest.mark.parametrize("size", SIZES)
def test_sizes_are_those_of_the_paper(size):
    """Millions of parameters of the encoder and of the decoder, table 1 of the paper."""
    encoders = {"b0": 3.4, "b1": 13.1, "b2": 24.2, "b3": 44.0, "b4": 60.8, "b5": 81.4}
    decoders = {"b0": 0.4, "b1": 0.6, "b2": 3.3, "b3": 3.3, "b4": 3.3, "b5": 3.3}
    own = SIZES[size]
    with torch.device("meta"):
        network = transformers.SegformerForSemanticSegmentation(
            transformers.SegformerConfig(
                num_labels=150,
                depths=list(own.depths),
                hidden_sizes=list(own.widths),
                decoder_hidden_size=own.decoder_width,
            )
        )
    count = {
        part: sum(p.numel() for p in getattr(network, part).parameters()) / 1e6
        for part in ("segformer", "decode_head")
    }
    assert count["segformer"] == pytest.approx(encoders[size], rel=0.03)
    assert count["decode_head"] == pytest.approx(decoders[size], abs=0.2)


def test_it_gives_what_transformers_gives_for_the_image_normalised_by_hand(drawn):
    network, path = drawn
    image = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    mean, spread = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    planes = ((torch.from_numpy(image) / 255 - mean) / spread).permute(2, 0, 1)
    with torch.no_grad():
        logits = network(pixel_values=planes[None]).logits
        logits = torch.nn.functional.interpolate(logits, size=(48, 64), mode="bilinear")[0]
    (found,) = SegFormer(path).segment([image])
    assert len(np.unique(found)) > 1
    assert (found == logits.argmax(0).numpy()).mean() > 0.999


def test_each_image_is_segmented_at_its_own_size_and_by_itself(drawn):
    segmenter = SegFormer(drawn[1])
    images = [patches(1, height=33, width=50)[0].image, patches(1)[0].image]
    for image, found in zip(images, segmenter.segment(images), strict=True):
        assert found.shape == image.shape[:2]
        np.testing.assert_array_equal(segmenter.segment([image])[0], found)


def test_weights_have_to_name_their_classes(drawn, tmp_path):
    path = tmp_path / "published/model.safetensors"
    with pytest.raises(InputError, match=r"model\.safetensors: knows 3 classes without naming them"):
        SegFormer(path)


def test_a_training_starts_from_an_encoder_of_any_size(tmp_path):
    encoder = transformers.SegformerForImageClassification(configuration(num_labels=5))
    start = saved(encoder, tmp_path / "published")
    after = load_file(SegFormer.train(patches(2), replace(STILL, start=start), tmp_path / "out"))
    before = load_file(start)
    own = [name for name in before if name.startswith("segformer.")]
    assert len(own) > 50 and all(torch.equal(after[name], before[name]) for name in own)


def test_a_training_starts_from_weights_of_other_classes(drawn, tmp_path):
    later = SegFormer.train(patches(2), replace(SHORT, start=drawn[1]), tmp_path / "out")
    assert SegFormer(later).classes == CLASSES


def test_its_size_is_an_option(tmp_path):
    with pytest.raises(InputError, match="option 'size' is 'b9'; expected one of b0, b1"):
        SegFormer.train(unread(), replace(SHORT, options=(("size", "b9"),)), tmp_path)


def test_weights_of_another_network_are_refused(drawn, tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"head.weight": torch.zeros(2, 4, 1, 1)}, path)
    with pytest.raises(InputError, match="is no state dictionary of a SegFormer"):
        SegFormer(path)
    with pytest.raises(InputError, match=r"holds other weights .* is not there"):
        SegFormer.check_training(replace(SHORT, start=path))
    tensors = load_file(drawn[1])
    del tensors["segformer.encoder.block.0.0.attention.self.key.weight"]
    save_file(tensors, path, {HEADER_CLASSES: '["a", "b", "c"]'})
    with pytest.raises(InputError, match=r"holds other weights .* is not there"):
        SegFormer(path)


def test_nothing_is_asked_of_a_network_and_nothing_said(drawn, tmp_path, monkeypatch, capfd):
    def refuse(*arguments, **names):
        raise AssertionError(f"asked for {arguments}")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    SegFormer(SegFormer.train(patches(2), replace(SHORT, start=drawn[1]), tmp_path / "out"))
    assert capfd.readouterr() == ("", "")
