"""The profile of Tang's toolbox: its own formulas, worked out differently, and what it takes over."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from fusionbench.contracts import MeasuredImage, Metric, SourceImages
from fusionbench_metrics.histogram import joint_histogram
from fusionbench_metrics.mef_ms_ssim import MultiExposureSimilarity
from fusionbench_metrics.mi import mutual_information
from fusionbench_metrics.nabf import fusion_artifacts
from fusionbench_metrics.profiles.convention import Convention
from fusionbench_metrics.profiles.tang import Tang, merged_brightest

Image = NDArray[np.uint8]
Scene = tuple[Image, Image, Image]
Measure = Callable[..., float]

NAMES = [
    "en",
    "sf",
    "sd",
    "psnr",
    "mse",
    "mi",
    "vif",
    "ag",
    "cc",
    "scd",
    "qabf",
    "ssim",
    "ms_ssim",
    "nabf",
    "fmi_dct",
    "ssim_l255",
]

OWN = {"psnr", "mse", "mi", "ag", "ssim", "ms_ssim", "nabf", "ssim_l255"}


@pytest.fixture(scope="module")
def metrics() -> Mapping[str, Metric]:
    return Tang().metrics


@pytest.fixture(scope="module")
def measure(metrics: Mapping[str, Metric]) -> Measure:
    def from_scratch(name: str, fused: Image, visible: Image, infrared: Image) -> float:
        sources = SourceImages(MeasuredImage(visible, visible), MeasuredImage(infrared, infrared))
        return metrics[name].measure(MeasuredImage(fused, fused), sources)

    return from_scratch


def unit_error(fused: Image, visible: Image, infrared: Image) -> float:
    """Mean squared error of images in 0..1, averaged over the sources."""
    return sum(((fused / 255 - source / 255) ** 2).mean() for source in (visible, infrared)) / 2


def entropy_of(*images: Image) -> float:
    """Entropy in bits of the tuples of levels at each pixel."""
    counts = np.unique(np.stack([image.ravel() for image in images]), axis=1, return_counts=True)[1]
    share = counts / counts.sum()
    return float(-(share * np.log2(share)).sum())


def similarity_at_every_pixel(source: Image, fused: Image, level_range: float) -> float:
    """MATLAB's ssim: Gaussian means of the whole image, edge pixels repeated."""

    def local_mean(image: NDArray[np.float64]) -> NDArray[np.float64]:
        return gaussian_filter(image, 1.5, mode="nearest", radius=5)

    x, y = source.astype(float), fused.astype(float)
    x_mean, y_mean = local_mean(x), local_mean(y)
    x_variance, y_variance = local_mean(x * x) - x_mean**2, local_mean(y * y) - y_mean**2
    covariance = local_mean(x * y) - x_mean * y_mean
    c1, c2 = (0.01 * level_range) ** 2, (0.03 * level_range) ** 2
    luminance = (2 * x_mean * y_mean + c1) / (x_mean**2 + y_mean**2 + c1)
    return float((luminance * (2 * covariance + c2) / (x_variance + y_variance + c2)).mean())


def test_the_metrics_stand_in_the_order_of_the_toolbox(metrics: Mapping[str, Metric]) -> None:
    assert list(metrics) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_metric_of_its_own_says_how_it_differs_and_no_other_does(
    name: str, metrics: Mapping[str, Metric]
) -> None:
    assert isinstance(metrics[name], Convention) == (name in OWN)
    assert bool(metrics[name].card.difference) == (name in OWN)


def test_mse_is_of_images_from_0_to_1(measure: Measure, scene: Scene) -> None:
    assert measure("mse", *scene) == pytest.approx(unit_error(*scene), rel=1e-12)


def test_psnr_sets_a_peak_of_255_against_an_error_of_images_from_0_to_1(
    measure: Measure, scene: Scene
) -> None:
    expected = 20 * math.log10(255 / math.sqrt(unit_error(*scene)))
    assert measure("psnr", *scene) == pytest.approx(expected, rel=1e-12)


def test_psnr_of_three_equal_images_is_a_ceiling_and_not_infinite(measure: Measure, scene: Scene) -> None:
    assert measure("psnr", scene[0], scene[0], scene[0]) == pytest.approx(148.1308, abs=1e-4)


def test_merging_the_brightest_levels_is_counting_255_as_254() -> None:
    random = np.random.default_rng(8)
    first, second = random.integers(250, 256, (2, 40, 40), dtype=np.uint8)
    merged = joint_histogram(np.minimum(first, 254), np.minimum(second, 254))
    np.testing.assert_array_equal(merged_brightest(joint_histogram(first, second)), merged)


def test_mi_merges_levels_254_and_255_in_the_joint_histogram_alone(measure: Measure, scene: Scene) -> None:
    fused, visible, infrared = (np.where(image > 253, image, 250 + image % 6).astype("u1") for image in scene)
    expected = sum(
        entropy_of(source)
        + entropy_of(fused)
        - entropy_of(np.minimum(source, np.uint8(254)), np.minimum(fused, np.uint8(254)))
        for source in (visible, infrared)
    )
    found = measure("mi", fused, visible, infrared)
    assert found == pytest.approx(expected, rel=1e-12)
    assert found > 1.01 * mutual_information(fused, visible, infrared)


def test_mi_is_the_canonical_one_where_no_pixel_is_white(measure: Measure, scene: Scene) -> None:
    dark = tuple(image // 2 for image in scene)
    assert measure("mi", *dark) == mutual_information(*dark)


def test_mi_stays_below_the_bound_on_the_card_where_it_is_reached(
    measure: Measure, metrics: Mapping[str, Metric]
) -> None:
    # 254 levels once, and 254 and 255 twice each, in three equal images.
    levels = np.array([[*range(254), 254, 254, 255, 255]], np.uint8)
    assert measure("mi", levels, levels, levels) == pytest.approx(
        metrics["mi"].card.value_range[1], rel=1e-12
    )


def test_ag_divides_the_sum_over_all_pixels_by_fewer(measure: Measure, scene: Scene) -> None:
    height, width = scene[0].shape
    vertical, horizontal = np.gradient(scene[0].astype(float))
    total = np.sqrt((horizontal**2 + vertical**2) / 2).sum()
    assert measure("ag", *scene) == pytest.approx(total / ((height - 1) * (width - 1)), rel=1e-12)


@pytest.mark.parametrize(("name", "level_range"), [("ssim", 1), ("ssim_l255", 255)])
def test_similarity_takes_windows_at_every_pixel(
    name: str, level_range: float, measure: Measure, scene: Scene
) -> None:
    fused, *sources = scene
    expected = sum(similarity_at_every_pixel(source, fused, level_range) for source in sources) / 2
    assert measure(name, *scene) == pytest.approx(expected, rel=1e-9)


def test_nabf_scores_the_infrared_image(measure: Measure, scene: Scene) -> None:
    fused, visible, infrared = scene
    assert measure("nabf", *scene) == fusion_artifacts(infrared, visible, fused)
    assert measure("nabf", *scene) != pytest.approx(fusion_artifacts(*scene), rel=0.1)


def test_ms_ssim_is_the_one_for_exposure_fusion(metrics: Mapping[str, Metric]) -> None:
    random = np.random.default_rng(9)
    fused, visible, infrared = (
        MeasuredImage(image, image) for image in random.integers(0, 256, (3, 170, 170), dtype=np.uint8)
    )
    sources = SourceImages(visible, infrared)
    expected = MultiExposureSimilarity().measure(fused, sources)
    assert metrics["ms_ssim"].measure(fused, sources) == expected
    assert metrics["ms_ssim"].card.name == "ms_ssim"


@pytest.mark.parametrize("name", [name for name in NAMES if name != "ms_ssim"])
@pytest.mark.parametrize("level", [0, 128, 254, 255])
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
