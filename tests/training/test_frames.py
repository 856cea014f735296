"""Frames to learn from are those that evaluation would make."""

from __future__ import annotations

import numpy as np
import pytest

from fusionbench.datasets import open_dataset
from fusionbench.degrading import parse_condition
from fusionbench.degrading.compose import degrade_pair
from fusionbench.errors import InputError
from fusionbench.training.frames import FrameSettings, KeptFrames

KINDS = ("clean", "haze", "low_light+noise")


@pytest.fixture
def dataset(pair_folders):
    return open_dataset("folder", options=pair_folders)


def kept(dataset, folder, kinds=KINDS, variants=2, longest_side=640, seed=5, **more):
    settings = FrameSettings(kinds, (2.0, 4.0), variants, longest_side, seed)
    return KeptFrames([(dataset, dataset.samples)], settings, folder, **more)


def test_a_frame_is_the_degraded_pair(dataset, tmp_path):
    frames = kept(dataset, tmp_path / "frames")
    seen = []
    for index, name in enumerate(frames.names):
        frame, condition = frames.frame(index), parse_condition(name.split(" ")[-1])
        sample = next(each for each in dataset.samples if each.id in name)
        kind = (sample.id, frames.conditions[index])
        variant = seen.count(kind)
        seen.append(kind)
        expected = degrade_pair(dataset.load(sample), condition, 5 + variant, "folder")
        assert np.array_equal(frame.visible, expected.pair.visible)
        assert np.array_equal(frame.infrared, expected.pair.infrared)
        assert np.array_equal(frame.clean_visible, expected.clean.visible)
        assert np.array_equal(frame.clean_infrared, expected.clean.infrared)
        if "transmission" in expected.maps:
            assert np.allclose(frame.transmission, expected.maps["transmission"], atol=1e-3)
            assert frame.airlight == pytest.approx(tuple(expected.maps["airlight"]))
        else:
            assert frame.transmission is None
        assert frame.exposure == pytest.approx(float(expected.maps.get("exposure", 1.0)))
    assert len(seen) == 3 * (1 + 2 + 2)


def test_clean_pairs_are_there_once(dataset, tmp_path):
    assert kept(dataset, tmp_path / "frames").conditions.count("clean") == len(dataset.samples)


def test_severities_are_drawn_within_their_bounds(dataset, tmp_path):
    names = kept(dataset, tmp_path / "frames", variants=20).names
    terms = [term for name in names for term in name.split(" ")[-1].split("+") if "@" in term]
    levels = [float(term.split("@")[1]) for term in terms]
    assert 2.0 <= min(levels) < 2.2 and 3.8 < max(levels) <= 4.0


def test_another_seed_draws_others(dataset, tmp_path):
    folder = tmp_path / "frames"
    assert kept(dataset, folder, seed=1).names != kept(dataset, folder, seed=2).names


def test_a_frame_is_made_once(dataset, tmp_path, monkeypatch):
    first = kept(dataset, tmp_path / "frames").frame(4)
    monkeypatch.setattr("fusionbench.training.frames.degrade_pair", None)
    again = kept(dataset, tmp_path / "frames").frame(4)
    assert again.name == first.name and np.array_equal(again.visible, first.visible)


def test_a_frame_that_was_not_finished_is_made_again(dataset, tmp_path):
    folder = tmp_path / "frames"
    first = kept(dataset, folder).frame(4)
    whole = np.array(first.visible)
    for path in folder.glob("*/frame.json"):
        path.unlink()
    for path in folder.glob("*/images.npy"):
        path.write_bytes(path.read_bytes()[:200])
    assert np.array_equal(kept(dataset, folder).frame(4).visible, whole)


def test_large_pairs_are_reduced(dataset, tmp_path):
    frame = kept(dataset, tmp_path / "frames", longest_side=32).frame(0)
    assert frame.visible.shape == (24, 32, 3) and frame.infrared.shape == (24, 32)


def test_masks_follow_the_reduction(tmp_path):
    scenes = open_dataset("scenes")
    sample = scenes.samples[0]
    settings = FrameSettings(("clean",), (1.0, 5.0), 1, 64, 0)
    frame = KeptFrames([(scenes, [sample])], settings, tmp_path, with_masks=True).frame(0)
    mask = scenes.labels(sample).mask
    assert frame.mask.shape == frame.infrared.shape
    assert set(np.unique(frame.mask)) <= set(np.unique(mask))
    step = mask.shape[0] // frame.mask.shape[0]
    assert (frame.mask == mask[::step, ::step]).mean() > 0.99


def test_night_is_not_darkened(shared, tmp_path):
    msrs = open_dataset("msrs", shared / "data")
    nights = [sample for sample in msrs.samples if sample.native == "night"][:2]
    settings = FrameSettings(("clean", "haze", "low_light"), (2.0, 4.0), 1, 640, 0)
    assert set(KeptFrames([(msrs, nights)], settings, tmp_path).conditions) == {"clean", "haze"}


def test_a_folder_that_cannot_be_written_is_named(dataset, tmp_path):
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    with pytest.raises(InputError, match=r"blocked.*cannot be written"):
        kept(dataset, blocked).frame(0)
