"""The CDDFuse profile: its own formulas, worked out differently, and what it takes over."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from fusionbench.contracts import MeasuredImage, Metric, SourceImages
from fusionbench_metrics.profiles.cddfuse import CDDFuse, summed_uniform_similarity
from fusionbench_metrics.profiles.convention import Convention

Image = NDArray[np.uint8]
Scene = tuple[Image, Image, Image]
Measure = Callable[..., float]

NAMES = [
    "en",
    "sd",
    "sf",
    "ag",
    "mi",
    "mse",
    "psnr",
    "cc",
    "scd",
    "vif",
    "qabf",
    "ssim",
    "ssim_l255",
]


@pytest.fixture(scope="module")
def metrics() -> Mapping[str, Metric]:
    return CDDFuse().metrics


@pytest.fixture(scope="module")
def measure(metrics: Mapping[str, Metric]) -> Measure:
    def from_scratch(name: str, fused: Image, visible: Image, infrared: Image) -> float:
        sources = SourceImages(MeasuredImage(visible, visible), MeasuredImage(infrared, infrared))
        return metrics[name].measure(MeasuredImage(fused, fused), sources)

    return from_scratch


def windowed_similarity(first: Image, second: Image, level_range: float) -> float:
    """SSIM over all 7x7 windows, one at a time, in float64."""
    c1, c2 = (0.01 * level_range) ** 2, (0.03 * level_range) ** 2
    values = []
    for row in range(first.shape[0] - 6):
        for column in range(first.shape[1] - 6):
            window = np.s_[row : row + 7, column : column + 7]
            (first_variance, covariance), (_, second_variance) = np.cov(
                first[window].ravel(), second[window].ravel()
            )
            first_mean, second_mean = first[window].mean(), second[window].mean()
            luminance = (2 * first_mean * second_mean + c1) / (first_mean**2 + second_mean**2 + c1)
            structure = (2 * covariance + c2) / (first_variance + second_variance + c2)
            values.append(luminance * structure)
    return float(np.mean(values))


def test_the_metrics_stand_in_the_order_of_the_evaluator(metrics: Mapping[str, Metric]) -> None:
    assert list(metrics) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_metric_of_its_own_says_how_it_differs_and_no_other_does(
    name: str, metrics: Mapping[str, Metric]
) -> None:
    own = name in {"mi", "psnr", "ssim", "ssim_l255"}
    assert isinstance(metrics[name], Convention) == own
    assert bool(metrics[name].card.difference) == own


def test_mutual_information_is_in_nats(measure: Measure, scene: Scene) -> None:
    fused, visible, infrared = scene
    nats = 0.0
    for source in (visible, infrared):
        joint = np.histogram2d(source.ravel(), fused.ravel(), bins=range(257))[0] / fused.size
        independent = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
        there = joint > 0
        nats += float((joint[there] * np.log(joint[there] / independent[there])).sum())
    assert measure("mi", *scene) == pytest.approx(nats, rel=1e-12)


def test_the_brightest_fused_pixel_is_the_peak(measure: Measure, scene: Scene) -> None:
    fused, visible, infrared = scene
    dark = fused // 2
    error = sum(((dark - source.astype(float)) ** 2).mean() for source in (visible, infrared)) / 2
    assert dark.max() < 255
    expected = 20 * math.log10(dark.max()) - 10 * math.log10(error)
    assert measure("psnr", dark, visible, infrared) == pytest.approx(expected, rel=1e-12)


def test_a_black_image_has_no_peak_and_no_value(measure: Measure, scene: Scene) -> None:
    assert math.isnan(measure("psnr", np.zeros_like(scene[0]), *scene[1:]))


def test_three_equal_images_have_the_ceiling_as_psnr(measure: Measure, scene: Scene) -> None:
    assert measure("psnr", scene[0], scene[0], scene[0]) == 100


@pytest.mark.parametrize(("name", "level_range"), [("ssim", 2), ("ssim_l255", 255)])
def test_similarity_is_the_sum_of_plain_windows_with_sample_covariance(
    name: str, level_range: float, measure: Measure, scene: Scene
) -> None:
    fused, visible, infrared = (image[14:44, 20:50] for image in scene)
    expected = sum(windowed_similarity(source, fused, level_range) for source in (visible, infrared))
    # Its variances are float32.
    assert measure(name, fused, visible, infrared) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", ["ssim", "ssim_l255"])
def test_an_image_is_similar_to_itself_by_one_for_each_source(
    name: str, measure: Measure, scene: Scene
) -> None:
    flat = np.full_like(scene[0], 77)
    assert measure(name, scene[0], scene[0], scene[0]) == pytest.approx(2, abs=1e-6)
    assert measure(name, flat, flat, flat) == pytest.approx(2, abs=1e-6)


def test_an_image_smaller_than_a_window_of_similarity_is_refused() -> None:
    small = np.zeros((6, 9), np.uint8)
    with pytest.raises(ValueError, match="fused: is 9x6, but this metric needs at least 7x7"):
        summed_uniform_similarity(small, small, small, 255)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "psnr"])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_constant_fused_image_has_a_finite_value(
    name: str, level: int, measure: Measure, scene: Scene
) -> None:
    assert math.isfinite(measure(name, np.full_like(scene[0], level), *scene[1:]))


@pytest.mark.parametrize("name", NAMES)
def test_the_value_lies_in_the_range_on_the_card(
    name: str, metrics: Mapping[str, Metric], measure: Measure, scene: Scene
) -> None:
    low, high = metrics[name].card.value_range
    assert low <= measure(name, *scene) <= high
