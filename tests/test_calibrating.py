"""Calibration against curves and damages known in closed form."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import piq
import pytest
import torch

from fusionbench import registry
from fusionbench.calibrating import CalibrationPair, Search, calibrate, choose_pairs, damage, parameters_at
from fusionbench.calibrating.calibrate import TARGETS, large_enough, search_of
from fusionbench.calibrating.measuring import grey_of
from fusionbench.calibrating.table import table_text, write_table
from fusionbench.contracts import Dataset, DegradationCard, ImagePair, LinearScene, RandomStreams
from fusionbench.datasets import open_dataset
from fusionbench.degrading import degrade_pair, parse_condition
from fusionbench.errors import InputError
from fusionbench.images import to_grey


class Darker:
    """Light times 1 / (1 + parameter)."""

    card = DegradationCard(
        name="darker",
        title="Darker",
        stage="exposure",
        modality="visible",
        summary="L / (1 + p)",
        reference="none",
        parameter="p",
        levels=(0.5, 1.0, 2.0, 4.0, 8.0),
        version="1",
    )

    def apply(self, scene: LinearScene, parameter: float, random: RandomStreams) -> LinearScene:
        del random
        return scene.changed(visible=scene.visible / np.float32(1.0 + parameter))


class Untouched(Darker):
    def apply(self, scene: LinearScene, parameter: float, random: RandomStreams) -> LinearScene:
        del parameter, random
        return scene


@pytest.fixture(scope="module")
def scenes() -> Dataset:
    return open_dataset("scenes")


@pytest.fixture(scope="module")
def pairs(scenes: Dataset) -> list[CalibrationPair]:
    return choose_pairs(scenes, 3)


def test_the_parameters_of_a_curve_are_its_inverse() -> None:
    def curve(parameter: float) -> float:
        return 1.0 - math.exp(-0.02 * parameter**1.7)

    found = parameters_at(TARGETS, curve, Search.around((1.0, 2.0, 3.0, 4.0, 5.0)))
    expected = [(-math.log(1.0 - target) / 0.02) ** (1 / 1.7) for target in TARGETS]
    assert [level.parameter for level in found] == pytest.approx(expected, rel=0.012)
    assert [level.damage for level in found] == [curve(level.parameter) for level in found]
    assert not any(level.limited for level in found)


def test_a_curve_is_looked_at_a_few_times_only() -> None:
    asked: list[float] = []

    def curve(parameter: float) -> float:
        asked.append(parameter)
        return parameter**2 / (1.0 + parameter**2)

    parameters_at(TARGETS, curve, Search.around((0.5, 1.0, 2.0, 3.0, 4.0)))
    assert len(asked) == len(set(asked))
    assert len(asked) <= 3 + 3 * len(TARGETS)


def test_a_parameter_may_fall_as_damage_grows_and_end_where_there_is_none() -> None:
    def curve(contrast: float) -> float:
        return 0.25 * (1.0 - contrast) ** 2

    search = Search.around((0.75, 0.55, 0.40, 0.28, 0.18), limits=(1.0, 0.001))
    found = parameters_at(TARGETS, curve, search)
    expected = [1.0 - 2.0 * math.sqrt(target) for target in TARGETS]
    assert [level.parameter for level in found] == pytest.approx(expected, abs=0.005)


def test_a_whole_parameter_is_the_nearest_whole_number() -> None:
    def curve(quality: float) -> float:
        assert quality == int(quality)
        return 0.5 / quality

    found = parameters_at(TARGETS, curve, Search.around((60, 40, 25, 15, 8), (100, 1), whole=True))
    assert [level.parameter for level in found] == [50, 17, 8, 5, 3]


def test_a_target_out_of_reach_is_named_with_the_most_that_can_be_done() -> None:
    found = parameters_at((0.05, 0.3), lambda quality: 0.2 / quality, Search((20, 8), 100, 1, whole=True))
    assert [level.limited for level in found] == [False, True]
    assert (found[1].parameter, found[1].damage) == (1, 0.2)
    weak = parameters_at((0.001, 0.1), lambda quality: 1.0 / quality, Search((60, 8), 100, 1, whole=True))
    assert [(level.parameter, level.limited) for level in weak] == [(100, True), (10, False)]


def test_damage_is_that_of_a_second_library(pairs: list[CalibrationPair]) -> None:
    pair = pairs[0].load()
    found = damage(pair, registry.degradation("noise"), 0.01, 0, "scenes")
    degraded = degrade_pair(pair, parse_condition("physical:noise@3"), 0, "scenes").pair
    greys = [torch.tensor(to_grey(image.visible)[None, None] / 255.0) for image in (degraded, pair)]
    expected = 1.0 - float(piq.multi_scale_ssim(*greys, data_range=1.0))
    assert found == pytest.approx(expected, abs=0.003)


def test_an_untouched_image_has_no_damage(pairs: list[CalibrationPair]) -> None:
    assert damage(pairs[0].load(), Untouched(), 1.0, 0, "scenes") == pytest.approx(0.0, abs=1e-9)


def test_a_wide_image_is_measured_on_every_second_pixel_of_its_modality() -> None:
    infrared = np.arange(200 * 1280, dtype=np.int64).reshape(200, 1280).astype(np.uint8)
    pair = ImagePair("wide", np.full((200, 1280, 3), 9, np.uint8), infrared)
    thermal = Darker()
    thermal.card = replace(Darker.card, modality="infrared")
    np.testing.assert_array_equal(grey_of(pair, thermal), infrared[::2, ::2])
    np.testing.assert_array_equal(grey_of(pair, Darker()), np.full((100, 640), 9))


def test_the_reached_median_is_what_the_parameter_does(pairs: list[CalibrationPair]) -> None:
    (found,) = calibrate([Darker()], pairs, targets=(0.02, 0.05), processes=1)
    for level in found.levels:
        again = [damage(pair.load(), Darker(), level.parameter, 0, "scenes") for pair in pairs]
        assert level.damage == np.median(again)
        assert level.damage == pytest.approx(level.target, rel=0.01)


def test_the_number_of_processes_changes_nothing(pairs: list[CalibrationPair]) -> None:
    alone, together = (
        list(calibrate([registry.degradation("noise")], pairs, (0.03,), processes=processes))
        for processes in (1, 2)
    )
    assert alone == together


def test_pairs_of_an_unsuited_native_condition_are_left_out(pairs: list[CalibrationPair]) -> None:
    at_night = replace(pairs[0], sample=replace(pairs[0].sample, native="night"))
    by_day_only = Darker()
    by_day_only.card = replace(Darker.card, unsuited_to=("night",))
    (found,) = calibrate([by_day_only], [at_night, pairs[1]], (0.05,), processes=1)
    (expected,) = calibrate([Darker()], [pairs[1]], (0.05,), processes=1)
    assert found.left_out == (at_night.name,)
    assert found.levels == expected.levels
    with pytest.raises(InputError, match="none of 1 pairs suits it"):
        list(calibrate([by_day_only], [at_night], processes=1))


def test_pairs_are_spread_evenly(scenes: Dataset) -> None:
    chosen = [pair.sample.id for pair in choose_pairs(scenes, 4)]
    ids = [sample.id for sample in scenes.samples]
    places = [ids.index(name) for name in chosen]
    assert len(set(places)) == 4
    assert max(np.diff(places)) - min(np.diff(places)) <= 1
    assert len(choose_pairs(scenes, 10**6)) == len(ids)
    with pytest.raises(InputError, match="expected 1 or more"):
        choose_pairs(scenes, 0)


def test_a_pair_too_small_to_measure_is_named(pair_folders: dict[str, str]) -> None:
    told: list[str] = []
    small = choose_pairs(open_dataset("folder", options=pair_folders), 2)
    assert large_enough(small, told.append) == []
    assert [line.partition(":")[0] for line in told] == [pair.name for pair in small]


def test_the_search_begins_at_the_physical_levels() -> None:
    card = registry.degradation("noise").card
    search = search_of(replace(card, levels=(1.0, 2.0, 3.0, 4.0, 5.0)))
    assert card.physical_levels is not None
    assert tuple(search.start) == card.physical_levels[::2]


def test_the_table_is_read_back_by_its_reader(
    pairs: list[CalibrationPair], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fusionbench_degradations import calibration

    found = list(calibrate([Darker()], pairs[:1], (0.01, 0.02, 0.03, 0.04, 0.05), processes=1))
    text = table_text(found, pairs[:1], "fusionbench calibrate")
    write_table(tmp_path / "table.csv", text)
    monkeypatch.setattr(calibration, "TABLE", tmp_path / "table.csv")
    calibration._table.cache_clear()
    try:
        read = calibration.calibrated_levels("darker")
    finally:
        calibration._table.cache_clear()
    assert read == tuple(level.parameter for level in found[0].levels)
    assert "scenes 1;" in text
