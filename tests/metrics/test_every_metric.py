"""What holds for all seven metrics: cards, shared statistics, sizes, bad input."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fusionbench import registry
from fusionbench.contracts import MeasuredImage, SourceImages
from fusionbench_metrics.en import entropy
from fusionbench_metrics.mi import mutual_information
from fusionbench_metrics.qabf import edge_preservation
from fusionbench_metrics.sd import standard_deviation
from fusionbench_metrics.sf import spatial_frequency
from fusionbench_metrics.ssim import structural_similarity
from fusionbench_metrics.vif import visual_information_fidelity

NAMES = ("en", "mi", "qabf", "sd", "sf", "ssim", "vif")

FUNCTIONS: dict[str, Callable[..., float]] = {
    "en": entropy,
    "sd": standard_deviation,
    "sf": spatial_frequency,
    "mi": mutual_information,
    "vif": visual_information_fidelity,
    "qabf": edge_preservation,
    "ssim": structural_similarity,
}
"""The pure function of every metric."""

OF_FUSED_ALONE = ("en", "sd", "sf")


def call(name: str, fused: Any, visible: Any, infrared: Any) -> float:
    if name in OF_FUSED_ALONE:
        return FUNCTIONS[name](fused)
    return FUNCTIONS[name](fused, visible, infrared)


@pytest.mark.parametrize("name", NAMES)
def test_the_plugin_is_registered_under_the_name_on_its_card(name, all_metrics):
    assert type(registry.metric(name)) is type(all_metrics[name])
    assert all_metrics[name].card.name == name


@pytest.mark.parametrize("name", NAMES)
def test_the_plugin_gives_the_value_of_the_pure_function(name, measure, scene):
    assert measure(name, *scene) == call(name, *scene)


@pytest.mark.parametrize("name", NAMES)
def test_the_value_lies_in_the_range_on_the_card(name, measure, scene, all_metrics):
    low, high = all_metrics[name].card.value_range
    assert low <= measure(name, *scene) <= high


@pytest.mark.parametrize("name", NAMES)
def test_the_card_says_truly_whether_the_sources_matter(name, measure, scene, all_metrics):
    fused, visible, infrared = scene
    moved = measure(name, fused, np.ascontiguousarray(visible[::-1]), infrared)
    unchanged = moved == measure(name, fused, visible, infrared)
    assert unchanged == (all_metrics[name].card.compares == "fused")


@pytest.mark.parametrize("name", NAMES)
def test_the_card_says_truly_whether_noise_is_rewarded(name, measure, scene, all_metrics):
    visible, infrared = scene[1:]
    smooth = ((visible.astype(int) + infrared) // 2).astype(np.uint8)
    noise = np.random.default_rng(3).normal(0, 25, smooth.shape)
    noisy = np.clip(smooth + noise, 0, 255).astype(np.uint8)
    rises = measure(name, noisy, visible, infrared) > measure(name, smooth, visible, infrared)
    assert rises == all_metrics[name].card.rewards_noise


def test_values_do_not_depend_on_the_order_in_which_shared_statistics_were_kept(all_metrics, measure, scene):
    fused, visible, infrared = scene
    expected = {name: measure(name, *scene) for name in NAMES}
    for order in itertools.islice(itertools.permutations(NAMES), 0, 5040, 503):
        sources = SourceImages(MeasuredImage(visible, visible), MeasuredImage(infrared, infrared))
        other = MeasuredImage(visible, visible)
        for name in order:
            all_metrics[name].measure(other, sources)
        image = MeasuredImage(fused, fused)
        assert {name: all_metrics[name].measure(image, sources) for name in order} == expected


@pytest.mark.parametrize("name", NAMES)
def test_the_grey_image_is_measured_and_not_the_colour_one(name, all_metrics, scene):
    fused, visible, infrared = scene
    colour = np.random.default_rng(4).integers(0, 256, (*fused.shape, 3), dtype=np.uint8)
    sources = SourceImages(MeasuredImage(colour, visible), MeasuredImage(infrared, infrared))
    assert all_metrics[name].measure(MeasuredImage(colour, fused), sources) == call(name, *scene)


@pytest.mark.parametrize("name", NAMES)
def test_the_memory_layout_of_an_image_does_not_change_its_value(name, scene):
    columns_first = tuple(np.asfortranarray(image) for image in scene)
    assert call(name, *columns_first) == call(name, *scene)


@pytest.mark.parametrize("name", NAMES)
def test_an_image_of_the_minimum_size_on_the_card_has_a_value(name, all_metrics):
    size = all_metrics[name].card.minimum_size
    random = np.random.default_rng(5)
    images = random.integers(0, 256, (3, size, size), dtype=np.uint8)
    assert math.isfinite(call(name, *images))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(-1, 0), (0, -1)], ids=["too-low", "too-narrow"])
def test_an_image_below_the_minimum_size_is_refused_naming_that_size(name, shape, all_metrics):
    size = all_metrics[name].card.minimum_size
    images = np.zeros((3, size + shape[0], size + shape[1]), dtype=np.uint8)
    with pytest.raises(ValueError, match=f"fused: is .* needs at least {size}x{size} pixels"):
        call(name, *images)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "bad",
    [np.zeros((50, 50)), np.zeros((50, 50), np.uint16), np.zeros((50, 50, 3), np.uint8)],
    ids=["float", "16-bit", "colour"],
)
def test_an_image_that_is_not_grey_8_bit_is_refused(name, bad):
    good = np.zeros((50, 50), np.uint8)
    with pytest.raises(ValueError, match="fused: expected a grey uint8 image"):
        call(name, bad, good, good)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in OF_FUSED_ALONE])
def test_a_source_of_another_size_is_refused(name, all_metrics):
    good, wide = np.zeros((50, 50), np.uint8), np.zeros((50, 51), np.uint8)
    with pytest.raises(ValueError, match="infrared: is 51x50 but fused is 50x50"):
        call(name, good, good, wide)
    sources = SourceImages(MeasuredImage(good, good), MeasuredImage(wide, wide))
    with pytest.raises(ValueError, match="infrared: is 51x50 but fused is 50x50"):
        all_metrics[name].measure(MeasuredImage(good, good), sources)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("level", [0, 1, 128, 254, 255])
def test_a_constant_fused_image_has_a_finite_value(name, level, measure, scene):
    flat = np.full_like(scene[0], level)
    assert math.isfinite(measure(name, flat, *scene[1:]))
