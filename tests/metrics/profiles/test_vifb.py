"""The profile of VIFB: means over colour channels, and its own formulas worked out differently."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from fusionbench.contracts import MeasuredImage, SourceImages
from fusionbench.images import read_visible, to_grey
from fusionbench_metrics.profiles.channels import averaged_over_channels, channels
from fusionbench_metrics.profiles.convention import Convention
from fusionbench_metrics.profiles.vifb import Vifb
from fusionbench_metrics.qabf import EdgePreservation

Image = NDArray[np.uint8]
Scene = tuple[Image, Image, Image]
Measure = Callable[..., float]

METRICS = Vifb().metrics

NAMES = ["ce", "en", "mi", "psnr", "ag", "ei", "qabf", "sd", "sf", "rmse", "ssim", "qcb", "qcv"]

FUSED_ALONE = {"en", "ag", "ei", "sd", "sf"}

ORACLE = {
    ("vifb_matlab_octave_gray", "Avg_gradient"): ("ag", 1e-9),
    ("vifb_matlab_octave_gray", "Entropy"): ("en", 1e-9),
    ("vifb_matlab_octave_gray", "Psnr"): ("psnr", 1e-9),
    ("vifb_matlab_octave_gray", "Qabf_vectorised_equiv"): ("qabf", 1e-9),
    ("vifb_matlab_octave_gray", "Qcb"): ("qcb", 1e-9),
    ("vifb_matlab_octave_gray", "Qcv"): ("qcv", 1e-9),
    ("vifb_matlab_octave_gray", "Rmse"): ("rmse", 1e-9),
    ("vifb_matlab_octave_gray", "Ssim"): ("ssim", 1e-9),
    ("vifb_matlab_octave_gray", "Variance"): ("sd", 1e-9),
    ("bfliu", "Cross_entropy"): ("ce", 1e-9),
    ("bfliu", "Psnr"): ("psnr", 1e-9),
    ("topanxal", "EI"): ("ei", 1e-9),
    ("topanxal", "SF"): ("sf", 1e-7),  # float32
}
"""Rows of the oracle by implementation and name there: ours, and the relative tolerance."""


def measured(image: Image) -> MeasuredImage:
    return MeasuredImage(image, to_grey(image))


def measure(name: str, fused: Image, visible: Image, infrared: Image) -> float:
    sources = SourceImages(measured(visible), measured(infrared))
    return METRICS[name].measure(measured(fused), sources)


@pytest.fixture(scope="module")
def colour(scene: Scene) -> Scene:
    """A fused and a visible image in colour, and an infrared one without."""
    fused, visible, infrared = scene
    return (
        np.stack([fused, fused[::-1], 255 - fused // 2], axis=-1),
        np.stack([visible, visible // 2 + 20, visible[:, ::-1]], axis=-1),
        infrared,
    )


def test_the_metrics_are_those_of_the_benchmark_in_its_order() -> None:
    assert list(METRICS) == NAMES
    assert [metric.card.name for metric in METRICS.values()] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_metric_says_how_it_differs_from_the_canonical_one(name: str) -> None:
    metric = METRICS[name]
    assert isinstance(metric, Convention)
    assert "RGB channels" in metric.card.difference
    assert not metric.card.core
    assert metric.card.example is not None


@pytest.mark.parametrize("name", NAMES)
def test_a_colour_image_has_the_mean_of_its_channels(name: str, colour: Scene) -> None:
    fused, visible, infrared = colour
    by_hand = [measure(name, fused[..., index], visible[..., index], infrared) for index in range(3)]
    assert len(set(by_hand)) > 1
    assert measure(name, *colour) == pytest.approx(sum(by_hand) / 3, rel=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_three_equal_channels_have_exactly_the_value_of_one(name: str, scene: Scene) -> None:
    tripled = (np.stack([image] * 3, axis=-1) for image in scene)
    assert measure(name, *tripled) == measure(name, *scene)


def test_a_grey_fused_image_stands_beside_every_channel_of_its_sources(scene: Scene, colour: Scene) -> None:
    fused, infrared = scene[0], scene[2]
    by_hand = [measure("mi", fused, colour[1][..., index], infrared) for index in range(3)]
    assert measure("mi", fused, *colour[1:]) == pytest.approx(sum(by_hand) / 3, rel=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_the_colour_of_the_sources_matters_only_to_what_looks_at_them(
    name: str, scene: Scene, colour: Scene
) -> None:
    unchanged = measure(name, scene[0], *colour[1:]) == measure(name, *scene)
    assert unchanged == (name in FUSED_ALONE)


def test_the_channels_of_an_image_are_split_once(colour: Scene) -> None:
    image = measured(colour[0])
    first = channels(image)
    assert [channel.grey.tolist() for channel in first] == np.moveaxis(colour[0], -1, 0).tolist()
    assert all(again is before for again, before in zip(channels(image), first, strict=True))


def test_an_image_without_colour_is_its_only_channel(scene: Scene) -> None:
    for pixels in (scene[0], np.stack([scene[0]] * 3, axis=-1)):
        image = measured(pixels)
        assert channels(image) == (image,)


def test_one_channel_without_a_value_leaves_the_image_without_one(colour: Scene) -> None:
    fused, visible, infrared = colour
    one_black = visible.copy()
    one_black[..., 1] = 0
    formula = averaged_over_channels(EdgePreservation())
    black = np.zeros_like(infrared)
    assert math.isnan(formula(measured(fused), SourceImages(measured(one_black), measured(black))))
    assert math.isfinite(formula(measured(fused), SourceImages(measured(one_black), measured(infrared))))


@pytest.mark.parametrize("name", NAMES)
def test_statistics_kept_with_the_sources_give_the_value_of_fresh_ones(name: str, colour: Scene) -> None:
    sources = SourceImages(measured(colour[1]), measured(colour[2]))
    METRICS[name].measure(measured(255 - colour[0]), sources)
    assert METRICS[name].measure(measured(colour[0]), sources) == measure(name, *colour)


def test_rmse_is_the_root_of_the_sum_over_the_pixel_count(scene: Scene) -> None:
    fused, visible, infrared = (image.astype(float) for image in scene)
    expected = (np.linalg.norm(fused - visible) + np.linalg.norm(fused - infrared)) / (2 * fused.size)
    assert measure("rmse", *scene) == pytest.approx(expected, rel=1e-13)


def test_rmse_falls_to_half_when_the_image_is_tiled_twice_both_ways(scene: Scene) -> None:
    tiled = (np.tile(image, (2, 2)) for image in scene)
    assert measure("rmse", *tiled) == pytest.approx(measure("rmse", *scene) / 2, rel=1e-13)


def test_either_source_and_their_average_have_the_same_rmse_and_no_image_a_lower_one(scene: Scene) -> None:
    # Even differences, so that the average of both is a grey level.
    fused, visible, infrared = (image // 4 * 4 for image in scene)
    average = ((visible.astype(int) + infrared) // 2).astype(np.uint8)
    lowest = measure("rmse", average, visible, infrared)
    for source in (visible, infrared):
        assert measure("rmse", source, visible, infrared) == pytest.approx(lowest, rel=1e-13)
        assert measure("psnr", source, visible, infrared) == pytest.approx(
            measure("psnr", average, visible, infrared), rel=1e-13
        )
    assert measure("rmse", fused, visible, infrared) > lowest


def test_black_against_white_has_an_rmse_of_255_over_the_root_of_the_pixels() -> None:
    black, white = np.zeros((4, 9), np.uint8), np.full((4, 9), 255, np.uint8)
    assert measure("rmse", black, white, white) == pytest.approx(255 / 6, rel=1e-14)
    one = black[:1, :1]
    assert measure("rmse", one, one + 255, one + 255) == 255
    assert measure("psnr", one, one + 255, one + 255) == pytest.approx(METRICS["psnr"].card.value_range[0])


def test_psnr_takes_rmse_for_the_squared_error(scene: Scene) -> None:
    expected = 20 * math.log10(255 / math.sqrt(measure("rmse", *scene)))
    assert measure("psnr", *scene) == pytest.approx(expected, rel=1e-13)


def test_three_equal_images_have_the_ceiling_as_psnr(scene: Scene) -> None:
    assert measure("psnr", scene[0], scene[0], scene[0]) == 100
    assert measure("rmse", scene[0], scene[0], scene[0]) == 0


def test_mutual_information_is_in_nats_and_the_same_of_stretched_images(scene: Scene) -> None:
    narrow = [image // 3 + 40 for image in scene]
    nats = 0.0
    for source in narrow[1:]:
        # Every image stretched to 0..255 and rounded, as the code base does before it counts.
        pair = [np.round(255.0 * (x - x.min()) / np.ptp(x)).ravel() for x in (source, narrow[0])]
        joint = np.histogram2d(*pair, bins=np.arange(257) - 0.5)[0] / source.size
        independent = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
        there = joint > 0
        nats += float((joint[there] * np.log(joint[there] / independent[there])).sum())
    assert measure("mi", *narrow) == pytest.approx(nats, rel=1e-12)


def test_the_gradient_is_divided_by_the_inner_pixels(scene: Scene) -> None:
    vertical, horizontal = np.gradient(scene[0].astype(float))
    total = np.sqrt((horizontal**2 + vertical**2) / 2).sum()
    assert measure("ag", *scene) == pytest.approx(total / (63 * 74), rel=1e-12)


def test_spatial_frequency_divides_both_sums_by_all_pixels(scene: Scene) -> None:
    image = scene[0].astype(float)
    squares = (np.diff(image, axis=0) ** 2).sum() + (np.diff(image, axis=1) ** 2).sum()
    assert measure("sf", *scene) == pytest.approx(math.sqrt(squares / image.size), rel=1e-13)


def test_an_image_is_similar_to_itself_by_one_for_each_source(scene: Scene) -> None:
    assert measure("ssim", scene[0], scene[0], scene[0]) == pytest.approx(2, abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_constant_fused_image_has_a_finite_value(name: str, level: int, scene: Scene) -> None:
    assert math.isfinite(measure(name, np.full_like(scene[0], level), *scene[1:]))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("level", [0, 200])
def test_three_constant_images_have_a_value_unless_nothing_is_salient_or_has_an_edge(
    name: str, level: int, scene: Scene
) -> None:
    flat = np.full_like(scene[0], level)
    without = name == "qcv" or (name == "qabf" and level == 0)
    assert math.isnan(measure(name, flat, flat, flat)) == without


@pytest.mark.parametrize("name", NAMES)
def test_the_value_lies_in_the_range_on_the_card(name: str, colour: Scene) -> None:
    low, high = METRICS[name].card.value_range
    assert low <= measure(name, *colour) <= high


@pytest.mark.parametrize("name", NAMES)
def test_an_image_of_the_minimum_size_has_a_value_and_a_smaller_one_none(name: str) -> None:
    size = METRICS[name].card.minimum_size
    images = np.random.default_rng(8).integers(0, 256, (3, size, size), dtype=np.uint8)
    assert math.isfinite(measure(name, *images))
    with pytest.raises(ValueError, match=f"fused: is .* needs at least {size}x{size} pixels"):
        measure(name, *images[:, 1:])


@pytest.mark.parametrize(("implementation", "theirs"), ORACLE, ids="-".join)
def test_values_of_grey_images_are_those_of_public_implementations(
    implementation: str, theirs: str, shared: Path, fusions: Mapping[tuple[str, str], Scene]
) -> None:
    name, tolerance = ORACLE[implementation, theirs]
    table = pd.read_csv(shared / "oracle" / "metrics.csv", dtype=str)
    rows = table[(table["implementation"] == implementation) & (table["metric"] == theirs)]
    assert len(rows) == 12
    found = [measure(name, *fusions[row.dataset, row.image]) for row in rows.itertuples()]
    np.testing.assert_allclose(found, rows["value"].astype(float), rtol=tolerance, atol=0)


@pytest.fixture(scope="module")
def fusions(shared: Path) -> Mapping[tuple[str, str], Scene]:
    """Fused, visible and infrared image of every real pair, grey."""
    root = shared / "reference" / "sgafusion_outputs"

    def read(dataset: str, part: str, image: str) -> Image:
        (path,) = (root / dataset / part).glob(f"{image}.*")
        return to_grey(read_visible(path))

    return {
        (path.parts[-3], path.stem): (
            read(path.parts[-3], "Ours", path.stem),
            read(path.parts[-3], "Vis", path.stem),
            read(path.parts[-3], "Inf", path.stem),
        )
        for path in sorted(root.glob("*/Ours/*"))
    }
