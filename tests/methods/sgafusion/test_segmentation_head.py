"""SGAFusion's segmentation head, looking at any image."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fusionbench import registry
from fusionbench.errors import InputError
from fusionbench.images import to_grey
from fusionbench_methods.sgafusion import save_checkpoint
from fusionbench_methods.sgafusion.fixed.network import FixedSGAFusionNet
from fusionbench_methods.sgafusion.method import SHIPPED
from fusionbench_methods.sgafusion.segmentation_head import MSRS_CLASSES, SGAFusionHead

pytest.importorskip("open_clip")

IMAGE = np.random.default_rng(0).integers(0, 256, (37, 50, 3)).astype(np.uint8)


@pytest.fixture
def head(tmp_path, small_network, small_encoder):
    """Of a network drawn at random, with notes."""

    def make(network=None, encoder=small_encoder, **notes):
        path = tmp_path / "joint.safetensors"
        save_checkpoint(path, network or small_network("paper").float(), encoder, notes=notes)
        return SGAFusionHead(path)

    return make


def planes(values):
    return torch.from_numpy(np.atleast_3d(values).transpose(2, 0, 1).copy())[None].float() / 255.0


def test_it_is_registered():
    assert registry.load("segmenter", "sgafusion-head") is SGAFusionHead


@pytest.mark.parametrize("variant", ["paper", "corrected"])
def test_the_fused_image_takes_the_place_of_both(head, small_network, small_encoder, variant):
    network = small_network(variant).float()
    visible = planes(IMAGE)
    told = small_encoder.embed(visible)
    with torch.no_grad():
        # No class is the likeliest everywhere.
        network.seg_head.bias -= network(visible, planes(to_grey(IMAGE)), told)[1].mean(dim=(0, 2, 3))
    (found,) = head(network).segment([IMAGE])
    _, logits = network(visible, planes(to_grey(IMAGE)), told)
    assert np.array_equal(found, logits[0].argmax(dim=0).numpy())
    assert found.dtype == np.uint8 and len(np.unique(found)) > 1


def test_the_network_fixed_has_a_head_as_well(head, small_encoder):
    network = FixedSGAFusionNet(
        widths=(4, 8, 8, 16), embedding_width=small_encoder.configuration.embedding_width
    ).eval()
    with torch.no_grad():
        network.seg_head.weight.normal_()
    (found,) = head(network).segment([IMAGE])
    visible = planes(IMAGE)
    made = network(visible, planes(to_grey(IMAGE)), small_encoder.embed(visible))
    assert np.array_equal(found, made.segmentation[0].argmax(dim=0).numpy())


def test_an_image_is_segmented_alike_beside_any_other(head):
    segmenter = head()
    other = np.zeros((16, 20, 3), np.uint8)
    assert np.array_equal(segmenter.segment([other, IMAGE])[1], segmenter.segment([IMAGE])[0])


def test_nine_classes_without_names_are_those_of_msrs(head):
    assert head().classes == MSRS_CLASSES
    assert registry.load("dataset", "msrs").card.mask_classes == MSRS_CLASSES


def test_noted_names_count(head):
    assert head(mask_classes=[f"c{place}" for place in range(9)]).classes[8] == "c8"


def test_another_number_of_classes_without_names_is_refused(head, small_network):
    with pytest.raises(InputError, match="head of 4 classes and does not name them; train it anew"):
        head(small_network("paper", segmentation_classes=4).float())


def test_a_head_that_was_left_behind_is_refused():
    with pytest.raises(InputError, match=r"in which the segmentation head was left behind; give joint"):
        SGAFusionHead(SHIPPED)


def test_a_network_without_a_head_is_refused(head, small_network):
    with pytest.raises(InputError, match="holds no segmentation head"):
        head(small_network("paper", segmentation_classes=0).float())


def test_a_network_without_its_encoder_is_refused(head):
    with pytest.raises(InputError, match="without the encoder that tells it what it sees"):
        head(encoder=None)
