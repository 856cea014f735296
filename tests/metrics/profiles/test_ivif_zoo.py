"""The profile of IVIF_ZOO: its own formulas, worked out differently, and what it takes over."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from scipy.signal import convolve2d
from skimage.metrics import structural_similarity as skimage_similarity

from fusionbench.contracts import MeasuredImage, SourceImages
from fusionbench.images import read_visible, to_grey
from fusionbench_metrics.profiles.convention import Convention
from fusionbench_metrics.profiles.ivif_zoo import IvifZoo, off_centre_taps, sigmoid_cross_entropies

Image = NDArray[np.uint8]
Array = NDArray[np.float64]
Scene = tuple[Image, Image, Image]

METRICS = IvifZoo().metrics

CANONICAL = {"mi", "qabf", "scd", "sd", "sf", "ag", "cc"}

FUSED_ALONE = {"ei", "en", "sd", "sf", "ag"}

FLOAT32 = 1e-7

ORACLE = {
    "AG": 2e-7,
    "CC": 3e-7,
    "CE": 6e-5,  # 1 - sigmoid is a few units of float32 for dark levels; 6e-7 absolute
    "EI": FLOAT32,
    "EN": FLOAT32,
    "MI": 1e-9,
    "MSE": 2e-7,
    "MS_SSIM": 4e-4,  # local variances in float32 of levels 0..65025: noise where images are flat
    "NMI": FLOAT32,
    "Nabf": 1e-9,
    "PSNR": FLOAT32,
    "QNCIE": FLOAT32,
    "Qabf": FLOAT32,
    "Qcb": 1e-4,  # Fourier transform in float32: the contrast of black areas is a ratio of its noise
    "Qy": 1e-9,
    "SCD": 2e-7,
    "SD": FLOAT32,
    "SF": FLOAT32,
    "SSIM": 1e-3,  # as MS_SSIM
    "TE": 4e-7,
    "VIF": 1e-4,  # local variances in float32
}
"""Names in the oracle, and the relative tolerance; without a reason, what float32 sums keep."""


def measured(fused: Image, visible: Image, infrared: Image) -> tuple[MeasuredImage, SourceImages]:
    images = [MeasuredImage(image, image) for image in (fused, visible, infrared)]
    return images[0], SourceImages(images[1], images[2])


def measure(name: str, *scene: Image) -> float:
    return METRICS[name].measure(*measured(*scene))


def entropy_of(image: Image) -> float:
    share = np.unique(image, return_counts=True)[1] / image.size
    return float(-(share * np.log2(share)).sum())


def mutual_information_of(first: Image, second: Image) -> float:
    joint = np.histogram2d(first.ravel(), second.ravel(), bins=range(257))[0] / first.size
    independent = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
    there = joint > 0
    return float((joint[there] * np.log2(joint[there] / independent[there])).sum())


def binary_cross_entropy(fused: Image, source: Image) -> float:
    """Pixel by pixel."""
    one, least = np.float32(1), np.float32(1e-7)
    total = 0.0
    for level, wanted in zip(fused.ravel(), source.ravel(), strict=True):
        p, t = (
            float(min(max(one / (one + np.exp(-np.float32(x))), least), one - least)) for x in (level, wanted)
        )
        total -= t * math.log(p) + (1 - t) * math.log(1 - p)
    return total / fused.size


def artifacts(fused: Image, visible: Image, infrared: Image) -> float:
    """Kumar's Nabf where only edges of strength 2 or more weigh."""

    def edges(image: Image) -> tuple[Array, Array]:
        across, down = (ndimage.sobel(image.astype(float), axis, mode="mirror") / 8 for axis in (1, 0))
        with np.errstate(divide="ignore", invalid="ignore"):
            angle = np.where(across == 0, math.pi / 2, np.arctan(-down / across))
        return np.hypot(across, down), angle

    (strength, angle), *sources = (edges(image) for image in (fused, visible, infrared))
    above = (strength > sources[0][0]) & (strength > sources[1][0])
    added = total = 0.0
    for other, other_angle in sources:
        strongest = np.maximum(strength, other)
        ratio = np.minimum(strength, other) / np.where(strongest > 0, strongest, 1)
        agreement = np.abs(np.abs(other_angle - angle) - math.pi / 2) * 2 / math.pi
        quality = np.sqrt(
            0.9999 / (1 + np.exp(-19 * (ratio - 0.5))) * 0.9995 / (1 + np.exp(-22 * (agreement - 0.5)))
        )
        weight = np.where(other >= 2, other**1.5, 0)
        added += (weight * (1 - quality) * above).sum()
        total += weight.sum()
    return float(added / total)


def fidelity(source: Image, fused: Image) -> float:
    """VIFp with windows one tap off their centre and zeros beyond the border."""
    reference, image = source.astype(float), fused.astype(float)
    passed = contained = 0.0
    for scale, size in enumerate((17, 9, 5, 3)):
        position = np.linspace(-(size + 1) // 2, (size - 1) // 2, size)
        window = np.exp(-(position[:, None] ** 2 + position**2) / (2 * (size / 5) ** 2))
        window /= window.sum()

        def mean(values: Array, window: Array = window) -> Array:
            # A convolution turns the window round, which counts here.
            blurred: Array = convolve2d(values, window[::-1, ::-1], mode="same")
            return blurred

        if scale > 0:
            reference, image = mean(reference)[::2, ::2], mean(image)[::2, ::2]
        variance = np.maximum(mean(reference**2) - mean(reference) ** 2, 0)
        other = np.maximum(mean(image**2) - mean(image) ** 2, 0)
        gain = (mean(reference * image) - mean(reference) * mean(image)) / (variance + 1e-10)
        distortion = other - gain * gain * (variance + 1e-10)
        gain[(variance < 1e-10) | (other < 1e-10)] = 0
        gain = np.maximum(gain, 0)
        passed += float(np.log10(1 + gain**2 * variance / (np.maximum(distortion, 1e-10) + 2)).sum())
        contained += float(np.log10(1 + variance / 2).sum())
    return passed / contained


def multi_scale_similarity(source: Image, fused: Image) -> float:
    """Wang's five scales with L = 1 for levels 0..255, for images whose sides halve evenly."""
    gaussian = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(gaussian, gaussian) / gaussian.sum() ** 2
    x, y, product = source.astype(float), fused.astype(float), 1.0
    for scale, exponent in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        if scale > 0:
            x, y = (z.reshape(len(z) // 2, 2, -1, 2).mean(axis=(1, 3)) for z in (x, y))
        m, n, xx, yy, xy = (convolve2d(z, window, mode="valid") for z in (x, y, x * x, y * y, x * y))
        contrast = (2 * (xy - m * n) + 0.03**2) / (xx - m * m + yy - n * n + 0.03**2)
        luminance = (2 * m * n + 0.01**2) / (m * m + n * n + 0.01**2)
        product *= float((contrast * luminance if scale == 4 else contrast).mean()) ** exponent
    return product


def test_the_metrics_have_the_names_on_their_cards() -> None:
    names = [
        "ce",
        "ei",
        "en",
        "te",
        "mi",
        "nmi",
        "mse",
        "psnr",
        "nabf",
        "qncie",
        "qabf",
        "qcb",
        "qy",
        "scd",
        "sd",
        "sf",
        "ssim",
        "ms_ssim",
        "vif",
        "ag",
        "cc",
    ]
    assert list(METRICS) == names
    assert [metric.card.name for metric in METRICS.values()] == names


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_the_canonical_one_or_says_how_it_differs(name: str) -> None:
    metric = METRICS[name]
    assert isinstance(metric, Convention) == (name not in CANONICAL)
    assert bool(metric.card.difference) == (name not in CANONICAL)
    assert metric.card.example is not None


FORMULAS: dict[str, Callable[[Image, Image, Image], float]] = {
    "en": lambda f, v, i: float(
        -sum(p * math.log2(p + 1e-7) for p in np.unique(f, return_counts=True)[1] / f.size)
    ),
    "te": lambda f, v, i: entropy_of(v) + entropy_of(i) - entropy_of(f),
    "nmi": lambda f, v, i: (
        2 * (mutual_information_of(v, f) + mutual_information_of(i, f)) / (entropy_of(v) + entropy_of(i))
    ),
    "mse": lambda f, v, i: float(((f / 255 - v / 255) ** 2 + (f / 255 - i / 255) ** 2).mean() / 2),
    "psnr": lambda f, v, i: 20 * math.log10(255 / math.sqrt(FORMULAS["mse"](f, v, i))),
    "ce": lambda f, v, i: (binary_cross_entropy(f, v) + binary_cross_entropy(f, i)) / 2,
    "ei": lambda f, v, i: float(
        np.hypot(*(ndimage.sobel(f.astype(float), axis, mode="constant") for axis in (0, 1))).mean()
    ),
    "nabf": artifacts,
    "vif": lambda f, v, i: fidelity(v, f) + fidelity(i, f),
    "ssim": lambda f, v, i: float(
        sum(
            skimage_similarity(
                source.astype(float),
                f.astype(float),
                gaussian_weights=True,
                sigma=1.5,
                use_sample_covariance=False,
                data_range=1,
            )
            for source in (v, i)
        )
    ),
}
"""Formulas that are not the canonical ones, written plainly; Qcb and Qy have tests of their own."""


@pytest.mark.parametrize("name", FORMULAS)
def test_the_value_is_that_of_the_plain_formula(name: str, scene: Scene) -> None:
    # What is flat in two images at once is left out for SSIM: with C2 of 0.0009, rounding decides there.
    images = tuple(image[21:51, 5:40] for image in scene) if name == "ssim" else scene
    assert measure(name, *images) == pytest.approx(FORMULAS[name](*images), rel=1e-9)


def test_multi_scale_similarity_is_the_sum_of_that_with_a_range_of_one() -> None:
    random = np.random.default_rng(31)
    visible, infrared = random.integers(0, 256, (2, 176, 192), dtype=np.uint8)
    fused = ((visible.astype(int) + infrared) // 2).astype(np.uint8)
    expected = sum(multi_scale_similarity(source, fused) for source in (visible, infrared))
    assert measure("ms_ssim", fused, visible, infrared) == pytest.approx(expected, rel=1e-9)


def test_correlation_information_is_that_of_the_correlation_matrix(scene: Scene) -> None:
    share = np.linalg.eigvalsh(np.corrcoef([image.ravel() for image in scene])) / 3
    expected = 1 + float((share * np.log(share)).sum()) / math.log(256)
    assert measure("qncie", *scene) == pytest.approx(expected, rel=1e-12)


def test_a_level_above_16_is_as_good_as_white_for_the_cross_entropy() -> None:
    table = sigmoid_cross_entropies()
    assert (table[17:, 17:] == table[255, 255]).all()
    assert (table[:, 17:] == table[:, 255:]).all()
    assert table[255, 255] == pytest.approx(2**-23 * (1 + 23 * math.log(2)), rel=1e-6)
    assert table[0, 255] == pytest.approx(23 * math.log(2) / 2, rel=1e-6)
    assert table[0, 0] == pytest.approx(math.log(2), rel=1e-12)


def test_the_taps_of_an_off_centre_window_are_one_step_longer_on_one_side() -> None:
    taps = off_centre_taps(17)
    assert taps.sum() == pytest.approx(1, abs=1e-15)
    step = 17 / 16
    assert math.log(taps[0] / taps[1]) == pytest.approx(((9 - step) ** 2 - 81) / (2 * 3.4**2), rel=1e-9)
    assert math.log(taps[-1] / taps[0]) == pytest.approx((81 - 64) / (2 * 3.4**2), rel=1e-9)


def test_three_equal_images_have_the_ceilings_of_similarities_and_psnr(scene: Scene) -> None:
    image = scene[0]
    assert measure("psnr", image, image, image) == pytest.approx(100 + 20 * math.log10(255))
    assert measure("ssim", image, image, image) == pytest.approx(2, abs=1e-9)
    assert measure("vif", image, image, image) == pytest.approx(2, abs=1e-9)
    assert measure("qncie", image, image, image) == pytest.approx(1, abs=1e-9)
    assert measure("nabf", image, image, image) == 0


def test_a_constant_image_has_the_highest_entropy_beyond_its_own(scene: Scene) -> None:
    flat = np.full_like(scene[0], 90)
    assert measure("te", flat, *scene[1:]) == pytest.approx(entropy_of(scene[1]) + entropy_of(scene[2]))
    assert measure("te", *scene) < measure("te", flat, *scene[1:])


def test_sources_without_an_edge_leave_artifacts_without_a_value(scene: Scene) -> None:
    flat = np.full_like(scene[0], 90)
    assert math.isnan(measure("nabf", scene[0], flat, flat))


def test_constant_sources_share_no_information(scene: Scene) -> None:
    flat = np.full_like(scene[0], 90)
    assert measure("nmi", scene[0], flat, flat) == 0
    assert measure("qncie", scene[0], flat, flat) == pytest.approx(1 - math.log(3, 256))


@pytest.mark.parametrize("name", [name for name in METRICS if name != "ms_ssim"])
@pytest.mark.parametrize("level", [0, 1, 128, 255])
def test_a_constant_fused_image_has_a_finite_value(name: str, level: int, scene: Scene) -> None:
    assert math.isfinite(measure(name, np.full_like(scene[0], level), *scene[1:]))


@pytest.mark.parametrize("name", [name for name in METRICS if name != "ms_ssim"])
def test_the_value_lies_in_the_range_on_the_card(name: str, scene: Scene) -> None:
    low, high = METRICS[name].card.value_range
    for images in (scene, scene[:1] * 3, [np.zeros_like(scene[0])] * 3):
        value = measure(name, *images)
        assert math.isnan(value) or low <= value <= high


@pytest.mark.parametrize("name", [name for name in METRICS if name not in FUSED_ALONE | {"ms_ssim"}])
def test_statistics_kept_with_the_sources_give_the_value_of_fresh_ones(name: str, scene: Scene) -> None:
    fused, sources = measured(*scene)
    METRICS[name].measure(sources.visible, sources)
    assert METRICS[name].measure(fused, sources) == measure(name, *scene)


@pytest.mark.parametrize("name", METRICS)
def test_an_image_of_the_minimum_size_has_a_value_and_a_smaller_one_none(name: str) -> None:
    size = METRICS[name].card.minimum_size
    images = np.random.default_rng(8).integers(0, 256, (3, size, size), dtype=np.uint8)
    assert math.isfinite(measure(name, *images))
    with pytest.raises(ValueError, match=f"fused: is .* needs at least {size}x{size} pixels"):
        measure(name, *images[:, 1:])


@pytest.mark.parametrize("name", [name for name in METRICS if name not in FUSED_ALONE])
def test_a_source_of_another_size_is_refused(name: str) -> None:
    good, wide = np.zeros((170, 170), np.uint8), np.zeros((170, 171), np.uint8)
    with pytest.raises(ValueError, match="infrared: is 171x170 but fused is 170x170"):
        measure(name, good, good, wide)


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


@pytest.mark.parametrize("theirs", ORACLE)
def test_values_are_those_of_the_code_base_on_real_images(
    theirs: str, shared: Path, fusions: Mapping[tuple[str, str], Scene]
) -> None:
    table = pd.read_csv(shared / "oracle" / "metrics.csv", dtype=str)
    rows = table[(table["implementation"] == "ivif_zoo") & (table["metric"] == theirs)]
    assert len(rows) in (3, 12)
    found = [measure(theirs.lower(), *fusions[row.dataset, row.image]) for row in rows.itertuples()]
    np.testing.assert_allclose(found, rows["value"].astype(float), rtol=ORACLE[theirs], atol=0)


def test_every_value_of_the_code_base_is_compared(shared: Path) -> None:
    table = pd.read_csv(shared / "oracle" / "metrics.csv", dtype=str)
    assert set(table.loc[table["implementation"] == "ivif_zoo", "metric"]) == set(ORACLE)
    assert {name.lower() for name in ORACLE} == set(METRICS)
