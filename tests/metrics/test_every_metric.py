"""What holds for every canonical metric: cards, shared statistics, sizes, flat images, bad input."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from fusionbench import registry
from fusionbench.contracts import MeasuredImage, Metric, SourceImages
from fusionbench.images import read_visible, to_grey

METRICS: dict[str, Metric] = {
    name: plugin() for name, plugin in registry.load_all("metric").items() if not plugin.card.needs
}
"""Every metric that needs nothing beyond the installation."""

NAMES = tuple(METRICS)
COLOUR = tuple(name for name in NAMES if name == "chroma_error")
GREY = tuple(name for name in NAMES if name not in COLOUR)
OF_FUSED_ALONE = tuple(name for name in NAMES if METRICS[name].card.compares == "fused")
OF_SOURCES = tuple(name for name in NAMES if METRICS[name].card.compares == "sources")

REPOSITORY = Path(__file__).resolve().parents[2]

Images = tuple[np.ndarray, np.ndarray, np.ndarray]


def wrapped(image: np.ndarray) -> MeasuredImage:
    return MeasuredImage(image, image)


def sources_of(visible: np.ndarray, infrared: np.ndarray, clean_output: np.ndarray | None = None):
    output = wrapped(visible if clean_output is None else clean_output)
    return SourceImages(wrapped(visible), wrapped(infrared), output)


def value(name: str, fused: np.ndarray, visible: np.ndarray, infrared: np.ndarray) -> float:
    """Measure from scratch: nothing kept from an earlier call."""
    return METRICS[name].measure(wrapped(fused), sources_of(visible, infrared))


@pytest.fixture(scope="module")
def images(scene: Images) -> Images:
    """The scene, mirrored on to a size that every metric is defined for."""
    fused, visible, infrared = (np.pad(image, ((0, 112), (0, 105)), "symmetric") for image in scene)
    return fused, visible, infrared


@pytest.mark.parametrize("name", NAMES)
def test_the_plugin_is_registered_under_the_name_on_its_card(name):
    assert METRICS[name].card.name == name


@pytest.mark.parametrize("name", NAMES)
def test_the_card_tells_a_newcomer_what_the_metric_is(name):
    card = METRICS[name].card
    assert all((card.title, card.label, card.summary, card.reference, card.version, card.flat))
    assert card.value_range[0] < card.value_range[1]


@pytest.mark.parametrize("name", NAMES)
def test_the_documentation_has_a_row_for_it(name):
    assert f"| `{name}` |" in (REPOSITORY / "docs" / "metrics.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_the_value_lies_in_the_range_on_the_card(name, images):
    low, high = METRICS[name].card.value_range
    assert low <= value(name, *images) <= high


@pytest.mark.parametrize("name", GREY)
def test_the_card_says_truly_what_the_metric_looks_at(name, images):
    fused, visible, infrared = images
    upside_down = np.ascontiguousarray(visible[::-1]) // 2
    before = METRICS[name].measure(wrapped(fused), sources_of(visible, infrared))
    sources_moved = METRICS[name].measure(wrapped(fused), sources_of(upside_down, infrared, visible))
    output_moved = METRICS[name].measure(wrapped(fused), sources_of(visible, infrared, upside_down))
    looks_at = {
        "fused": (False, False),
        "sources": (True, False),
        "clean_output": (False, True),
    }
    assert (sources_moved != before, output_moved != before) == looks_at[METRICS[name].card.compares]


@pytest.fixture(scope="module")
def improved_by_noise(shared: Path) -> dict[str, float]:
    """Share of twelve real pairs whose average, by each metric, is better with noise of 25 levels added."""
    root = shared / "reference" / "sgafusion_outputs"
    pairs = [(path, root / path.parts[-3] / "Inf" / path.name) for path in sorted(root.glob("*/Vis/*"))]
    improved = dict.fromkeys(NAMES, 0)
    for paths in pairs:
        visible, infrared = (to_grey(read_visible(path))[120:360, 160:480] for path in paths)
        smooth = ((visible.astype(int) + infrared) // 2).astype(np.uint8)
        noise = np.random.default_rng(3).normal(0, 25, smooth.shape)
        noisy = np.clip(smooth + noise, 0, 255).astype(np.uint8)
        sources = sources_of(visible, infrared, smooth)
        for name, metric in METRICS.items():
            gain = metric.measure(wrapped(noisy), sources) - metric.measure(wrapped(smooth), sources)
            improved[name] += (gain if metric.card.direction == "higher" else -gain) > 0
    return {name: count / len(pairs) for name, count in improved.items()}


@pytest.mark.parametrize("name", NAMES)
def test_the_card_says_truly_whether_noise_is_rewarded(name, improved_by_noise):
    assert (improved_by_noise[name] >= 0.75) == METRICS[name].card.rewards_noise


def test_values_do_not_depend_on_the_order_in_which_shared_statistics_were_kept(images):
    fused, visible, infrared = images
    expected = {name: value(name, *images) for name in NAMES}
    for seed in range(4):
        order = [str(name) for name in np.random.default_rng(seed).permutation(NAMES)]
        sources = sources_of(visible, infrared)
        other = wrapped(visible)
        for name in order:
            METRICS[name].measure(other, sources)
        image = wrapped(fused)
        assert {name: METRICS[name].measure(image, sources) for name in order} == expected


@pytest.mark.parametrize("name", GREY)
def test_the_grey_image_is_measured_and_not_the_colour_one(name, images):
    fused, visible, infrared = images
    colour = np.random.default_rng(4).integers(0, 256, (*fused.shape, 3), dtype=np.uint8)
    sources = SourceImages(MeasuredImage(colour, visible), wrapped(infrared), MeasuredImage(colour, visible))
    assert METRICS[name].measure(MeasuredImage(colour, fused), sources) == value(name, *images)


@pytest.mark.parametrize("name", NAMES)
def test_the_memory_layout_of_an_image_does_not_change_its_value(name, images):
    columns_first = tuple(np.asfortranarray(image) for image in images)
    assert value(name, *columns_first) == value(name, *images)


@pytest.mark.parametrize("name", NAMES)
def test_an_image_of_the_minimum_size_on_the_card_has_a_value(name):
    size = METRICS[name].card.minimum_size
    images = np.random.default_rng(5).integers(0, 256, (3, size, size), dtype=np.uint8)
    assert math.isfinite(value(name, *images))


@pytest.mark.parametrize("name", GREY)
@pytest.mark.parametrize("shape", [(-1, 0), (0, -1)], ids=["too-low", "too-narrow"])
def test_an_image_below_the_minimum_size_is_refused_naming_that_size(name, shape):
    size = METRICS[name].card.minimum_size
    images = np.zeros((3, size + shape[0], size + shape[1]), dtype=np.uint8)
    with pytest.raises(ValueError, match=rf"fused: is .* needs at least {size}x{size} pixels"):
        value(name, *images)


@pytest.mark.parametrize("name", GREY)
@pytest.mark.parametrize(
    "bad",
    [np.zeros((200, 200)), np.zeros((200, 200), np.uint16), np.zeros((200, 200, 3), np.uint8)],
    ids=["float", "16-bit", "colour"],
)
def test_an_image_that_is_not_grey_8_bit_is_refused(name, bad):
    good = np.zeros((200, 200), np.uint8)
    with pytest.raises(ValueError, match="fused: expected a grey uint8 image"):
        value(name, bad, good, good)


@pytest.mark.parametrize("name", OF_SOURCES)
def test_a_source_of_another_size_is_refused(name):
    good, wide = np.zeros((200, 200), np.uint8), np.zeros((200, 201), np.uint8)
    with pytest.raises(ValueError, match="infrared: is 201x200 but fused is 200x200"):
        value(name, good, good, wide)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("level", [0, 1, 128, 254, 255])
def test_a_constant_fused_image_has_a_finite_value_in_the_range_on_the_card(name, level, images):
    flat = np.full_like(images[0], level)
    low, high = METRICS[name].card.value_range
    assert low <= value(name, flat, *images[1:]) <= high


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("level", [0, 77, 255])
def test_constant_sources_give_a_value_in_the_range_or_openly_none(name, level, images):
    flat = np.full_like(images[0], level)
    low, high = METRICS[name].card.value_range
    for sources in ((flat, images[2]), (images[1], flat), (flat, flat)):
        found = value(name, images[0], *sources)
        assert math.isnan(found) or low <= found <= high
        assert not math.isnan(found) or "no value" in METRICS[name].card.flat
