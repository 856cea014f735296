"""Crops and what is known of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from fusionbench.contracts import Draw
from fusionbench.errors import InputError
from fusionbench_methods.sgafusion.fixed.restoration import transmission_of_image
from fusionbench_methods.sgafusion.training.crops import Box, Mixture, as_tensor, random_box, spread
from fusionbench_methods.sgafusion.training.frame_facts import FactsOfFrames
from fusionbench_methods.sgafusion.training.fusion_batches import transmission_of_crop
from tests.methods.sgafusion.training.conftest import CONDITIONS, FewFrames


@pytest.mark.parametrize("box", [Box(0, 0, 64, 64), Box(70, 101, 96, 80), Box(176, 224, 64, 96)], ids=str)
def test_a_crops_transmission_is_that_of_the_whole_frame_there(frames, box):
    frame = frames.frame(0)
    thumbnail = torch.rand(1, 1, 48, 64)
    whole = transmission_of_image(thumbnail, as_tensor(frame.visible)[None])
    assert whole.shape[2:] == (240, 320)
    assert torch.allclose(transmission_of_crop(thumbnail, frame, box), box.of(whole), atol=1e-4)


def test_boxes_lie_inside_and_reach_every_border():
    random = np.random.default_rng(0)
    boxes = [random_box((20, 30), 12, random) for _ in range(400)]
    assert {box.top for box in boxes} == set(range(9)) and {box.left for box in boxes} == set(range(19))


def test_a_crop_larger_than_the_image_is_refused():
    with pytest.raises(InputError, match=r"crops of 96 pixels do not fit into an image of 80x60"):
        random_box((60, 80), 96, np.random.default_rng(0))


def test_a_mixture_has_its_shares(frames):
    mixture = Mixture(frames, {"haze": 3.0, "low_light": 1.0})
    picked = [
        frames.conditions[index] for step in range(400) for index in mixture.picks(Draw(0, "x", step), 5)
    ]
    assert set(picked) == {"haze", "low_light"}
    assert picked.count("haze") / len(picked) == pytest.approx(0.75, abs=0.03)


def test_a_mixture_of_what_is_not_there_is_refused(frames):
    with pytest.raises(InputError, match="the mixture names rain, and no frame is under any of these"):
        Mixture(frames, {"rain": 1.0})


def test_spreading_takes_first_and_last_thirds_alike():
    assert spread(range(9), 3) == [0, 3, 6]
    assert spread(range(2), 3) == [0, 1]


def test_the_truth_of_a_frame(frames):
    facts = FactsOfFrames(frames, None, 12)
    gates = {}
    for index, condition in enumerate(frames.conditions):
        found = facts.of(index)
        gates[condition] = tuple(found.truth.gates[0].tolist())
        assert found.embedding.abs().max() == 0
        if condition == "low_light":
            assert 1.0 < float(found.truth.exposure[0]) < 2.2
        if condition == "haze":
            expected = interpolate(as_tensor(frames.frame(index).transmission)[None], (48, 64), mode="area")
            assert torch.allclose(found.truth.transmission, expected, atol=1e-6)
        else:
            assert found.truth.transmission.min() == 1
    assert gates == {"clean": (0, 0, 0), "haze": (1, 0, 1), "low_light": (0, 1, 1)}
    assert set(gates) == set(CONDITIONS)


def test_frames_from_memory_serve_as_well(frames):
    few = FewFrames([frames.frame(1)])
    assert FactsOfFrames(few, None, 4).of(0).name == frames.frame(1).name
