from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fusionbench import registry
from fusionbench.contracts import ImagePair, LinearScene, RandomStreams, Stage
from fusionbench.degrading import Condition, NamedStreams, degrade_pair, parse_condition, with_noise_sigma
from fusionbench.degrading.compose import parameter_at
from fusionbench.degrading.light import decode_infrared, decode_visible, encode_visible
from fusionbench.errors import InputError

ALL = "haze+low_light+noise"
CARD = registry.degradation("noise").card


@pytest.mark.parametrize("name", ["clean", "haze@0", "noise@0", f"{ALL}@0"])
def test_nothing_to_do_returns_the_input_arrays_themselves(pair: ImagePair, name: str) -> None:
    result = degrade_pair(pair, parse_condition(name), seed=0)
    assert result.pair.visible is pair.visible
    assert result.pair.infrared is pair.infrared
    assert result.depth_source == "none"


@pytest.mark.parametrize("name", ["low_light@3", "noise@5"])
def test_a_modality_no_degradation_touches_is_the_input_array(pair: ImagePair, name: str) -> None:
    result = degrade_pair(pair, parse_condition(name), seed=0)
    assert result.pair.infrared is pair.infrared
    assert not np.array_equal(result.pair.visible, pair.visible)


def test_the_input_is_never_written_to(pair: ImagePair) -> None:
    before = pair.visible.copy(), pair.infrared.copy()
    degrade_pair(pair, parse_condition(f"{ALL}@5"), seed=0)
    np.testing.assert_array_equal(pair.visible, before[0])
    np.testing.assert_array_equal(pair.infrared, before[1])


def test_depth_horizon_and_id_stay_with_the_pair(pair: ImagePair) -> None:
    depth = np.full(pair.size, 12.0, np.float32)
    deep = replace(pair, depth=depth, horizon=0.3)
    result = degrade_pair(deep, parse_condition("haze@2"), seed=0).pair
    assert (result.id, result.horizon) == ("ramp", 0.3)
    assert result.depth is depth


class Recorder:
    """A degradation that halves the light and notes how many came before it."""

    def __init__(self, name: str, stage: Stage) -> None:
        self.card = replace(CARD, name=name, stage=stage)

    def apply(self, scene: LinearScene, parameter: float, random: RandomStreams) -> LinearScene:
        turn = np.array(len(scene.maps))
        return scene.changed(visible=scene.visible * np.float32(0.5), maps={self.card.name: turn})


def test_degradations_apply_in_physical_order_whatever_their_names(
    pair: ImagePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages: dict[str, Stage] = {"a": "sensor", "b": "exposure", "c": "optics", "d": "medium", "e": "sensor"}
    monkeypatch.setattr(registry, "degradation", lambda name: Recorder(name, stages[name]))
    result = degrade_pair(pair, Condition(tuple((name, 1.0) for name in stages)), seed=0)
    assert sorted(stages, key=lambda name: int(result.maps[name])) == ["d", "c", "b", "a", "e"]


def test_a_composite_is_quantised_once(pair: ImagePair) -> None:
    scene = LinearScene(decode_visible(pair.visible), decode_infrared(pair.infrared), pair)
    for name in ("low_light", "noise"):
        plugin = registry.degradation(name)
        scene = plugin.apply(scene, plugin.card.levels[1], NamedStreams("", pair.id, name, 0))
    composite = degrade_pair(pair, parse_condition("noise+low_light@2"), seed=0).pair.visible
    np.testing.assert_array_equal(composite, encode_visible(scene.visible))

    darker = degrade_pair(pair, parse_condition("low_light@2"), seed=0).pair
    chained = degrade_pair(darker, parse_condition("noise@2"), seed=0).pair.visible
    assert not np.array_equal(composite, chained)


def test_a_composite_is_noisier_than_its_parts(pair: ImagePair) -> None:
    dark = degrade_pair(pair, parse_condition("low_light@2"), seed=0).maps["noise_sigma"]
    both = degrade_pair(pair, parse_condition("low_light+noise@2"), seed=0).maps["noise_sigma"]
    assert (both > dark).all()


def test_independent_noises_add_in_quadrature() -> None:
    earlier, own = np.float32([3.0, 0.5, 0.0]), np.float32([4.0, 1.2, 0.7])
    np.testing.assert_allclose(with_noise_sigma({"noise_sigma": earlier}, own), np.hypot(earlier, own))
    assert with_noise_sigma({}, own) is own


def test_severities_between_levels_are_interpolated_linearly() -> None:
    levels = (0.3, 0.6, 1.0, 1.5, 2.2)
    assert parameter_at("haze", levels, 2.5) == pytest.approx(0.8)
    assert [parameter_at("haze", levels, s) for s in (1, 2, 3, 4, 5)] == list(levels)


@pytest.mark.parametrize("severity", [0.0, 0.9, 5.1])
def test_no_parameter_is_read_off_the_scale(severity: float) -> None:
    with pytest.raises(InputError, match="out of range"):
        parameter_at("haze", (1.0, 2.0, 3.0, 4.0, 5.0), severity)


def test_a_missing_severity_is_refused(pair: ImagePair) -> None:
    with pytest.raises(InputError, match="no severity; write haze@3"):
        degrade_pair(pair, parse_condition("haze"), seed=0)


def test_seed_and_dataset_name_change_the_noise(pair: ImagePair) -> None:
    condition = parse_condition("noise@3")
    results = [degrade_pair(pair, condition, seed, name) for seed, name in ((0, ""), (1, ""), (0, "msrs"))]
    assert len({result.pair.visible.tobytes() for result in results}) == 3


def test_the_noise_field_is_the_same_at_every_severity(pair: ImagePair) -> None:
    plugin = registry.degradation("noise")
    scene = LinearScene(decode_visible(pair.visible), decode_infrared(pair.infrared), pair)
    fields = []
    for level in plugin.card.levels:
        noisy = plugin.apply(scene, level, NamedStreams("", "ramp", "noise", 0))
        fields.append((noisy.visible - scene.visible) / noisy.maps["noise_sigma"])
    np.testing.assert_allclose(fields[0], fields[4], atol=1e-3)
