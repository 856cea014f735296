"""Batches on a device give the rows that images give one by one, whatever the device can or cannot do."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial

import numpy as np
import pyarrow.parquet
import pytest
import torch

import fusionbench
from fusionbench import batch_measuring
from fusionbench.batch_measuring import KeptSources, is_batched, measure_batch
from fusionbench.contracts import MeasuredImage, MetricCard, SourceImages
from fusionbench.errors import InputError
from fusionbench.evaluation import work
from fusionbench.images import measured
from fusionbench.measuring import choose_metrics, measure_image, ready_metrics
from fusionbench_metrics.sd import StandardDeviation
from tests.conftest import make_pair

CORE = ready_metrics(choose_metrics())
MIXED = ready_metrics(choose_metrics(["core", "ei", "nabf", "stability_ssim", "stability_psnr"]))
"""What batches can measure and what they cannot."""

CARD = replace(StandardDeviation.card, name="probe", compares="sources", minimum_size=1)


class Probe:
    """A metric whose batches are told apart from its images: 1 on the device, 0 by numpy."""

    def __init__(self, card: MetricCard = CARD, error: Exception | None = None) -> None:
        self.card = card
        self.error = error
        self.sizes: list[int] = []
        self.sources: list[object] = []

    def measure(self, fused, sources) -> float:
        return 0.0

    def measure_batch(self, fused, sources) -> torch.Tensor:
        self.sizes.append(len(fused.grey))
        self.sources.append(sources)
        if self.error is not None:
            raise self.error
        return torch.ones(len(fused.grey), dtype=torch.float64)


def images_of(seed: int, height: int = 48, width: int = 64) -> tuple[MeasuredImage, SourceImages]:
    """A fused image that looks a little like both of its sources, and the sources."""
    visible, infrared = make_pair(seed, height, width)
    fused = ((visible.astype(int) + infrared[..., None] + seed) // 2).astype(np.uint8)
    return measured(fused), SourceImages(measured(visible), measured(infrared))


def compared(seed: int, height: int = 48, width: int = 64):
    """A fused image and everything it can be compared with."""
    fused, clean = images_of(seed, height, width)
    _, degraded = images_of(seed + 100, height, width)
    output, _ = images_of(seed + 1, height, width)
    return fused, {
        "clean": clean,
        "degraded": degraded,
        "clean_output": replace(clean, clean_output=output),
    }


def together(images, metrics, device="cpu", kept=None):
    return measure_batch([fused for fused, _ in images], [of for _, of in images], metrics, device, kept)


def assert_rows_of_each_image(images, metrics, device="cpu"):
    found = together(images, metrics, device)
    assert len(found) == len(images)
    for rows, (fused, sources) in zip(found, images, strict=True):
        fresh = MeasuredImage(fused.rgb, fused.grey)
        expected = measure_image(fresh, sources, metrics)
        assert [(row.metric, row.reference, row.reason) for row in rows] == [
            (row.metric, row.reference, row.reason) for row in expected
        ]
        for row, value in zip(rows, expected, strict=True):
            assert row.value == (None if value.value is None else pytest.approx(value.value, rel=1e-9)), row


@pytest.fixture(autouse=True)
def warnings_said_before():
    batch_measuring._warn_once.cache_clear()


def test_a_batch_has_the_rows_of_its_images():
    assert_rows_of_each_image([compared(seed) for seed in range(3)], MIXED)


def test_images_of_different_sizes_are_measured_together():
    sizes = [(48, 64), (64, 48), (48, 64), (41, 41), (64, 48)]
    assert_rows_of_each_image([compared(seed, *size) for seed, size in enumerate(sizes)], CORE)


def test_an_image_without_a_degraded_pair_may_be_in_a_batch():
    images = [compared(seed) for seed in range(3)]
    del images[1][1]["degraded"]
    del images[2][1]["clean_output"]
    assert_rows_of_each_image(images, MIXED)


def test_an_image_too_small_for_a_metric_has_the_same_reason():
    images = [compared(1, 12, 30), compared(2), compared(3, 2, 2)]
    assert_rows_of_each_image(images, CORE)
    reasons = {row.metric: row.reason for row in together(images, CORE)[0]}
    assert reasons["vif"] == "image is 30x12; VIF needs at least 41 pixels a side"
    assert reasons["ssim"] == ""


def test_an_undefined_value_has_the_same_reason():
    images = [compared(seed) for seed in range(2)]
    black = measured(np.zeros((48, 64), np.uint8))
    images[1][1]["clean"] = SourceImages(black, black)
    assert_rows_of_each_image(images, CORE)
    assert any("Qabf is undefined" in row.reason for row in together(images, CORE)[1])


def test_a_source_of_another_size_has_the_same_reason():
    (fused, sources), other = compared(1), compared(2, 48, 65)
    images = [compared(3), (fused, {**sources, "clean": other[1]["clean"]})]
    assert_rows_of_each_image(images, CORE)


def test_nothing_to_measure_is_no_rows():
    assert measure_batch([], [], CORE, "cpu") == []
    assert together([compared(1)], {}) == [[]]


@pytest.mark.parametrize(
    ("compares", "references"),
    [("fused", ["none"]), ("sources", ["clean", "degraded"]), ("clean", ["clean"])],
)
def test_values_against_pairs_come_from_the_device(compares, references):
    probe = Probe(replace(CARD, compares=compares))
    rows = together([compared(1), compared(2)], {"probe": probe})
    assert [[(row.reference, row.value) for row in of] for of in rows] == [
        [(reference, 1.0) for reference in references]
    ] * 2
    assert probe.sizes == [2] * len(references)


def test_values_against_the_output_of_a_method_do_not_come_from_the_device():
    (rows,) = together([compared(1)], {"probe": Probe(replace(CARD, compares="clean_output"))})
    assert [(row.reference, row.value) for row in rows] == [("clean_output", 0.0)]


def test_a_batch_has_no_more_pixels_than_fit(monkeypatch):
    monkeypatch.setattr(batch_measuring, "PIXELS_AT_ONCE", 2 * 48 * 64)
    probe = Probe(replace(CARD, compares="clean"))
    images = [compared(seed) for seed in range(5)]
    images.insert(2, compared(9, 100, 100))
    rows = together(images, {"probe": probe})
    assert [row.value for of in rows for row in of] == [1.0] * 6
    assert probe.sizes == [2, 2, 1, 1]


def test_the_same_pairs_are_put_on_the_device_once():
    probe, kept = Probe(replace(CARD, compares="clean")), KeptSources()
    (first, pair), (second, _) = compared(1), compared(2)
    for fused in (first, second, first):
        together([(fused, pair)], {"probe": probe}, kept=kept)
    together([compared(1)], {"probe": probe}, kept=kept)
    same = [sources is probe.sources[0] for sources in probe.sources]
    assert same == [True, True, True, False]


def test_pairs_do_not_stay_on_the_device_where_there_is_no_room(monkeypatch):
    monkeypatch.setattr(batch_measuring, "PIXELS_KEPT", 48 * 64)
    probe, kept = Probe(), KeptSources()
    images = [compared(1)]
    for _ in range(2):
        together(images, {"probe": probe}, kept=kept)
    clean, degraded, clean_again, degraded_again = probe.sources
    assert clean is clean_again
    assert degraded is not degraded_again


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("too little"), TypeError("no float64"), InputError("no")], ids=repr
)
def test_what_the_device_cannot_do_is_measured_by_numpy(error, caplog):
    kept = KeptSources()
    metrics = {"failing": Probe(error=error), "working": Probe()}
    with caplog.at_level(logging.WARNING):
        rows = [row for _ in range(2) for row in together([compared(1)], metrics, kept=kept)[0]]
    assert {(row.metric, row.value) for row in rows} == {("failing", 0.0), ("working", 1.0)}
    assert [record.getMessage() for record in caplog.records] == [
        f"metric failing is measured by numpy: the device raised {type(error).__name__}"
    ]


def test_memory_that_ran_out_is_given_back():
    kept = KeptSources()
    images = [compared(1)]
    for probe in (failing := Probe(error=torch.OutOfMemoryError()), working := Probe()):
        together(images, {"probe": probe}, kept=kept)
    assert not set(map(id, failing.sources)) & set(map(id, working.sources))


def test_an_out_of_memory_in_the_midst_of_a_core_metric_changes_no_row(monkeypatch):
    from fusionbench_metrics.batched import windows

    def run_out(*given):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(windows, "local_mean", run_out)
    assert_rows_of_each_image([compared(seed) for seed in range(2)], CORE)


@pytest.mark.parametrize("device", ["meta", "no-such-device"])
def test_a_device_that_gives_no_values_changes_no_row(device):
    assert_rows_of_each_image([compared(seed) for seed in range(2)], CORE, device)


def test_values_of_the_wrong_shape_are_not_taken(monkeypatch):
    monkeypatch.setattr(Probe, "measure_batch", lambda self, fused, sources: torch.ones(7))
    assert [row.value for row in together([compared(1)], {"probe": Probe()})[0]] == [0.0, 0.0]


def test_a_variant_with_a_definition_of_its_own_is_not_measured_by_the_batches_of_another():
    class Variance(StandardDeviation):
        def measure(self, fused, sources) -> float:
            return super().measure(fused, sources) ** 2

    class Same(StandardDeviation):
        """As the original."""

    assert is_batched(Same())
    assert not is_batched(Variance())
    assert_rows_of_each_image([compared(1)], {"variance": Variance()})


def values_of(results) -> list[tuple[object, ...]]:
    """Rows of every cell in a store."""
    tables = [pyarrow.parquet.read_table(path) for path in sorted(results.rglob("*.parquet"))]
    return [tuple(row.values()) for table in tables for row in table.to_pylist()]


def test_an_evaluation_on_a_gpu_has_the_rows_of_one_on_the_cpu(
    pair_folders, tmp_path, monkeypatch, write_method
):
    failing = write_method("assert visible.mean() > 0.5\nreturn infrared", name="Failing")

    def evaluate(results) -> list[tuple[object, ...]]:
        fusionbench.evaluate(
            "folder",
            dataset_options=pair_folders,
            results=results,
            degradation=["clean", "haze"],
            methods=["average", "lp", failing],
            metrics=["core", "stability_ssim"],
            batch_size=3,
            device="cpu",
        )
        return values_of(results)

    expected = evaluate(tmp_path / "cpu")
    batches = []

    def on_cpu(fused, sources, metrics, device, kept):
        batches.append((len(fused), device))
        return measure_batch(fused, sources, metrics, "cpu", kept)

    # Only what measures believes in the GPU: methods run on the CPU.
    create = work.Worker.__init__
    monkeypatch.setattr(
        work.Worker,
        "__init__",
        lambda worker, setup: create(worker, setup) or setattr(worker, "_device", "cuda"),
    )
    monkeypatch.setattr(work, "measure_batch", on_cpu)
    found = evaluate(tmp_path / "gpu")
    assert (3, "cuda") in batches
    assert len(found) == len(expected)
    for row, other in zip(found, expected, strict=True):
        assert row == tuple(
            pytest.approx(each, rel=1e-9) if isinstance(each, float) else each for each in other
        )
    assert any("AssertionError" in str(row) for row in found)


def test_an_evaluation_on_the_cpu_measures_no_batches(pair_folders, tmp_path, monkeypatch):
    monkeypatch.setattr(work, "measure_batch", partial(pytest.fail, "a batch on the CPU"))
    fusionbench.evaluate(
        "folder",
        dataset_options=pair_folders,
        results=tmp_path,
        methods=["average"],
        batch_size=3,
        device="cpu",
    )
