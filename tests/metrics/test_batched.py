"""The core metrics over batches give the values of the numpy ones, image by image."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from fusionbench import registry
from fusionbench.contracts import (
    BatchMetric,
    MeasuredBatch,
    MeasuredImage,
    Metric,
    SourceBatch,
    SourceImages,
)
from fusionbench.images import read_visible, to_grey
from fusionbench_metrics.batched.histograms import histogram, joint_histogram
from fusionbench_metrics.batched.reduction import sum_of_each

CORE: dict[str, Metric] = {
    name: plugin() for name, plugin in registry.load_all("metric").items() if plugin.card.core
}

DEVICES = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]

Image = np.ndarray
Triple = tuple[Image, Image, Image]
"""A fused, a visible and an infrared image."""


def batch_of(triples: list[Triple], device: str = "cpu") -> tuple[MeasuredBatch, SourceBatch]:
    fused, visible, infrared = (
        MeasuredBatch(torch.from_numpy(np.stack(images)).to(device)) for images in zip(*triples, strict=True)
    )
    return fused, SourceBatch(visible, infrared)


def in_batch(name: str, triples: list[Triple], device: str = "cpu") -> list[float]:
    fused, sources = batch_of(triples, device)
    values = CORE[name].measure_batch(fused, sources)
    assert (values.shape, values.dtype, values.device.type) == ((len(triples),), torch.float64, device)
    return values.tolist()


def one_by_one(name: str, triples: list[Triple]) -> list[float]:
    measured = [[MeasuredImage(image, image) for image in triple] for triple in triples]
    return [CORE[name].measure(fused, SourceImages(*sources)) for fused, *sources in measured]


def near(values: list[float]) -> object:
    """Equal to 1e-9; what is 0 by definition is a sum of rounding errors at most."""
    return pytest.approx(values, rel=1e-9, abs=1e-12, nan_ok=True)


def kinds_of_images(height: int, width: int) -> list[Image]:
    """Noise, a ramp, black and white, three constants, and a black image with one pixel of 1."""
    random = np.random.default_rng(height * width)
    rows, columns = np.mgrid[:height, :width]
    noise = random.integers(0, 256, (height, width))
    dot = np.zeros((height, width))
    dot[height // 2, width // 3] = 1
    constants = [np.full((height, width), level) for level in (0, 131, 255)]
    images = [noise, rows * 2 + columns, np.where(noise > 99, 255, 0), dot, *constants]
    return [image.astype(np.uint8) for image in images]


@pytest.fixture(scope="module")
def triples(scene: Triple) -> list[Triple]:
    """The scene turned and swapped: five different triples of one odd size."""
    fused, visible, infrared = (image[:63, :63] for image in scene)
    turned = [tuple(np.rot90(image, turns) for image in (fused, visible, infrared)) for turns in range(3)]
    return [*turned, (visible, infrared, fused), (infrared, infrared, visible)]


def test_every_core_metric_measures_batches():
    assert len(CORE) == 12
    assert all(isinstance(metric, BatchMetric) for metric in CORE.values())


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", CORE)
def test_a_batch_has_the_values_of_its_images(name, device, scene, triples):
    assert in_batch(name, [scene], device) == near(one_by_one(name, [scene]))
    assert in_batch(name, triples, device) == near(one_by_one(name, triples))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("size", [(41, 41), (50, 67)], ids=str)
@pytest.mark.parametrize("name", CORE)
def test_flat_saturated_and_random_images_have_the_values_of_the_images_alone(name, size, device):
    kinds = kinds_of_images(*size)
    # Every kind as the fused image, between sources of every other kind in turn.
    found = [
        (fused, visible, kinds[(2 * index + 1) % len(kinds)])
        for fused in kinds
        for index, visible in enumerate(kinds)
    ]
    assert in_batch(name, found, device) == near(one_by_one(name, found))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", CORE)
def test_images_of_the_smallest_size_have_the_values_of_the_images_alone(name, device):
    size = CORE[name].card.minimum_size
    random = np.random.default_rng(size).integers(0, 256, (4, 3, size, size), dtype=np.uint8)
    found = [tuple(images) for images in random]
    assert in_batch(name, found, device) == near(one_by_one(name, found))


@pytest.mark.parametrize("dataset", ["LLVIP", "M3FD", "MSRS", "RoadScene"])
def test_real_images_have_the_values_of_the_images_alone(dataset, shared):
    folder = shared / "reference" / "sgafusion_outputs" / dataset
    for path in sorted((folder / "Ours").iterdir()):
        files = [Path(folder / kind / path.name) for kind in ("Ours", "Vis", "Inf")]
        triple = tuple(to_grey(read_visible(file)) for file in files)
        for name in CORE:
            assert in_batch(name, [triple]) == near(one_by_one(name, [triple])), (name, path.name)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", CORE)
def test_a_value_does_not_depend_on_the_other_images_of_the_batch(name, device, triples):
    alone = [in_batch(name, [triple], device)[0] for triple in triples]
    assert in_batch(name, triples, device) == alone
    assert in_batch(name, triples[::-1], device) == alone[::-1]


@pytest.fixture
def set_threads():
    """Sets torch's number of threads, for one test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", CORE)
def test_a_value_does_not_depend_on_the_number_of_threads(name, set_threads):
    random = np.random.default_rng(1).integers(0, 256, (2, 3, 301, 403), dtype=np.uint8)
    both = [tuple(images) for images in random]
    set_threads(1)
    expected = in_batch(name, both)
    set_threads(3)
    assert in_batch(name, both) == expected
    assert in_batch(name, both[:1]) == expected[:1]


def test_a_sum_depends_neither_on_the_batch_nor_on_the_number_of_threads(set_threads):
    values = torch.from_numpy(np.random.default_rng(3).random((8, 114_363)))
    set_threads(1)
    expected = sum_of_each(values)
    assert expected.tolist() == pytest.approx([math.fsum(row) for row in values.tolist()], rel=1e-15)
    for threads in (2, 3, 7):
        set_threads(threads)
        for count in (1, 2, 8):
            parts = [sum_of_each(values[first : first + count]) for first in range(0, 8, count)]
            assert torch.equal(torch.cat(parts), expected)


def test_values_do_not_depend_on_the_order_in_which_shared_statistics_were_kept(triples):
    expected = {name: in_batch(name, triples) for name in CORE}
    for seed in range(3):
        order = [str(name) for name in np.random.default_rng(seed).permutation(list(CORE))]
        fused, sources = batch_of(triples)
        for _ in range(2):
            assert {name: CORE[name].measure_batch(fused, sources).tolist() for name in order} == expected
            fused = MeasuredBatch(fused.grey)


def test_histograms_are_counted_once_for_all_metrics_and_those_of_the_sources_for_all_methods(
    triples, monkeypatch
):
    counted = []
    count = torch.bincount
    monkeypatch.setattr(torch, "bincount", lambda *given, **more: counted.append(1) or count(*given, **more))
    fused, sources = batch_of(triples)
    for metric in CORE.values():
        metric.measure_batch(fused, sources)
    assert len(counted) == 4, "the fused images; jointly with either source; both sources jointly"
    of_another_method = MeasuredBatch(fused.grey)
    for metric in CORE.values():
        metric.measure_batch(of_another_method, sources)
    assert len(counted) == 4 + 3


@pytest.mark.parametrize("device", DEVICES)
def test_histograms_are_those_of_each_image(device):
    first, second = np.random.default_rng(2).integers(0, 256, (2, 3, 17, 23), dtype=np.uint8)
    tensors = torch.from_numpy(first).to(device), torch.from_numpy(second).to(device)
    for index in range(3):
        alone = np.bincount(first[index].ravel(), minlength=256)
        assert np.array_equal(histogram(tensors[0])[index].cpu(), alone)
        joint, _, _ = np.histogram2d(first[index].ravel(), second[index].ravel(), [np.arange(257)] * 2)
        assert np.array_equal(joint_histogram(*tensors)[index].cpu(), joint)


@pytest.mark.parametrize("length", [1, 2, 3, 7, 64, 1001])
def test_every_value_is_in_the_sum_once(length):
    powers = 2.0 ** (torch.arange(length, dtype=torch.float64) % 40)
    values = torch.stack([powers, powers.flip(0), torch.ones_like(powers)])
    total = float(powers.sum())
    assert sum_of_each(values).tolist() == [total, total, length]
    assert sum_of_each(values.view(3, 1, length)).tolist() == [total, total, length]


def test_squares_of_sums_beyond_64_bits_do_not_overflow():
    side = 1 << 16
    image = MeasuredBatch(torch.zeros(1, 1, 1, dtype=torch.uint8).expand(1, side, side))
    counts = torch.zeros(1, 256, dtype=torch.int64)
    counts[0, 0], counts[0, 255] = side * side // 4, 3 * side * side // 4
    image.once("histogram", lambda: counts)
    deviation = CORE["sd"].measure_batch(image, SourceBatch(image, image)).item()
    assert deviation == pytest.approx(255 * math.sqrt(3) / 4, rel=1e-14)


@pytest.mark.parametrize("name", CORE)
def test_a_batch_that_is_not_grey_8_bit_is_refused(name):
    good = MeasuredBatch(torch.zeros(2, 50, 50, dtype=torch.uint8))
    for bad in (torch.zeros(2, 50, 50), torch.zeros(50, 50, dtype=torch.uint8)):
        with pytest.raises(ValueError, match="fused: expected grey uint8 images"):
            CORE[name].measure_batch(MeasuredBatch(bad), SourceBatch(good, good))


@pytest.mark.parametrize("name", [name for name in CORE if CORE[name].card.minimum_size > 1])
def test_a_batch_below_the_minimum_size_is_refused(name):
    size = CORE[name].card.minimum_size
    small = MeasuredBatch(torch.zeros(2, size, size - 1, dtype=torch.uint8))
    with pytest.raises(ValueError, match=f"needs at least {size}x{size} pixels"):
        CORE[name].measure_batch(small, SourceBatch(small, small))


@pytest.mark.parametrize("name", [name for name in CORE if CORE[name].card.compares == "sources"])
def test_sources_of_another_number_or_size_are_refused(name):
    good = MeasuredBatch(torch.zeros(2, 50, 50, dtype=torch.uint8))
    for shape in ((1, 50, 50), (2, 50, 51)):
        other = MeasuredBatch(torch.zeros(shape, dtype=torch.uint8))
        with pytest.raises(ValueError, match=r"infrared: is .* but fused is"):
            CORE[name].measure_batch(good, SourceBatch(good, other))


def test_importing_the_core_metrics_does_not_import_torch():
    modules = sorted({type(metric).__module__ for metric in CORE.values()})
    code = f"import sys, {', '.join(modules)}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
